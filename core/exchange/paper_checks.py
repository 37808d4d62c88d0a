"""Why the paper venue refuses an order: the symbol's filters, reduce-only, margin. Codes are Binance's own."""

from __future__ import annotations

import re
from decimal import Decimal

from core.errors import Refused
from core.exchange.paper_account import PaperState
from core.exchange.paper_book import crosses
from core.exchange.paper_totals import initial_margin, margin_balance
from core.facts import Market, OrderRequest, OrderSide, OrderType, PositionSide, SymbolRules, TimeInForce

_CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")


def check_form(order: OrderRequest, rules: SymbolRules, mark_price: Decimal) -> None:
    """What can be judged without the account. Raises Refused."""
    if not _CLIENT_ID.fullmatch(order.client_order_id):
        raise Refused("The client order id must be 1 to 36 of letters, digits and . : / _ -", code="-4015")
    if order.position_side is not PositionSide.BOTH:
        raise Refused("The paper account is in one-way mode: position side must be BOTH", code="-4061")
    _check_price(order, rules)
    _check_quantity(order, rules)
    notional = order.quantity_base * (order.price or mark_price)
    if notional < rules.min_notional_quote and not order.reduce_only:
        raise Refused(
            f"Order value {notional} is under the symbol's minimum of {rules.min_notional_quote} QUOTE", code="-4164"
        )


def _check_price(order: OrderRequest, rules: SymbolRules) -> None:
    if order.order_type is OrderType.MARKET:
        if order.price is not None or order.time_in_force is not None:
            raise Refused("A MARKET order takes neither price nor time in force", code="-1106")
        return
    if order.price is None or order.time_in_force is None:
        raise Refused("A LIMIT order needs a price and a time in force", code="-1102")
    if order.price <= 0 or order.price % rules.tick_size:
        raise Refused(f"Price {order.price} is not a multiple of the tick {rules.tick_size}", code="-4014")


def _check_quantity(order: OrderRequest, rules: SymbolRules) -> None:
    low, high, step = (
        (rules.market_min_quantity, rules.market_max_quantity, rules.market_step_size)
        if order.order_type is OrderType.MARKET
        else (rules.min_quantity, rules.max_quantity, rules.step_size)
    )
    if order.quantity_base <= 0 or order.quantity_base < low:
        raise Refused(f"Quantity {order.quantity_base} is under the minimum of {low}", code="-4003")
    if order.quantity_base > high:
        raise Refused(f"Quantity {order.quantity_base} is over the maximum of {high}", code="-4005")
    if order.quantity_base % step:
        raise Refused(f"Quantity {order.quantity_base} is not a multiple of the step {step}", code="-1111")


def check_account(order: OrderRequest, state: PaperState, market: Market, initial_rate: Decimal) -> None:
    """What the account and the book say. Raises Refused; nothing of the order remains."""
    if any(o.request.client_order_id == order.client_order_id for o in state.open_orders(order.symbol)):
        raise Refused(f"Client order id {order.client_order_id} belongs to an open order", code="-4116")
    if order.time_in_force is TimeInForce.GTX and order.price is not None and crosses(order.side, order.price, market):
        raise Refused("The post-only order would have traded at once", code="-5022")
    if order.reduce_only:
        _check_reduces(order, state)
        return
    before = initial_margin(state, initial_rate)
    after = initial_margin(state, initial_rate, extra=order)
    if after > before and after > margin_balance(state):
        raise Refused(
            f"Margin is insufficient: {after} QUOTE would be needed, {margin_balance(state)} is there", code="-2019"
        )


def _check_reduces(order: OrderRequest, state: PaperState) -> None:
    size = state.positions[order.symbol].size_base
    reducible = abs(size) if size * order.side.sign < 0 else Decimal(0)
    resting = sum(
        (
            o.remaining_base
            for o in state.open_orders(order.symbol)
            if o.request.reduce_only and o.request.side is order.side
        ),
        Decimal(0),
    )
    if order.quantity_base > reducible - resting:
        word = "buy back" if order.side is OrderSide.BUY else "sell off"
        raise Refused(f"Reduce-only order is rejected: only {reducible - resting} is left to {word}", code="-2022")
