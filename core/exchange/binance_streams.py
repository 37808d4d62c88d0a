"""What Binance's two kinds of stream have in common: where they are, how a dead one is noticed, how one fails.

A connection has one life: whatever goes wrong ends it, as `Transient`, and the next `listen` makes everything anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from websockets.exceptions import InvalidStatus, WebSocketException

from core.connection_words import why_unconnected
from core.errors import Transient
from core.exchange.binance_traffic import retry_after_s


@dataclass(frozen=True, slots=True)
class Liveness:
    """A peer that is gone without a word is noticed `ping_every_s` to `ping_every_s + pong_within_s` after it went.

    Binance answers pings (they count among the ten messages a second that it takes), and closes every connection
    after 24 hours.
    """

    ping_every_s: float = 20.0
    pong_within_s: float = 20.0
    open_within_s: float = 8.0


@contextmanager
def broken_as_transient(stream: str) -> Iterator[None]:
    """Whatever a connection can raise, as one sentence about `stream`; never its URL, which may hold the key."""
    try:
        yield
    except InvalidStatus as error:
        response = error.response
        wait_s = retry_after_s(response.headers)
        raise Transient(f"Binance refused {stream} (HTTP {response.status_code})", retry_after_s=wait_s) from None
    except TimeoutError:
        raise Transient(f"Binance did not open {stream} in time") from None
    except (WebSocketException, OSError) as error:
        raise Transient(f"The connection of {stream} broke ({why_unconnected(error)})") from None
