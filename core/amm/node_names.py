"""What a node is called in messages, and what of its URL must never be in one: a key may stand in any part of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

_SHORTEST_KEY = 6
_SURELY_A_KEY = 20
# The last two names of a host are its owner's, bought in public.
_PUBLIC_LABELS = 2
HIDDEN = "…"


def node_label(chain: str, number: int, of: int) -> str:
    """Such as "bsc node 2 of 3", in the order of the configuration."""
    return f"the {chain} node" if of == 1 else f"{chain} node {number} of {of}"


def secrets_of(url: str) -> tuple[str, ...]:
    """What of a URL may be a key, longest first: all of it, its host, and every longer piece of either's neighbours."""
    parts = urlsplit(url)
    beside_host = f"{parts.path}/{parts.query}/{parts.username or ''}/{parts.password or ''}/{parts.fragment}"
    host = _host(parts.netloc)
    inner = host.split(".")[:-_PUBLIC_LABELS]
    pieces = {host, host.lower(), *inner, *map(str.lower, inner), *re.split(r"[/=&]", beside_host)}
    pieces |= {unquote(piece) for piece in pieces}
    kept = {piece for piece in pieces if len(piece) >= _SHORTEST_KEY}
    return (url, *sorted(kept, key=len, reverse=True))


def _host(netloc: str) -> str:
    """Without port, in the letters in which it was written."""
    return re.sub(r":\d*$", "", netloc.rpartition("@")[2])


def unmistakable(url: str) -> tuple[str, ...]:
    """Of `secrets_of` what can be hidden in any text at all: short pieces are common words, such as a chain's name."""
    parts = urlsplit(url)
    password = [unquote(parts.password)] if parts.password else []
    host = [] if parts.hostname is None or is_this_machine(parts.hostname) else [parts.hostname]
    return (*host, *password, *(piece for piece in secrets_of(url) if len(piece) >= _SURELY_A_KEY))


def without_secrets(text: str, secrets: Sequence[str]) -> str:
    """A node's words with every piece of its URL that may be a key left out."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text


def is_this_machine(host: str) -> bool:
    """By its name or address, on loopback."""
    return host in ("localhost", "::1") or host.startswith("127.")
