"""A chain that tells its news: read at once what is new there, and wake the hedges that it concerns, and only those.

Polling goes on beside it at its own pace and is all there is while the news stay away; so nothing is lost with them but
speed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping

from core.cancellation import until_one_fails
from core.clock import Clock
from core.config import HedgeConfig
from core.events import Event, EventKind
from core.facts import LpFacts
from core.feeds import ChainFeed
from core.hedging.stirring import is_stirred
from core.listening import Listening, listen_while_wanted
from core.news_ports import ChainNews, ChainStream
from core.ports import EventLog

# A chain is read for its news at most so often, however fast its blocks come.
READ_EVERY_S = 1.0
# The node that answers may be a moment behind the one that told the news.
CATCH_UP_S, CATCH_UP_TRIES = 0.15, 4
# One that never gets there is not waited for again so soon: the other one is ahead of the chain, or lies.
HOPELESS_FOR_S = 60.0


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
        """`hedges`: those of this chain, read at each use. `wake` gets the name of one that should be looked at."""
        self.chain = chain
        self._stream = stream
        self._feed = feed
        self._pools = pools
        self._hedges = hedges
        self._wake = wake
        self._events = events
        self._clock = clock
        self._looked_at: dict[str, LpFacts] = {}
        self._newest = 0
        self._moved = asyncio.Event()
        self._listening = Listening(f"the chain {chain}", self._listen, tell=self._tell, clock=clock)
        self._hopeless_until_s = -HOPELESS_FOR_S

    @property
    def trouble(self) -> str | None:
        """Why no news come at present; None while they do."""
        return self._listening.trouble

    @property
    def stream_name(self) -> str:
        """Where the news come from, for people: no URL and no key in it."""
        return self._stream.name

    async def run(self) -> None:
        """Until cancelled."""
        await until_one_fails(self._listening.run(), self._keep_reading())

    async def _listen(self) -> None:
        """One connection; it ends also when other pools are to be listened to."""
        await listen_while_wanted(lambda: frozenset(self._pools()), self._listen_to)

    async def _listen_to(self, pools: frozenset[str]) -> None:
        await self._stream.listen(pools, self._hear)

    def _hear(self, news: ChainNews) -> None:
        self._listening.heard()
        if news.moved:
            self._newest = news.block
            self._moved.set()

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

    async def _tell(self, why: str | None) -> None:
        kind = EventKind.NEWS_BACK if why is None else EventKind.NEWS_LOST
        data = {"chain": self.chain} | ({"detail": why} if why else {})
        await self._events.append(Event(kind, None, self._clock.now(), data))
