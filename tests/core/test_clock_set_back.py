"""The wall clock is set by an hour: nothing that a minute ends lives an hour, nothing old passes for fresh."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from decimal import Decimal
from pathlib import Path
from typing import NoReturn

import pytest

from core.errors import Transient
from core.events import Event, EventKind
from core.exchange.paper import PaperVenue
from core.execution.bookkeeping import Bookkeeper
from core.facts import Market
from core.feeds import VenueFeed
from core.hedging.states import Request
from core.listening import Listening
from core.venue_watch import Streams, VenueWatch
from core.wishes import Wishes
from storage.store import Store
from tests.bot.samples import T0
from tests.core.pair import HandFeed
from tests.core.wrong_clock import BOTH_WAYS, HOUR_S, WrongClock
from tests.exchange.paper_rig import MemoryStore, terms

SYMBOL = "ETHUSDT"


@BOTH_WAYS
async def test_news_that_stay_away_are_told_after_a_minute(by_s: float) -> None:
    """Not at once, and not an hour later."""
    clock, told = WrongClock(T0), list[tuple[float, str | None]]()

    async def refuse() -> None:
        raise Transient("no answer")

    async def tell(why: str | None) -> None:
        told.append((clock.monotonic_s(), why))

    running = asyncio.create_task(Listening("the news", refuse, tell=tell, clock=clock).run())
    await asyncio.sleep(0)
    clock.wall_offset_s = by_s
    for _ in range(100):
        await clock.advance(1)
        await asyncio.sleep(0)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [why for _, why in told] == ["no answer"] and 60 <= told[0][0] <= 70


@BOTH_WAYS
async def test_a_hedge_that_waits_is_dropped_after_a_minute(tmp_path: Path, by_s: float) -> None:
    """What was confirmed an hour ago is not traded."""
    clock = WrongClock(T0, sleep_advances=True)
    async with await Store.open(tmp_path / "lp_hedge.db", scope="paper:test", clock=clock) as store:
        wishes = Wishes("eth", store.events, clock)
        wishes.make(Request.HEDGE, Decimal(-5))
        clock.wall_offset_s = by_s
        waits = []
        for seconds_s in (59, 2):
            await clock.sleep(seconds_s)
            await wishes.look_at_the_time(None, clock.now())
            waits.append(wishes.wish is not None)
        assert waits == [True, False]
        (dropped,) = await store.events.recent(hedge="eth", limit=5)
        assert dropped.kind is EventKind.COMMAND_DROPPED


class Silent:
    """A market stream that told one market and then nothing."""

    def __init__(self, market: Market) -> None:
        self._market = market

    async def listen(self, symbols: Collection[str], on_move: Callable[[str], None]) -> NoReturn:
        raise Transient("this one only remembers")

    def latest(self, symbol: str) -> Market | None:
        return self._market


@pytest.mark.parametrize(("later_s", "by_s", "told"), [(3, 0, True), (60, 0, False), (60, -HOUR_S, False)])
async def test_a_market_from_later_than_now_is_read_anew(later_s: float, by_s: float, told: bool) -> None:
    """It was told before the clock was set back, and may be an hour old."""
    clock = WrongClock(T0, sleep_advances=True)
    feed = HandFeed(clock)
    venue = PaperVenue(feed, MemoryStore(), clock, terms())
    await venue.prepare([SYMBOL])
    watch = VenueWatch(
        streams=Streams(markets=Silent(await feed.market(SYMBOL))),
        hedges={SYMBOL: "eth"},
        is_known=lambda _symbol: True,
        bookkeeper=object.__new__(Bookkeeper),
        concerns=lambda _hedge, _market: False,
        wake=lambda _hedge: None,
        events=Unheard(),
        clock=clock,
    )
    feed.price = Decimal(1500)
    await clock.sleep(later_s)
    clock.wall_offset_s = by_s
    facts = (await VenueFeed(venue, SYMBOL, clock, watch).read(max_age_s=5)).value
    assert facts is not None and (facts.market.mark_price == 2000) == told


class Unheard:
    async def append(self, event: Event) -> None: ...

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        return ()
