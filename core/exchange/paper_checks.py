"""Why the paper venue refuses an order: the symbol's filters, reduce-only, margin, the book; in Binance's order.

Codes are those that the live adapter shows for the same order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from core.errors import OutcomeUnknown, Refused
from core.exchange.paper_account import PaperState
from core.exchange.paper_book import within
from core.exchange.paper_totals import initial_margin, margin_balance
from core.facts import (
    BookLevel,
    OrderRequest,
    OrderSide,
    OrderType,
    PositionSide,
    SymbolRules,
    TimeInForce,
)

_CLIENT_ID = re.compile(r"[A-Za-z0-9_.-]{1,36}")


def check_form(order: OrderRequest, rules: SymbolRules) -> None:
    """What can be judged without a market. Raises Refused."""
    if not _CLIENT_ID.fullmatch(order.client_order_id):
        raise Refused(f"{order.client_order_id!r} cannot be a client order id", code="client_order_id")
    if order.position_side is not PositionSide.BOTH:
        raise Refused("The paper account is in one-way mode: position side must be BOTH", code="-4061")
    _check_parameters(order)
    _check_quantity(order, rules)
    if order.price is not None:
        _check_price(order.price, rules)


def check_mark(order: OrderRequest, rules: SymbolRules, mark_price: Decimal) -> None:
    """Price and value against the mark. Raises Refused."""
    if order.price is not None:
        _check_limit(order.side, order.price, rules, mark_price)
    notional = order.quantity_base * (order.price or mark_price)
    if notional < rules.min_notional_quote and not order.reduce_only:
        raise Refused(
            f"Order value {notional} is under the symbol's minimum of {rules.min_notional_quote} QUOTE", code="-4164"
        )


def check_account(order: OrderRequest, state: PaperState, initial_rate: Decimal) -> None:
    """What the account says; nothing of a refused order remains.

    Raises Refused; OutcomeUnknown for the id of an order that is still open (-4116): that one exists, so "refused"
    would be a lie about the id.
    """
    if any(o.request.client_order_id == order.client_order_id for o in state.all_open_orders()):
        raise OutcomeUnknown(
            f"Client order id {order.client_order_id} belongs to an open order (code -4116)",
            client_order_id=order.client_order_id,
        )
    if order.reduce_only:
        _check_reduces(order, state)
        return
    before, balance = initial_margin(state, initial_rate), margin_balance(state)
    after = initial_margin(state, initial_rate, extra=order)
    if after > before and after > balance:
        raise Refused(f"Margin is insufficient: {after} QUOTE would be needed, {balance} is there", code="-2019")


def check_book(order: OrderRequest, levels: Sequence[BookLevel], rules: SymbolRules, mark_price: Decimal) -> None:
    """`levels`: what the order could still take, best first. Raises Refused."""
    if order.order_type is OrderType.MARKET:
        if not levels or not _near_mark(levels[0].price, rules, mark_price):
            raise Refused("The other side's best price is too far from the mark, or there is none", code="-4131")
    elif order.time_in_force is TimeInForce.GTX and _would_trade(order, levels):
        raise Refused("The post-only order would have traded at once", code="-5022")


def _check_parameters(order: OrderRequest) -> None:
    given = (order.price, order.time_in_force)
    if order.order_type is OrderType.MARKET and given != (None, None):
        raise Refused("A MARKET order takes neither price nor time in force", code="-1106")
    if order.order_type is OrderType.LIMIT and None in given:
        raise Refused("A LIMIT order needs a price and a time in force", code="-1102")


def _check_quantity(order: OrderRequest, rules: SymbolRules) -> None:
    low, high, step = _lot_size(order.order_type, rules)
    quantity = order.quantity_base
    if _places(quantity) > _places(step):
        raise Refused(f"Quantity {quantity} has more decimals than the step {step}", code="-1111")
    if quantity <= 0:
        raise Refused(f"Quantity {quantity} is not above zero", code="-4003")
    if quantity < low:
        raise Refused(f"Quantity {quantity} is under the minimum of {low}", code="-4004")
    if quantity > high:
        raise Refused(f"Quantity {quantity} is over the maximum of {high}", code="-4005")
    if quantity % step:
        raise Refused(f"Quantity {quantity} is not a multiple of the step {step}", code="-4023")


def _lot_size(order_type: OrderType, rules: SymbolRules) -> tuple[Decimal, Decimal, Decimal]:
    """(minimum, maximum, step) of the quantity in BASE."""
    if order_type is OrderType.MARKET:
        return rules.market_min_quantity, rules.market_max_quantity, rules.market_step_size
    return rules.min_quantity, rules.max_quantity, rules.step_size


def _check_price(price: Decimal, rules: SymbolRules) -> None:
    # Binance writes the tick with as many decimals as prices may have: BNBUSDT's is "0.010".
    if _places(price) > max(0, -int(rules.tick_size.as_tuple().exponent)):
        raise Refused(f"Price {price} has more decimals than the tick {rules.tick_size}", code="-1111")
    if price < rules.tick_size:
        raise Refused(f"Price {price} is under the lowest price {rules.tick_size}", code="-4013")
    if price % rules.tick_size:
        raise Refused(f"Price {price} is not a multiple of the tick {rules.tick_size}", code="-4014")


def _check_limit(side: OrderSide, price: Decimal, rules: SymbolRules, mark_price: Decimal) -> None:
    if side is OrderSide.BUY and _over_mark(price, rules, mark_price):
        raise Refused(f"Price {price} is more than {rules.highest_of_mark} times the mark {mark_price}", code="-4016")
    if side is OrderSide.SELL and _under_mark(price, rules, mark_price):
        raise Refused(f"Price {price} is less than {rules.lowest_of_mark} times the mark {mark_price}", code="-4024")


def _check_reduces(order: OrderRequest, state: PaperState) -> None:
    left = state.reducible_base(order.symbol, order.side) - sum(
        (o.remaining_base for o in state.open_orders(order.symbol) if o.request.reduce_only), Decimal(0)
    )
    if order.quantity_base > left:
        word = "buy back" if order.side is OrderSide.BUY else "sell off"
        raise Refused(f"Reduce-only order is rejected: only {max(left, Decimal(0))} is left to {word}", code="-2022")


def _near_mark(price: Decimal, rules: SymbolRules, mark_price: Decimal) -> bool:
    return not _under_mark(price, rules, mark_price) and not _over_mark(price, rules, mark_price)


def _under_mark(price: Decimal, rules: SymbolRules, mark_price: Decimal) -> bool:
    """Further than the symbol's rules allow; never where they set no limit."""
    return rules.lowest_of_mark is not None and price < mark_price * rules.lowest_of_mark


def _over_mark(price: Decimal, rules: SymbolRules, mark_price: Decimal) -> bool:
    """Further than the symbol's rules allow; never where they set no limit."""
    return rules.highest_of_mark is not None and price > mark_price * rules.highest_of_mark


def _would_trade(order: OrderRequest, levels: Sequence[BookLevel]) -> bool:
    return bool(levels) and within(order.side, levels[0].price, order.price)


def _places(value: Decimal) -> int:
    return max(0, -int(value.normalize().as_tuple().exponent))
