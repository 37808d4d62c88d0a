"""The paper account as values: ledger, positions, orders and trades; each change gives a new state.

Money is kept in units of 1e-8 QUOTE. What a partial close releases of the entry cost is rounded once and taken from the
cost that stays, so realised and unrealised profit always add up to the cash that moved, to the unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.exchange.paper_book import Fill
from core.exchange.paper_margin import rounded_price, rounded_quote
from core.facts import OrderReport, OrderRequest, OrderSide, OrderStatus, PositionSide, Trade
from core.ports import Income

ZERO = Decimal(0)
KEPT_TRADES = 500
KEPT_FINAL_ORDERS = 200
KEPT_PAYMENTS = 500
# Binance's words for income that is not of a trade.
FUNDING = "FUNDING_FEE"
INSURANCE = "INSURANCE_CLEAR"
FUNDING_INTERVAL = timedelta(hours=8)


@dataclass(frozen=True, slots=True)
class Terms:
    """Fees and initial margin as fractions of notional; the wallet of a new account in QUOTE."""

    balance_quote: Decimal
    taker_rate: Decimal = Decimal("0.0005")
    maker_rate: Decimal = Decimal("0.0002")
    initial_rate: Decimal = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Ledger:
    """Where the wallet came from, in QUOTE. `funding` is positive when received, `fees` when paid.

    `insurance` is what the venue's fund paid when a liquidation left less than nothing, less what it took otherwise.
    """

    start: Decimal
    realised: Decimal = ZERO
    fees: Decimal = ZERO
    funding: Decimal = ZERO
    insurance: Decimal = ZERO

    @property
    def wallet(self) -> Decimal:
        """In QUOTE, to the unit; profit that is not realised is not in it."""
        return self.start + self.realised - self.fees + self.funding + self.insurance


@dataclass(frozen=True, slots=True)
class PaperPosition:
    """One symbol. `size_base` and `cost_quote` (size times average entry) are negative when short.

    `mark_price` and `funding_rate` are those of the newest market seen, `next_funding_time` is the next hour not yet
    paid, `funded_at` the last one that was. `funding_interval`: between two, as last seen; Binance has 8, 4 and 1 h.
    """

    size_base: Decimal
    cost_quote: Decimal
    mark_price: Decimal
    funding_rate: Decimal
    next_funding_time: datetime
    funding_interval: timedelta = FUNDING_INTERVAL
    funded_at: datetime | None = None

    @property
    def entry_price(self) -> Decimal | None:
        """To 16 digits; None when flat."""
        return rounded_price(self.cost_quote / self.size_base) if self.size_base else None

    @property
    def notional(self) -> Decimal:
        """At the mark, never negative."""
        return abs(self.size_base) * self.mark_price

    @property
    def unrealised(self) -> Decimal:
        """In QUOTE at the newest mark, below zero for a loss."""
        return self.size_base * self.mark_price - self.cost_quote

    def filled(self, side: OrderSide, price: Decimal, quantity_base: Decimal) -> tuple[PaperPosition, Decimal]:
        """The position after a fill, and the profit it realised in QUOTE before fees."""
        change = side.sign * quantity_base
        closing = min(quantity_base, abs(self.size_base)) if self.size_base * change < 0 else ZERO
        released = self._cost_of(closing)
        realised = -side.sign * closing * price - released
        cost = self.cost_quote - released + side.sign * (quantity_base - closing) * price
        return replace(self, size_base=self.size_base + change, cost_quote=cost), realised

    def _cost_of(self, closing_base: Decimal) -> Decimal:
        if closing_base == abs(self.size_base):
            return self.cost_quote
        return rounded_quote(self.cost_quote * closing_base / abs(self.size_base)) if closing_base else ZERO


@dataclass(frozen=True, slots=True)
class PaperOrder:
    request: OrderRequest
    venue_order_id: int
    status: OrderStatus
    executed_base: Decimal
    updated_at: datetime

    @property
    def remaining_base(self) -> Decimal:
        """What has not executed, also of one that is over."""
        return self.request.quantity_base - self.executed_base

    def report(self) -> OrderReport:
        """What callers and listeners are told of it."""
        return OrderReport(
            client_order_id=self.request.client_order_id,
            venue_order_id=self.venue_order_id,
            symbol=self.request.symbol,
            side=self.request.side,
            status=self.status,
            quantity_base=self.request.quantity_base,
            executed_base=self.executed_base,
            updated_at=self.updated_at,
        )


@dataclass(frozen=True, slots=True)
class Execution:
    """A fill with its terms; `fee_rate` is a fraction of what was traded."""

    fill: Fill
    fee_rate: Decimal
    fee_asset: str
    is_maker: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class PaperState:
    """All there is to know of the account. The newest KEPT_* of what is over are kept, every open order is.

    `guards`: by symbol, when its open orders are cancelled unless somebody asks for more time. `payments`: cash that
    moved without a trade.
    """

    ledger: Ledger
    positions: Mapping[str, PaperPosition] = field(default_factory=dict)
    orders: tuple[PaperOrder, ...] = ()
    trades: tuple[Trade, ...] = ()
    last_order_id: int = 0
    last_trade_id: int = 0
    guards: Mapping[str, datetime] = field(default_factory=dict)
    payments: tuple[Income, ...] = ()
    last_payment_id: int = 0
    version: int = 1

    def order(self, symbol: str, client_order_id: str) -> PaperOrder | None:
        """The newest order of this id: a finished order's id can be used again, as at Binance."""
        for order in reversed(self.orders):
            if order.request.client_order_id == client_order_id and order.request.symbol == symbol:
                return order
        return None

    def order_by_venue_id(self, symbol: str, venue_order_id: int) -> PaperOrder | None:
        """None for another symbol's, and for one that is kept no more."""
        for order in self.orders:
            if order.venue_order_id == venue_order_id and order.request.symbol == symbol:
                return order
        return None

    def open_orders(self, symbol: str) -> tuple[PaperOrder, ...]:
        """In the order in which they were placed."""
        return tuple(o for o in self.all_open_orders() if o.request.symbol == symbol)

    def all_open_orders(self) -> tuple[PaperOrder, ...]:
        """Of every symbol, for they share one margin; in the order in which they were placed."""
        return tuple(o for o in self.orders if not o.status.is_final)

    def reducible_base(self, symbol: str, side: OrderSide) -> Decimal:
        """What an order of `side` can close of the position."""
        size = self.positions[symbol].size_base
        return abs(size) if size * side.sign < 0 else ZERO

    def with_position(self, symbol: str, position: PaperPosition) -> PaperState:
        """In place of the symbol's old one, if there was one."""
        return replace(self, positions={**self.positions, symbol: position})

    def with_new_order(self, request: OrderRequest, at: datetime) -> tuple[PaperState, PaperOrder]:
        """Under the next id of the venue, with nothing executed yet; the state with it, and the order."""
        order = PaperOrder(request, self.last_order_id + 1, OrderStatus.NEW, ZERO, at)
        return replace(self, orders=(*self.orders, order), last_order_id=order.venue_order_id), order

    def with_order(self, changed: PaperOrder) -> PaperState:
        """The same order as it is now; drops the oldest final orders beyond KEPT_FINAL_ORDERS."""
        orders = [changed if o.venue_order_id == changed.venue_order_id else o for o in self.orders]
        return replace(self, orders=_kept(orders))

    def with_fill(self, order: PaperOrder, execution: Execution) -> PaperState:
        """Book one fill of `order` into position, ledger and trades; the order itself is the caller's to change."""
        request, fill = order.request, execution.fill
        position, realised = self.positions[request.symbol].filled(request.side, fill.price, fill.quantity_base)
        trade = Trade(
            symbol=request.symbol,
            trade_id=self.last_trade_id + 1,
            venue_order_id=order.venue_order_id,
            side=request.side,
            position_side=PositionSide.BOTH,
            price=fill.price,
            quantity_base=fill.quantity_base,
            fee=rounded_quote(fill.price * fill.quantity_base * execution.fee_rate),
            fee_asset=execution.fee_asset,
            realised_pnl_quote=realised,
            is_maker=execution.is_maker,
            at=execution.at,
        )
        ledger = replace(self.ledger, realised=self.ledger.realised + realised, fees=self.ledger.fees + trade.fee)
        return replace(
            self.with_position(request.symbol, position),
            ledger=ledger,
            trades=(*self.trades, trade)[-KEPT_TRADES:],
            last_trade_id=trade.trade_id,
        )

    def with_funding(self, symbol: str, amount_quote: Decimal, asset: str, at: datetime) -> PaperState:
        """`amount_quote` is positive when received."""
        ledger = replace(self.ledger, funding=self.ledger.funding + amount_quote)
        return replace(self._with_payment(FUNDING, symbol, amount_quote, asset, at), ledger=ledger)

    def with_insurance(self, symbol: str, amount_quote: Decimal, asset: str, at: datetime) -> PaperState:
        """What the venue's fund paid, or took when negative."""
        ledger = replace(self.ledger, insurance=self.ledger.insurance + amount_quote)
        return replace(self._with_payment(INSURANCE, symbol, amount_quote, asset, at), ledger=ledger)

    def _with_payment(self, kind: str, symbol: str, amount: Decimal, asset: str, at: datetime) -> PaperState:
        row = Income(kind, self.last_payment_id + 1, symbol, amount, asset, at)
        return replace(self, payments=(*self.payments, row)[-KEPT_PAYMENTS:], last_payment_id=row.income_id)


def _kept(orders: Sequence[PaperOrder]) -> tuple[PaperOrder, ...]:
    final = [o.venue_order_id for o in orders if o.status.is_final]
    dropped = set(final[:-KEPT_FINAL_ORDERS])
    return tuple(o for o in orders if o.venue_order_id not in dropped)
