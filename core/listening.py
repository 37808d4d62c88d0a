"""A connection on which somebody tells news: made anew for ever, and spoken of when it stays away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

from core.cancellation import end, until_one_fails
from core.clock import Clock
from core.errors import Refused, Transient

FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
# A connection that is back within this time was not worth a word.
TELL_AFTER_S = 60.0
TELL_EVERY_S = 5.0
CHANGED_WITHIN_S = 1.0

log = structlog.get_logger(__name__)


async def listen_while_wanted(
    wanted: Callable[[], frozenset[str]], listen: Callable[[frozenset[str]], Awaitable[None]]
) -> None:
    """One connection for what is wanted now; ends quietly when something else is."""
    asked_for = wanted()
    listening = asyncio.ensure_future(listen(asked_for))
    try:
        while wanted() == asked_for:
            done, _ = await asyncio.wait({listening}, timeout=CHANGED_WITHIN_S)
            if done:
                return listening.result()
    finally:
        await end(listening)


class Listening:
    """`listen` is one connection's life and raises at its end; it calls `heard` with each piece of news.

    `tell` gets why the news stay away once they have for a minute, and None when they are back after that.
    """

    def __init__(
        self,
        what: str,
        listen: Callable[[], Awaitable[None]],
        *,
        tell: Callable[[str | None], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._what = what
        self._listen = listen
        self._tell = tell
        self._clock = clock
        self._heard = False
        self.ever_heard = False
        self._lost_since_s: float | None = clock.monotonic_s()
        self._trouble = "not connected yet"
        self._told = False

    @property
    def trouble(self) -> str | None:
        """Why no news come at present; None while they do."""
        return self._trouble if self._lost_since_s is not None else None

    def heard(self) -> None:
        """The silence is over, and the waits before a new connection begin at a second again."""
        self._heard = self.ever_heard = True
        self._lost_since_s = None

    async def run(self) -> None:
        """Until cancelled."""
        await until_one_fails(self._keep_listening(), self._keep_telling())

    async def _keep_listening(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._listen()
            except (Transient, Refused) as error:
                self._lose(str(error))
            wait_s = FIRST_WAIT_S if self._has_heard() else wait_s
            await self._clock.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)

    def _has_heard(self) -> bool:
        """Since the last time it was asked."""
        heard, self._heard = self._heard, False
        return heard

    def _lose(self, why: str) -> None:
        if why != self._trouble or self._lost_since_s is None:
            log.warning("news stay away", of=self._what, why=why)
        self._trouble = why
        if self._lost_since_s is None:
            self._lost_since_s = self._clock.monotonic_s()

    async def _keep_telling(self) -> None:
        while True:
            await self._clock.sleep(TELL_EVERY_S)
            if self._lost_since_s is None and self._told:
                self._told = False
                await self._tell(None)
            elif not self._told and self._is_lost_for_long():
                self._told = True
                await self._tell(self._trouble)

    def _is_lost_for_long(self) -> bool:
        since_s = self._lost_since_s
        return since_s is not None and self._clock.monotonic_s() - since_s >= TELL_AFTER_S
