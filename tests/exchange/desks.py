"""One trading desk, two venues behind it: paper, and the live adapter over the strict exchange. Same hand and book."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from pydantic import SecretStr

from core.clock import ManualClock, SystemClock
from core.errors import OutcomeUnknown, Refused
from core.exchange.binance import BinanceVenue, WantedTerms
from core.exchange.binance_client import BinanceAccess
from core.exchange.paper import PaperVenue
from core.exchange.paper_account import Terms
from core.facts import BookLevel, Market, OrderRequest
from core.ports import PerpVenue
from tests.exchange.paper_rig import ETH, START, HandMarket, MemoryStore, flat_market
from tests.rigs.venue import Exchange, VenueServer
from tests.rigs.venue.gate import RateLimits

Side = Sequence[tuple[str, str]]
Shown = Mapping[str, object]
DEEP = "10000"


class Desk(Protocol):
    """`since`: before anything happened on it."""

    venue: PerpVenue
    since: datetime

    async def book(self, bids: Side, asks: Side, mark: str) -> None:
        """The market is this from now on, until it is used up."""
        ...

    async def wait(self, seconds_s: float) -> None: ...

    async def fund(self, rate: str) -> None:
        """The rate is announced, seen by the venue, and its hour passes at the mark of now."""
        ...


class PaperDesk:
    def __init__(self, terms: Terms) -> None:
        self.clock = ManualClock(START)
        self.feed = HandMarket(flat_market("2000", depth=DEEP))
        self.paper = PaperVenue(self.feed, MemoryStore(), self.clock, terms)
        self.venue: PerpVenue = self.paper
        self.since = START

    async def book(self, bids: Side, asks: Side, mark: str) -> None:
        here = self.feed.markets[ETH]
        price = Decimal(mark)
        self.feed.set(replace(here, bids=_levels(bids), asks=_levels(asks), mark_price=price, index_price=price))
        await self.clock.advance(2)
        await self.paper.market_moved(ETH)

    async def wait(self, seconds_s: float) -> None:
        await self.clock.advance(seconds_s)

    async def fund(self, rate: str) -> None:
        here = self.feed.markets[ETH]
        self._amend(replace(here, funding_rate=Decimal(rate)))
        await self.venue.account(ETH)
        await self.clock.advance((here.next_funding_time - self.clock.now()).total_seconds() + 1)
        seen, following = self.feed.markets[ETH], here.next_funding_time + timedelta(hours=8)
        self._amend(replace(seen, next_funding_time=following))
        await self.paper.market_moved(ETH)

    def _amend(self, market: Market) -> None:
        """The same snapshot of the book still, with what was taken of it."""
        self.feed.markets[ETH] = market


class BinanceDesk:
    def __init__(self, server: VenueServer, venue: BinanceVenue) -> None:
        self.exchange: Exchange = server.exchange
        self.venue: PerpVenue = venue
        self.since = datetime.now(UTC) - timedelta(days=1)

    async def book(self, bids: Side, asks: Side, mark: str) -> None:
        both = ([(Decimal(price), Decimal(size)) for price, size in side] for side in (bids, asks))
        self.exchange.set_book(ETH, *both, mark=Decimal(mark))

    async def wait(self, seconds_s: float) -> None:
        self.exchange.clock_offset_ms += int(seconds_s * 1000)

    async def fund(self, rate: str) -> None:
        self.exchange.set_funding(ETH, Decimal(rate))
        self.exchange.pay_funding(ETH)


@asynccontextmanager
async def paper_desk(
    balance: str = "10000", taker: str = "0.0005", min_notional: str = "20"
) -> AsyncIterator[PaperDesk]:
    desk = PaperDesk(Terms(Decimal(balance), taker_rate=Decimal(taker)))
    desk.feed.min_notional_quote = Decimal(min_notional)
    await desk.venue.prepare([ETH])
    await desk.book([("2000", DEEP)], [("2000", DEEP)], "2000")
    try:
        yield desk
    finally:
        await desk.venue.aclose()


@asynccontextmanager
async def binance_desk(
    balance: str = "10000", taker: str = "0.0005", min_notional: str = "20"
) -> AsyncIterator[BinanceDesk]:
    """Five times leverage as on paper; a rate limit that never fills, for tests that ask more than a program would."""
    async with VenueServer() as server:
        server.limits = RateLimits(itertools.count(0, 120).__next__)
        listed = server.exchange.instruments
        listed[ETH] = replace(listed[ETH], min_notional=Decimal(min_notional))
        server.exchange.liquidates = True
        server.exchange.set_balance(Decimal(balance))
        server.exchange.ledger.taker = Decimal(taker)
        venue = BinanceVenue(_access(server), SystemClock(), wanted={ETH: WantedTerms(leverage=5)})
        desk = BinanceDesk(server, venue)
        try:
            await venue.prepare([ETH])
            await desk.book([("2000", DEEP)], [("2000", DEEP)], "2000")
            yield desk
        finally:
            await venue.aclose()


async def answer(desk: Desk, order: OrderRequest) -> str:
    """The state a placed order is reported in with what it executed, or the code it is refused with."""
    try:
        report = await desk.venue.place(order)
    except Refused as refused:
        return refused.code
    except OutcomeUnknown:
        return "unknown"
    assert (report.client_order_id, report.symbol, report.side) == (order.client_order_id, order.symbol, order.side)
    assert report.quantity_base == order.quantity_base
    return f"{report.status} {report.executed_base.normalize():f}"


@dataclass(frozen=True, slots=True)
class Fill:
    """A trade as both can have it: without ids and time."""

    client_order_id: str
    side: str
    price: Decimal
    quantity_base: Decimal
    fee: Decimal
    fee_asset: str
    realised_pnl_quote: Decimal
    is_maker: bool


async def fills(desk: Desk) -> tuple[Fill, ...]:
    shown = []
    for trade in await desk.venue.trades(ETH, after_trade_id=None, since=desk.since):
        order = await desk.venue.find_order_by_venue_id(ETH, trade.venue_order_id)
        assert order is not None
        assert order.side is trade.side
        shown.append(
            Fill(
                "autoclose" if order.client_order_id.startswith("autoclose-") else order.client_order_id,
                trade.side.value,
                trade.price,
                trade.quantity_base,
                trade.fee,
                trade.fee_asset,
                trade.realised_pnl_quote,
                trade.is_maker,
            )
        )
    return tuple(shown)


async def account(desk: Desk) -> Shown:
    """All that the port says of the account, but the time and the symbol's whole table of tiers."""
    seen = await desk.venue.account(ETH)
    beside = ("as_of", "maintenance_tiers")
    return {name: getattr(seen, name) for name in type(seen).__slots__ if name not in beside}


async def orders(desk: Desk, ids: Collection[str]) -> Shown:
    """State and executed quantity of each id, None when it is not known; and which are open."""
    found = {each: await desk.venue.find_order(ETH, each) for each in ids}
    shown: dict[str, object] = {
        each: None if report is None else (report.status, report.executed_base) for each, report in found.items()
    }
    return shown | {"open": tuple(sorted(report.client_order_id for report in await desk.venue.open_orders(ETH)))}


def alike(one: object, other: object, tolerance: Decimal = Decimal("0.00000002")) -> bool:
    """Equal, amounts to two of the wallet's smallest units: the two round a partial close's entry in another place."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return abs(one - other) <= tolerance
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(alike(one[key], other[key], tolerance) for key in one)
    return one == other


def _access(server: VenueServer) -> BinanceAccess:
    keys = server.credentials
    return BinanceAccess(SecretStr(keys.key), SecretStr(keys.secret), server.url, server.url, timeout_s=5.0)


def _levels(side: Side) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(Decimal(price), Decimal(size)) for price, size in side)
