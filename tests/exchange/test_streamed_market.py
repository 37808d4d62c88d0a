"""Pushed while it will do, else asked for: over the strict exchange's REST, with a stream moved by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import NoReturn

import pytest

from core.clock import ManualClock, SystemClock
from core.errors import Refused, Transient
from core.exchange.binance_market import BinanceMarket
from core.exchange.binance_public import BinancePublic
from core.exchange.paper import PaperVenue
from core.exchange.public_market import MarketFeed
from core.exchange.streamed_market import StreamedMarket
from core.facts import Market
from tests.exchange.paper_rig import ETH, MemoryStore, book, flat_market, sell, terms
from tests.rigs.venue import DEPTH, VenueServer

PUSHED = replace(
    flat_market("2100"),
    bids=book(*((str(2099 - level), "10") for level in range(5))),
    asks=book(*((str(2101 + level), "10") for level in range(5))),
)


class HandStream:
    """A MarketStream whose newest market the test sets."""

    def __init__(self) -> None:
        self.market: Market | None = None

    async def listen(self, symbols: Collection[str], on_move: Callable[[str], None]) -> NoReturn:
        raise Transient("the hand is at rest")

    def latest(self, symbol: str) -> Market | None:
        return self.market


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(SystemClock().now())


@pytest.fixture
def stream(clock: ManualClock) -> HandStream:
    pushing = HandStream()
    pushing.market = replace(PUSHED, as_of=clock.now())
    return pushing


@pytest.fixture
async def feed(venue: VenueServer, stream: HandStream, clock: ManualClock) -> AsyncIterator[MarketFeed]:
    rest = BinanceMarket(BinancePublic(venue.url, SystemClock()), SystemClock())
    streamed = StreamedMarket(stream, rest, clock, max_age=timedelta(seconds=3))
    await streamed.prepare([ETH])
    yield streamed
    await streamed.aclose()


async def test_a_fresh_pushed_market_costs_no_request(venue: VenueServer, feed: MarketFeed, stream: HandStream) -> None:
    """The very market that the stream has; filters are the feed's."""
    assert await feed.market(ETH) is stream.market
    assert feed.rules(ETH).min_notional_quote == 20
    assert venue.requests(DEPTH) == []


async def test_an_old_one_is_asked_for(feed: MarketFeed, clock: ManualClock) -> None:
    """At three seconds it still does, a moment later it does not; nor does one from the future."""
    await clock.advance(3)
    assert (await feed.market(ETH)).mark_price == 2100
    await clock.advance(0.001)
    assert (await feed.market(ETH)).mark_price == 2000


@pytest.mark.parametrize(
    "change",
    [
        {"bids": PUSHED.bids[:4]},
        {"asks": PUSHED.asks[:1]},
        {"asks": book(*((str(2099 + level), "1") for level in range(5)))},
        {"as_of": PUSHED.as_of + timedelta(days=9000)},
    ],
)
async def test_a_market_that_will_not_do_is_asked_for(
    feed: MarketFeed, stream: HandStream, change: dict[str, object]
) -> None:
    """Too short on one side, crossed, or from the future."""
    assert stream.market is not None
    stream.market = replace(stream.market, **change)  # type: ignore[arg-type]
    assert (await feed.market(ETH)).mark_price == 2000


async def test_a_stream_that_is_down_is_not_waited_for(
    venue: VenueServer, feed: MarketFeed, stream: HandStream
) -> None:
    """None: asked for. When that fails too there is no market, never an old one."""
    stream.market = None
    assert (await feed.market(ETH)).mark_price == 2000
    venue.exchange.set_book(ETH, [], [])
    with pytest.raises(Transient):
        await feed.market(ETH)


async def test_a_symbol_that_was_not_prepared_is_refused(feed: MarketFeed) -> None:
    """Also while the stream has a market of that name."""
    with pytest.raises(Refused):
        await feed.market("BNBUSDT")


async def test_paper_trades_against_what_is_pushed(feed: MarketFeed, clock: ManualClock) -> None:
    """Paper over a stream over REST: the fill is the pushed bid's."""
    paper = PaperVenue(feed, MemoryStore(), clock, terms())
    await paper.prepare([ETH])
    await paper.place(sell("1"))
    (trade,) = await paper.trades(ETH, after_trade_id=None, since=clock.now())
    assert trade.price == Decimal(2099)


async def test_a_paper_account_is_as_of_now(feed: MarketFeed, stream: HandStream, clock: ManualClock) -> None:
    """Whatever the age of the prices it is valued at: it knows of an order that ended since they were pushed."""
    paper = PaperVenue(feed, MemoryStore(), clock, terms())
    await paper.prepare([ETH])
    stream.market = replace(PUSHED, as_of=clock.now() - timedelta(seconds=0.9))
    assert (await paper.account(ETH)).as_of == clock.now()
