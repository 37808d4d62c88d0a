"""A port that a rig goes away from and comes back to."""

from __future__ import annotations

import socket


def bound(port: int = 0) -> socket.socket:
    """Keeps the port, while nobody listens there, from being given to any other socket of this machine.

    Whoever listens there needs SO_REUSEADDR as well, and must not do so yet.
    """
    place = socket.socket()
    place.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    place.bind(("127.0.0.1", port))
    return place
