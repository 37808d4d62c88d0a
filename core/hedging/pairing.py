"""Is a perpetual that of the LP's BASE? Judged once, at first sight: later a price may part for reasons of the market.

A symbol that exists but belongs to another asset passes every other check: it has filters, a book and a fresh price.
"""

from __future__ import annotations

from decimal import Decimal

from core.asset_names import is_form_of
from core.facts import LpFacts, Market, SymbolRules

# How far pool and perpetual may be apart and still be the same thing: with names that agree, and with names that do not
# (a bridged or staked form has its own name, and its price if it is a form of the same asset).
WRONG_SYMBOL_BPS = 1000
UNLIKE_NAME_BPS = 100


def pair_key(lp: LpFacts, rules: SymbolRules) -> str:
    """Names what was judged, so that another symbol or another token is judged anew."""
    return f"{rules.symbol} {lp.base.address.lower()}"


def wrong_perp(lp: LpFacts, market: Market, rules: SymbolRules, *, known_pair: str = "") -> str | None:
    """A sentence that says why this cannot be the perpetual of the LP's BASE; None when nothing speaks against it.

    `known_pair`: the `pair_key` that was found right before.
    """
    if known_pair == pair_key(lp, rules):
        return None
    apart_bps = abs(lp.price - market.mark_price) / market.mark_price * 10000
    alike = is_form_of(lp.base.symbol, rules.base_asset)
    if apart_bps <= (WRONG_SYMBOL_BPS if alike else UNLIKE_NAME_BPS):
        return None
    return (
        f"{rules.symbol} does not look like the perpetual of {lp.base.symbol}: the pool's price is {_short(lp.price)},"
        f" the perpetual's {_short(market.mark_price)}; check symbol and base"
    )


def _short(price: Decimal) -> str:
    return f"{price:.6g}"
