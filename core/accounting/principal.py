"""LP principal at a price: what was held before, as it would be now, and whether any of it is in range."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from core.account_ports import HeldLiquidity
from core.accounting.books import Books
from core.amm.prices import price_bounds
from core.hedging.exposure import amounts_at_price, pair_order

ZERO = Decimal(0)


def held_on(before: Books, now: Books) -> tuple[Decimal, Decimal]:
    """(BASE, QUOTE) that the liquidity of `before` amounts to at the price of `now`.

    Where nothing changed these are the amounts read, to the last unit. A position that changed counts at the price of
    `now`, whenever between the two it did.
    """
    base, quote = now.lp_base, now.lp_quote
    if before.held is now.held:
        return base, quote
    for sign, position in _differences(before.held, now.held):
        its_base, its_quote = amounts_at_price(position, position.liquidity, now.price)
        base += sign * (its_base + position.parked_base)
        quote += sign * (its_quote + position.parked_quote)
    return base, quote


def is_in_range(books: Books) -> bool | None:
    """Whether any liquidity earns fees at the pool's price; None when there is none."""
    edges = [price_bounds(each.tick_lower, each.tick_upper, pair_order(each)) for each in books.held if each.liquidity]
    return any(lower <= books.price < upper for lower, upper in edges) if edges else None


def _differences(before: Sequence[HeldLiquidity], now: Sequence[HeldLiquidity]) -> list[tuple[int, HeldLiquidity]]:
    """What went (+1: it is to be held on) and what came (-1: it was not there)."""
    return [(1, each) for each in before if each not in now] + [(-1, each) for each in now if each not in before]
