"""What an order would pay by the book as it stands."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from core.facts import Market, OrderSide

BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class BookFill:
    """`slippage_bps`: average price against the mid, positive when worse than the mid."""

    average_price: Decimal
    worst_price: Decimal
    slippage_bps: Decimal


def walk_book(market: Market, side: OrderSide, quantity_base: Decimal) -> BookFill | None:
    """A taker order of a positive quantity eats the far side level by level. None: the visible book is too shallow."""
    left, paid_quote, worst = quantity_base, Decimal(0), Decimal(0)
    for level in market.asks if side is OrderSide.BUY else market.bids:
        taken = min(left, level.quantity_base)
        paid_quote += taken * level.price
        left -= taken
        worst = level.price
        if left <= 0:
            average = paid_quote / quantity_base
            return BookFill(average, worst, side.sign * (average - market.mid) / market.mid * BPS)
    return None
