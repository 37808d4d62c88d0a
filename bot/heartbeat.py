"""A sign of life to a watcher outside this machine, given only while cycles really complete.

Whoever listens raises the alarm when it stops: this program cannot tell of its own end.
"""

from __future__ import annotations

from collections.abc import Callable

import aiohttp
import structlog
from pydantic import SecretStr

from core.clock import Clock
from core.connection_words import why_unconnected

BEAT_S = 60.0
TIMEOUT = aiohttp.ClientTimeout(total=10)

log = structlog.get_logger(__name__)


class Heartbeat:
    """`stalled` names what has not completed a cycle lately; empty when all have."""

    def __init__(self, url: SecretStr, *, stalled: Callable[[], tuple[str, ...]], clock: Clock) -> None:
        self._url = url
        self._stalled = stalled
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled; a ping that fails is logged and the next one comes in its time."""
        async with aiohttp.ClientSession(timeout=TIMEOUT) as session:
            while True:
                await self._beat(session)
                await self._clock.sleep(BEAT_S)

    async def _beat(self, session: aiohttp.ClientSession) -> None:
        if stalled := self._stalled():
            log.warning("no heartbeat", stalled=", ".join(stalled))
            return
        try:
            async with session.get(self._url.get_secret_value()) as answer:
                answer.raise_for_status()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:  # the last of what it is sent on to
            # The error's own text may hold the address, which is a secret.
            status = (
                f"HTTP {error.status}" if isinstance(error, aiohttp.ClientResponseError) else why_unconnected(error)
            )
            log.warning("heartbeat not taken", why=status)
