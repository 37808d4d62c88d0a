"""A chain that tells its news: read at once what is new there, and wake the hedges that it concerns, and only those.

Polling goes on beside it at its own pace and is all there is while the news stay away; so nothing is lost with them but
speed.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

import structlog

from core.clock import Clock
from core.config import HedgeConfig
from core.errors import LpHedgeError, Refused, Transient
from core.events import Event, EventKind
from core.facts import LpFacts
from core.feeds import ChainFeed
from core.hedging.stirring import is_stirred
from core.ports import ChainNews, ChainStream, EventLog

# A chain is read for its news at most so often, however fast its blocks come.
READ_EVERY_S = 1.0
# The node that answers may be a moment behind the one that told the news.
CATCH_UP_S, CATCH_UP_TRIES = 0.15, 4
# One that never gets there is not waited for again so soon: the other one is ahead of the chain, or lies.
HOPELESS_FOR_S = 60.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 60.0
# A connection that is back within this time was not worth a word.
TELL_AFTER = timedelta(seconds=60)
TELL_EVERY_S = 5.0

log = structlog.get_logger(__name__)


class ChainWatch:
    def __init__(
        self,
        chain: str,
        *,
        stream: ChainStream,
        feed: ChainFeed,
        pools: Callable[[], Collection[str]],
        hedges: Mapping[str, HedgeConfig],
        wake: Callable[[str], None],
        events: EventLog,
        clock: Clock,
    ) -> None:
        """`hedges`: those of this chain. `wake` is called with the name of one that should be looked at."""
        self.chain = chain
        self._stream = stream
        self._feed = feed
        self._pools = pools
        self._hedges = dict(hedges)
        self._wake = wake
        self._events = events
        self._clock = clock
        self._looked_at: dict[str, LpFacts] = {}
        self._newest = 0
        self._moved = asyncio.Event()
        self._heard = False
        self._lost_since: datetime | None = clock.now()
        self._trouble = "not connected yet"
        self._hopeless_until_s = -HOPELESS_FOR_S
        self._told = False

    @property
    def trouble(self) -> str | None:
        """Why no news come at present; None while they do."""
        return self._trouble if self._lost_since is not None else None

    @property
    def stream_name(self) -> str:
        return self._stream.name

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._keep_listening())
            tasks.create_task(self._keep_reading())
            tasks.create_task(self._keep_telling())

    async def _keep_listening(self) -> None:
        wait_s = FIRST_WAIT_S
        while True:
            try:
                await self._listen()
            except (Transient, Refused) as error:
                self._lose(error)
            wait_s = FIRST_WAIT_S if self._has_heard() else wait_s
            await self._clock.sleep(wait_s * random.uniform(0.5, 1.0))
            wait_s = min(LONGEST_WAIT_S, 2 * wait_s)

    async def _listen(self) -> None:
        """One connection; it ends also when other pools are to be listened to."""
        pools = frozenset(self._pools())
        listening = asyncio.ensure_future(self._stream.listen(pools, self._hear))
        try:
            while frozenset(self._pools()) == pools:
                done, _ = await asyncio.wait({listening}, timeout=READ_EVERY_S)
                if done:
                    listening.result()
        finally:
            listening.cancel()
            await asyncio.wait({listening})

    def _hear(self, news: ChainNews) -> None:
        self._heard, self._lost_since = True, None
        if news.moved:
            self._newest = news.block
            self._moved.set()

    def _has_heard(self) -> bool:
        """Since the last time it was asked."""
        heard, self._heard = self._heard, False
        return heard

    def _lose(self, error: LpHedgeError) -> None:
        if str(error) != self._trouble or self._lost_since is None:
            log.warning("the chain's news stay away", chain=self.chain, why=str(error))
        self._trouble, self._lost_since = str(error), self._lost_since or self._clock.now()

    async def _keep_reading(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            began_s = self._clock.monotonic_s()
            await self._read(self._newest)
            await self._clock.sleep(max(0.0, READ_EVERY_S - (self._clock.monotonic_s() - began_s)))

    async def _read(self, block: int) -> None:
        hopeless = self._clock.monotonic_s() < self._hopeless_until_s
        for _ in range(1 if hopeless else CATCH_UP_TRIES):
            reached = await self._look(max_age_s=0)
            if reached is None or reached >= block:
                return
            await self._clock.sleep(CATCH_UP_S)
        self._hopeless_until_s = self._clock.monotonic_s() + HOPELESS_FOR_S

    async def _look(self, *, max_age_s: float) -> int | None:
        """Read, and wake those that are concerned. The block that was reached; None when nothing could be read."""
        reached = None
        for name, config in self._hedges.items():
            reading = await self._feed.facts(name, max_age_s=max_age_s)
            max_age_s = READ_EVERY_S  # the others were read with the first
            if reading.value is None or reading.trouble is not None:
                continue
            reached = reading.value.block.number
            if is_stirred(self._looked_at.get(name), reading.value, config):
                self._looked_at[name] = reading.value
                self._wake(name)
        return reached

    async def _keep_telling(self) -> None:
        while True:
            await self._clock.sleep(TELL_EVERY_S)
            lost_since = self._lost_since
            if lost_since is None and self._told:
                self._told = False
                await self._tell(EventKind.NEWS_BACK, {})
            elif lost_since is not None and not self._told and self._clock.now() - lost_since >= TELL_AFTER:
                self._told = True
                await self._tell(EventKind.NEWS_LOST, {"detail": self._trouble})

    async def _tell(self, kind: EventKind, data: Mapping[str, str]) -> None:
        await self._events.append(Event(kind, None, self._clock.now(), {"chain": self.chain, **data}))
