"""Rules for the whole suite: nothing leaves this machine, and Hypothesis finds the same examples every time."""

from __future__ import annotations

import sys

from hypothesis import settings

LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "::", ""})


def _refuse_the_internet(event: str, args: tuple[object, ...]) -> None:
    """An audit hook, because it sees every library's connections, compiled ones too."""
    if event == "socket.connect" and isinstance(args[1], tuple):
        host = args[1][0]
    elif event == "socket.getaddrinfo":
        host = args[0]
    else:
        return
    name = host.decode() if isinstance(host, bytes) else str(host or "")
    if name not in LOOPBACK_HOSTS and not name.startswith("127."):
        raise PermissionError(f"tests may speak to this machine only, not to {name}")


sys.addaudithook(_refuse_the_internet)

settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
