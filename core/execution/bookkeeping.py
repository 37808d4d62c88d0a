"""Fills into the journal: from the venue's own trade list, each attributed to whoever ordered it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.clock import Clock
from core.events import Event, EventKind
from core.execution.order_ids import parse_client_order_id
from core.facts import Trade
from core.ports import EventLog, Journal, OrderState, PerpVenue, TradeOrigin

# The first own order's time is ours and the trade's time is the venue's: leave room for two clocks.
CLOCK_ROOM = timedelta(minutes=1)
VENUE_ORDER_PREFIXES = {
    "autoclose-": TradeOrigin.LIQUIDATION,
    "adl_autoclose": TradeOrigin.ADL,
    "settlement_autoclose-": TradeOrigin.LIQUIDATION,
}


@dataclass(frozen=True, slots=True)
class BookedTrades:
    own: tuple[Trade, ...]
    foreign: tuple[tuple[Trade, TradeOrigin], ...]


class Bookkeeper:
    """Books what the venue says was traded. Fills never come from an order's answer."""

    def __init__(self, *, venue: PerpVenue, journal: Journal, events: EventLog, clock: Clock, start: datetime) -> None:
        self._venue = venue
        self._journal = journal
        self._events = events
        self._clock = clock
        self._start = start

    async def book_new_trades(self, symbol: str, hedge: str) -> BookedTrades:
        """Fetch and book the trades after the last one booked. Raises what the venue's read raises."""
        last_id = await self._journal.last_trade_id(symbol)
        trades = await self._venue.trades(symbol, after_trade_id=last_id, since=self._start - CLOCK_ROOM)
        if not trades:
            return BookedTrades((), ())
        origins = await self._origins(symbol, trades)
        fresh = await self._journal.book_trades([(t, origins[t.venue_order_id]) for t in trades], self._clock.now())
        foreign = tuple((t, origins[t.venue_order_id]) for t in fresh if origins[t.venue_order_id] != TradeOrigin.OURS)
        for trade, origin in foreign:
            await self._events.append(_foreign_trade(hedge, trade, origin, self._clock.now()))
        return BookedTrades(tuple(t for t in fresh if origins[t.venue_order_id] == TradeOrigin.OURS), foreign)

    async def _origins(self, symbol: str, trades: Sequence[Trade]) -> dict[int, TradeOrigin]:
        own = await self._journal.own_venue_order_ids(symbol)
        origins: dict[int, TradeOrigin] = {}
        for order_id in {trade.venue_order_id for trade in trades}:
            origins[order_id] = TradeOrigin.OURS if order_id in own else await self._ask_whose(symbol, order_id)
        return origins

    async def _ask_whose(self, symbol: str, venue_order_id: int) -> TradeOrigin:
        report = await self._venue.find_order_by_venue_id(symbol, venue_order_id)
        if report is None:
            return TradeOrigin.FOREIGN
        for prefix, origin in VENUE_ORDER_PREFIXES.items():
            if report.client_order_id.startswith(prefix):
                return origin
        if parse_client_order_id(report.client_order_id) is None:
            return TradeOrigin.FOREIGN
        entry = await self._journal.order(report.client_order_id)
        if entry is None:  # Ours by name, of another database: a person decides.
            return TradeOrigin.FOREIGN
        if not entry.state.is_settled or entry.state is OrderState.ABSENT:
            await self._journal.record_report(report, self._clock.now())
        return TradeOrigin.OURS


def executed_base(trades: Sequence[Trade]) -> Decimal:
    return sum((trade.quantity_base for trade in trades), Decimal(0))


def average_price(trades: Sequence[Trade]) -> Decimal | None:
    """Volume-weighted, None without fills."""
    quantity = executed_base(trades)
    return sum((t.price * t.quantity_base for t in trades), Decimal(0)) / quantity if quantity else None


def _foreign_trade(hedge: str, trade: Trade, origin: TradeOrigin, at: datetime) -> Event:
    data = {
        "symbol": trade.symbol,
        "trade_id": str(trade.trade_id),
        "side": trade.side.value,
        "quantity_base": str(trade.quantity_base),
        "price": str(trade.price),
        "origin": origin.value,
    }
    return Event(EventKind.FOREIGN_TRADE, hedge, at, data)
