"""Fills into the journal: from the venue's own trade list, each attributed to whoever ordered it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from core.clock import Clock
from core.events import Event, EventKind
from core.execution.order_ids import parse_client_order_id
from core.facts import OrderReport, Trade
from core.ports import EventLog, Journal, JournalOrder, OrderState, PerpVenue, TradeOrigin

# The first own order's time is ours and the trade's time is the venue's: leave room for two clocks.
CLOCK_ROOM = timedelta(minutes=1)
# A trade whose order the venue cannot name is a lagging replica's; after this long it is a stranger's.
UNNAMED_FOR_S = 60.0
TOLD_WITHIN_S = 0.1
VENUE_ORDER_PREFIXES = {
    "autoclose-": TradeOrigin.LIQUIDATION,
    "adl_autoclose": TradeOrigin.ADL,
    "settlement_autoclose-": TradeOrigin.LIQUIDATION,
}


class Bookkeeper:
    """Books what the venue says was traded, of all hedges. Fills never come from an order's answer.

    `hears`: whether the account's news come at present.
    """

    def __init__(self, *, venue: PerpVenue, journal: Journal, events: EventLog, clock: Clock, start: datetime) -> None:
        self._venue = venue
        self._journal = journal
        self._events = events
        self._clock = clock
        self._start = start
        self._unnamed_since_s: dict[int, float] = {}
        self._awaited: dict[str, asyncio.Event] = {}
        self.hears = False

    async def settle(self, report: OrderReport) -> bool:
        """Record the report of an own order; True once it is final and the journal has all of its fills.

        Until then the order stays unsettled, so that nothing is ordered on a position and a journal that both have not
        heard of it yet. Raises what the venue's reads raise.
        """
        if self._is_to_be_told(report) and await self._is_told(report):
            return True
        if await self._journal.take_in(report, None, self._clock.now()):
            return True
        if not report.status.is_final or not await self._has_fills_of(report):
            return False
        return await self._journal.take_in(report, None, self._clock.now())

    async def book_new_trades(self, symbol: str, hedge: str) -> tuple[Trade, ...]:
        """Fetch and book the trades after the last one that a list had. Raises what the venue's read raises.

        Those come back that are left for later, as the venue did not say yet whose they are.
        """
        last_id = await self._journal.last_trade_id(symbol)
        trades = await self._venue.trades(symbol, after_trade_id=last_id, since=self._start - CLOCK_ROOM)
        return await self._book(symbol, hedge, trades)

    async def take_in(self, report: OrderReport, fill: Trade | None) -> None:
        """What the venue told by itself of an order. Somebody else's is left to the next read, which asks whose it is.

        The fee and profit of a told fill are the venue's own words; the trade list has the same row.
        """
        order = await self._journal.order(report.client_order_id)
        if order is None or order.request.symbol != report.symbol:
            return
        settled = await self._journal.take_in(report, fill, self._clock.now())
        if settled and (awaited := self._awaited.get(report.client_order_id)):
            awaited.set()

    def _is_to_be_told(self, report: OrderReport) -> bool:
        return self.hears and report.status.is_final and report.executed_base > 0

    async def _is_told(self, report: OrderReport) -> bool:
        """The fills of an order that ended are told at about the time of its answer: that spares asking for them."""
        told = self._awaited.setdefault(report.client_order_id, asyncio.Event())
        waits = [asyncio.ensure_future(told.wait()), asyncio.ensure_future(self._clock.sleep(TOLD_WITHIN_S))]
        try:
            order = await self._journal.order(report.client_order_id)
            if order is None or order.state is OrderState.FINAL:
                return order is not None
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return told.is_set()
        finally:
            self._awaited.pop(report.client_order_id, None)
            for wait in waits:
                wait.cancel()

    async def _has_fills_of(self, report: OrderReport) -> bool:
        """The trade list lags behind the order's own state, and its rows may come late among newer ones."""
        order = await self._journal.order(report.client_order_id)
        if order is None:
            return True
        await self.book_new_trades(report.symbol, order.hedge)
        if await self._booked_base(order, report) >= report.executed_base:
            return True
        since = order.recorded_at - CLOCK_ROOM
        late = await self._venue.trades(report.symbol, after_trade_id=None, since=since)
        await self._book(report.symbol, order.hedge, late)
        return await self._booked_base(order, report) >= report.executed_base

    async def _booked_base(self, order: JournalOrder, report: OrderReport) -> Decimal:
        fills = await self._journal.plan_fills(order.plan_id)
        return executed_base([fill for fill in fills if fill.venue_order_id == report.venue_order_id])

    async def _book(self, symbol: str, hedge: str, trades: Sequence[Trade]) -> tuple[Trade, ...]:
        """In order, up to the first trade of an order that the venue does not know at this replica yet."""
        if not trades:
            return ()
        origins = await self._origins(symbol, trades)
        bookable, unnamed = _parted(trades, origins)
        now = self._clock.now()
        fresh = await self._journal.book_trades([(trade, origins[trade.venue_order_id]) for trade in bookable], now)
        for trade in fresh:
            origin = origins[trade.venue_order_id]
            if origin is not TradeOrigin.OURS:
                await self._events.append(foreign_trade(hedge, trade, origin, now))
        return unnamed

    async def _origins(self, symbol: str, trades: Sequence[Trade]) -> dict[int, TradeOrigin]:
        """By the venue's order id; an order that it cannot name yet is left out."""
        own = await self._journal.own_venue_order_ids(symbol)
        origins: dict[int, TradeOrigin] = {}
        for order_id in {trade.venue_order_id for trade in trades}:
            origin = TradeOrigin.OURS if order_id in own else await self._ask_whose(symbol, order_id)
            if origin is not None:
                origins[order_id] = origin
        return origins

    async def _ask_whose(self, symbol: str, venue_order_id: int) -> TradeOrigin | None:
        report = await self._venue.find_order_by_venue_id(symbol, venue_order_id)
        if report is None:
            return self._unnamed(venue_order_id)
        self._unnamed_since_s.pop(venue_order_id, None)
        origin = _others_origin(report.client_order_id)
        if origin is not None:
            return origin
        entry = await self._journal.order(report.client_order_id)
        if entry is None:  # Ours by name, of another database: a person decides.
            return TradeOrigin.FOREIGN
        if entry.state is not OrderState.FINAL:  # also one that was believed not to exist
            await self._journal.record_report(report, self._clock.now(), booked=False)
        return TradeOrigin.OURS

    def _unnamed(self, venue_order_id: int) -> TradeOrigin | None:
        now_s = self._clock.monotonic_s()
        since_s = self._unnamed_since_s.setdefault(venue_order_id, now_s)
        if now_s < since_s + UNNAMED_FOR_S:
            return None
        return TradeOrigin.FOREIGN


def executed_base(trades: Sequence[Trade]) -> Decimal:
    return sum((trade.quantity_base for trade in trades), Decimal(0))


def average_price(trades: Sequence[Trade]) -> Decimal | None:
    """Volume-weighted, None without fills."""
    quantity = executed_base(trades)
    return sum((t.price * t.quantity_base for t in trades), Decimal(0)) / quantity if quantity else None


def _parted(trades: Sequence[Trade], origins: Mapping[int, TradeOrigin]) -> tuple[tuple[Trade, ...], tuple[Trade, ...]]:
    """(to be booked now, without a name): none behind an unnamed one may be booked before it is, as a later fetch
    begins after the last booked trade."""
    unnamed = tuple(trade for trade in trades if trade.venue_order_id not in origins)
    if not unnamed:
        return tuple(trades), ()
    first = min(unnamed, key=lambda trade: trade.trade_id)
    return tuple(trade for trade in trades if trade.trade_id < first.trade_id), unnamed


def _others_origin(client_order_id: str) -> TradeOrigin | None:
    """Whose it is when it does not bear a name of ours; None when it does."""
    for prefix, origin in VENUE_ORDER_PREFIXES.items():
        if client_order_id.startswith(prefix):
            return origin
    return TradeOrigin.FOREIGN if parse_client_order_id(client_order_id) is None else None


def foreign_trade(hedge: str | None, trade: Trade, origin: TradeOrigin, at: datetime) -> Event:
    data = {
        "symbol": trade.symbol,
        "trade_id": str(trade.trade_id),
        "side": trade.side.value,
        "quantity_base": str(trade.quantity_base),
        "price": str(trade.price),
        "origin": origin.value,
    }
    return Event(EventKind.FOREIGN_TRADE, hedge, at, data)
