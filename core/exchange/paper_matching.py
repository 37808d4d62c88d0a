"""How a new market moves the paper account: funding, resting orders, liquidation; and how an order executes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.exchange.paper_account import Execution, PaperOrder, PaperPosition, PaperState
from core.exchange.paper_book import Fill, RemainingDepth, crosses, opposite_levels, walk
from core.exchange.paper_margin import rounded_quote
from core.exchange.paper_totals import maintenance, margin_balance
from core.facts import Market, OrderRequest, OrderSide, OrderStatus, OrderType, TimeInForce

ZERO = Decimal(0)
FUNDING_INTERVAL = timedelta(hours=8)
# Funding times carry stray milliseconds; a schedule that moved by less than this has not moved on.
_SCHEDULE_MOVED = timedelta(minutes=30)
LIQUIDATION_FEE_RATE = Decimal("0.0125")


@dataclass(frozen=True, slots=True)
class Terms:
    """Fees and initial margin as fractions of notional; the wallet of a new account in QUOTE."""

    balance_quote: Decimal
    taker_rate: Decimal = Decimal("0.0005")
    maker_rate: Decimal = Decimal("0.0002")
    initial_rate: Decimal = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Moment:
    """The market of one symbol as an execution meets it, the asset fees are paid in, and the time."""

    market: Market
    fee_asset: str
    at: datetime


def marked(state: PaperState, market: Market) -> PaperState:
    """Take over mark and funding schedule, paying the funding that fell due since the market last seen.

    The rate last announced before the due time is paid on the first mark seen after it. Several payments that fell due
    while nobody looked are all paid at that one rate, one for each 8 hours.
    """
    known = state.positions.get(market.symbol)
    if known is None:
        known = PaperPosition(ZERO, ZERO, market.mark_price, market.funding_rate, market.next_funding_time)
    moved = market.next_funding_time - known.next_funding_time
    if moved >= _SCHEDULE_MOVED:
        payments = max(1, moved // FUNDING_INTERVAL)
        received = rounded_quote(-known.size_base * market.mark_price * known.funding_rate) * payments
        state = replace(state, ledger=replace(state.ledger, funding=state.ledger.funding + received))
    seen = replace(
        known,
        mark_price=market.mark_price,
        funding_rate=market.funding_rate,
        next_funding_time=market.next_funding_time,
    )
    return state.with_position(market.symbol, seen)


class Matching:
    """Executes against market snapshots; remembers only what of the newest snapshot is already taken."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._depth = RemainingDepth()

    def execute(self, state: PaperState, request: OrderRequest, moment: Moment) -> PaperState:
        """A checked order meets the book at once: taker fills, and what is left rests or expires by its kind."""
        state, order = state.with_new_order(request, moment.at)
        fills = self._take(moment.market, request.side, request.quantity_base, request.price)
        for fill in fills:
            state = state.with_fill(order, _taker(fill, self._terms.taker_rate, moment))
        rests = request.time_in_force in (TimeInForce.GTC, TimeInForce.GTX)
        return state.with_order(_after(order, _sum(fills), moment.at, otherwise=None if rests else OrderStatus.EXPIRED))

    def match_resting(self, state: PaperState, moment: Moment) -> PaperState:
        """Resting orders that the book has come to trade at their own price as makers, as far as the depth goes."""
        for order in state.open_orders(moment.market.symbol):
            price = order.request.price
            if price is not None and crosses(order.request.side, price, moment.market):
                state = self._fill_resting(state, order, price, moment)
        return state

    def _fill_resting(self, state: PaperState, order: PaperOrder, price: Decimal, moment: Moment) -> PaperState:
        side, wanted, otherwise = order.request.side, order.remaining_base, None
        if order.request.reduce_only:
            wanted = min(wanted, _reducible(state.positions[order.request.symbol], side))
            otherwise = OrderStatus.EXPIRED if wanted < order.remaining_base else None
        executed = _sum(self._take(moment.market, side, wanted, price))
        if executed:
            fill = Fill(price, executed)
            maker = Execution(fill, self._terms.maker_rate, moment.fee_asset, is_maker=True, at=moment.at)
            state = state.with_fill(order, maker)
        return state.with_order(_after(order, executed, moment.at, otherwise=otherwise))

    def _take(
        self, market: Market, side: OrderSide, quantity_base: Decimal, limit_price: Decimal | None
    ) -> tuple[Fill, ...]:
        fills = walk(self._depth.levels(market, side), side, quantity_base, limit_price)
        self._depth.take(market, side, fills)
        return fills


def liquidated(state: PaperState, moment: Moment) -> PaperState:
    """Close the symbol's whole position at the book when equity has fallen under maintenance.

    What the book does not hold is closed at its last level. The fund covers what is then missing.
    """
    position = state.positions[moment.market.symbol]
    if not position.size_base or margin_balance(state) >= maintenance(state):
        return state
    for resting in state.open_orders(moment.market.symbol):
        state = canceled(state, resting, moment.at)
    state, order = state.with_new_order(_autoclose(state, moment.market.symbol, position), moment.at)
    for fill in _forced_fills(moment.market, order.request):
        state = state.with_fill(order, _taker(fill, LIQUIDATION_FEE_RATE, moment))
    state = state.with_order(_after(order, order.request.quantity_base, moment.at, otherwise=None))
    missing = max(ZERO, -margin_balance(state))
    return replace(state, ledger=replace(state.ledger, insurance=state.ledger.insurance + missing))


def canceled(state: PaperState, order: PaperOrder, at: datetime) -> PaperState:
    return state.with_order(_after(order, ZERO, at, otherwise=OrderStatus.CANCELED))


def _after(order: PaperOrder, executed_base: Decimal, at: datetime, *, otherwise: OrderStatus | None) -> PaperOrder:
    """The order with this much more executed; `otherwise` is its final state when that does not fill it."""
    total = order.executed_base + executed_base
    if total == order.request.quantity_base:
        status = OrderStatus.FILLED
    else:
        status = otherwise or (OrderStatus.PARTIALLY_FILLED if total else OrderStatus.NEW)
    return replace(order, executed_base=total, status=status, updated_at=at)


def _taker(fill: Fill, fee_rate: Decimal, moment: Moment) -> Execution:
    return Execution(fill, fee_rate, moment.fee_asset, is_maker=False, at=moment.at)


def _sum(fills: Sequence[Fill]) -> Decimal:
    return sum((fill.quantity_base for fill in fills), ZERO)


def _reducible(position: PaperPosition, side: OrderSide) -> Decimal:
    return abs(position.size_base) if position.size_base * side.sign < 0 else ZERO


def _autoclose(state: PaperState, symbol: str, position: PaperPosition) -> OrderRequest:
    return OrderRequest(
        client_order_id=f"autoclose-{state.last_order_id + 1}",
        symbol=symbol,
        side=OrderSide.SELL if position.size_base > 0 else OrderSide.BUY,
        quantity_base=abs(position.size_base),
        order_type=OrderType.MARKET,
        reduce_only=True,
    )


def _forced_fills(market: Market, request: OrderRequest) -> tuple[Fill, ...]:
    levels = opposite_levels(market, request.side)
    fills = walk(levels, request.side, request.quantity_base, None)
    left = request.quantity_base - _sum(fills)
    return (*fills, Fill(levels[-1].price, left)) if left else fills
