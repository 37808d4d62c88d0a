"""How a new market moves the paper account: resting orders, liquidation, the dead man's switch; how an order executes.

A resting order fills when the *other* side of a book that is seen has come to its limit: an ask at our bid's price
means that every bid there is gone, whoever was before us in the queue. It fills as maker at its own limit, never
better, and no further than what that book holds within the limit. Trades between two books seen fill nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from core.exchange.paper_account import Execution, PaperOrder, PaperPosition, PaperState, Terms
from core.exchange.paper_book import Fill, RemainingDepth, walk
from core.exchange.paper_margin import rounded_quote
from core.exchange.paper_totals import maintenance, margin_balance
from core.facts import BookLevel, Market, OrderRequest, OrderSide, OrderStatus, OrderType, TimeInForce

ZERO = Decimal(0)
# Binance's `liquidationFee`: what its insurance fund takes of a liquidated position's value.
LIQUIDATION_FEE_RATE = Decimal("0.0125")


@dataclass(frozen=True, slots=True)
class Moment:
    """The market of one symbol as an execution meets it, the asset fees are paid in, and the time."""

    market: Market
    fee_asset: str
    at: datetime


class Matching:
    """Executes against market snapshots; remembers only what of the newest snapshot is already taken."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._depth = RemainingDepth()

    def levels(self, market: Market, side: OrderSide) -> tuple[BookLevel, ...]:
        """What an order of `side` could still take of this snapshot, best first."""
        return self._depth.levels(market, side)

    def execute(self, state: PaperState, request: OrderRequest, moment: Moment) -> PaperState:
        """A checked order meets the book at once: taker fills, and what is left rests or expires by its kind."""
        state, order = state.with_new_order(request, moment.at)
        fills = self._take(moment.market, request.side, request.quantity_base, request.price)
        for fill in fills:
            state = state.with_fill(order, _taker(fill, self._terms, moment))
        rests = request.time_in_force in (TimeInForce.GTC, TimeInForce.GTX)
        return state.with_order(_after(order, _sum(fills), moment.at, otherwise=None if rests else OrderStatus.EXPIRED))

    def match_resting(self, state: PaperState, moment: Moment) -> PaperState:
        """Every resting order that the book has come to, the better priced and then the older first."""
        resting = [(o.request.price, o) for o in state.open_orders(moment.market.symbol)]
        priced = [(price, order) for price, order in resting if price is not None]
        for price, order in sorted(priced, key=lambda each: -each[1].request.side.sign * each[0]):
            state = self._match(state, order, price, moment)
        return state

    def liquidated(self, state: PaperState, moment: Moment) -> PaperState:
        """Close the symbol's whole position at the book when equity has fallen under maintenance.

        What the book does not hold is closed at its last level, at the mark when nothing is left of it. The fund takes
        its fee of what is left, or covers what is missing.
        """
        symbol, position = moment.market.symbol, state.positions[moment.market.symbol]
        if not position.size_base or margin_balance(state) >= maintenance(state):
            return state
        for resting in state.open_orders(symbol):
            state = canceled(state, resting, moment.at)
        state, order = state.with_new_order(_autoclose(state, symbol, position), moment.at)
        fills = self._force(moment.market, order.request)
        for fill in fills:
            state = state.with_fill(order, _taker(fill, self._terms, moment))
        state = state.with_order(_after(order, order.request.quantity_base, moment.at, otherwise=None))
        left = margin_balance(state)
        cleared = -min(rounded_quote(_value_quote(fills) * LIQUIDATION_FEE_RATE), left)
        return state.with_insurance(symbol, cleared, moment.fee_asset, moment.at) if cleared else state

    def _match(self, state: PaperState, order: PaperOrder, price: Decimal, moment: Moment) -> PaperState:
        side, wanted = order.request.side, order.remaining_base
        if order.request.reduce_only:
            wanted = min(wanted, state.reducible_base(order.request.symbol, side))
        executed = _sum(walk(self.levels(moment.market, side), side, order.remaining_base, price))
        if not executed:
            return state
        otherwise = OrderStatus.EXPIRED if executed > wanted else None
        executed = _sum(self._take(moment.market, side, wanted, price))
        if executed:
            fill = Fill(price, executed)
            maker = Execution(fill, self._terms.maker_rate, moment.fee_asset, is_maker=True, at=moment.at)
            state = state.with_fill(order, maker)
        return state.with_order(_after(order, executed, moment.at, otherwise=otherwise))

    def _force(self, market: Market, request: OrderRequest) -> tuple[Fill, ...]:
        levels = self.levels(market, request.side)
        fills = self._take(market, request.side, request.quantity_base, None)
        left = request.quantity_base - _sum(fills)
        last = levels[-1].price if levels else market.mark_price
        return (*fills, Fill(last, left)) if left else fills

    def _take(
        self, market: Market, side: OrderSide, quantity_base: Decimal, limit_price: Decimal | None
    ) -> tuple[Fill, ...]:
        fills = walk(self._depth.levels(market, side), side, quantity_base, limit_price)
        self._depth.take(market, side, fills)
        return fills


def canceled(state: PaperState, order: PaperOrder, at: datetime) -> PaperState:
    """What was executed of it before stays executed."""
    return state.with_order(_after(order, ZERO, at, otherwise=OrderStatus.CANCELED))


def lapsed(state: PaperState, now: datetime) -> PaperState:
    """Every dead man's countdown that has run out is carried out, as of the moment at which it did."""
    for symbol, deadline in state.guards.items():
        if deadline <= now:
            for order in state.open_orders(symbol):
                state = canceled(state, order, deadline)
            state = guarded(state, symbol, None)
    return state


def guarded(state: PaperState, symbol: str, deadline: datetime | None) -> PaperState:
    """A new countdown of the symbol in place of its old one; None: none."""
    others = {each: until for each, until in state.guards.items() if each != symbol}
    return replace(state, guards=others if deadline is None else {**others, symbol: deadline})


def _after(order: PaperOrder, executed_base: Decimal, at: datetime, *, otherwise: OrderStatus | None) -> PaperOrder:
    """The order with this much more executed; `otherwise` is its final state when that does not fill it."""
    total = order.executed_base + executed_base
    if total == order.request.quantity_base:
        status = OrderStatus.FILLED
    else:
        status = otherwise or (OrderStatus.PARTIALLY_FILLED if total else OrderStatus.NEW)
    return replace(order, executed_base=total, status=status, updated_at=at)


def _taker(fill: Fill, terms: Terms, moment: Moment) -> Execution:
    return Execution(fill, terms.taker_rate, moment.fee_asset, is_maker=False, at=moment.at)


def _sum(fills: Sequence[Fill]) -> Decimal:
    return sum((fill.quantity_base for fill in fills), ZERO)


def _value_quote(fills: Sequence[Fill]) -> Decimal:
    return sum((fill.price * fill.quantity_base for fill in fills), ZERO)


def _autoclose(state: PaperState, symbol: str, position: PaperPosition) -> OrderRequest:
    return OrderRequest(
        client_order_id=f"autoclose-{state.last_order_id + 1}",
        symbol=symbol,
        side=OrderSide.SELL if position.size_base > 0 else OrderSide.BUY,
        quantity_base=abs(position.size_base),
        order_type=OrderType.MARKET,
        reduce_only=True,
    )
