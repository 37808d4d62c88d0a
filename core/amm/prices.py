"""Pool square-root prices <-> human prices, QUOTE per BASE whichever token comes first.

A `Decimal` price is rounded half-even at PRICE_DIGITS significant digits; a sqrt price is exact, rounded down.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from math import isqrt
from typing import NamedTuple

from core.amm.ticks import sqrt_ratio_at_tick

PRICE_DIGITS = 50
_ROUNDED = Context(prec=PRICE_DIGITS, rounding=ROUND_HALF_EVEN)
# Wide enough that no raw amount of 256 bits is ever rounded.
_EXACT = Context(prec=100)


class PairOrder(NamedTuple):
    """Which token of the pool is BASE, and both tokens' decimals: all that crossing from pool to hedge needs."""

    base_is_token0: bool
    decimals0: int
    decimals1: int

    @property
    def decimals_base(self) -> int:
        """Digits behind the point: one whole BASE is 10 to this of its raw units."""
        return self.decimals0 if self.base_is_token0 else self.decimals1

    @property
    def decimals_quote(self) -> int:
        """Digits behind the point: one whole QUOTE is 10 to this of its raw units."""
        return self.decimals1 if self.base_is_token0 else self.decimals0

    def base_quote(self, amount0_raw: int, amount1_raw: int) -> tuple[Decimal, Decimal]:
        """(BASE, QUOTE) in human units, exact."""
        amount0 = human_amount(amount0_raw, self.decimals0)
        amount1 = human_amount(amount1_raw, self.decimals1)
        return (amount0, amount1) if self.base_is_token0 else (amount1, amount0)


def human_amount(amount_raw: int, decimals: int) -> Decimal:
    """Raw units -> human amount, exact, every digit of the token kept (`1500000` of a 6-digit token: `1.500000`)."""
    return _EXACT.scaleb(Decimal(amount_raw), -decimals)


def price_from_sqrt(sqrt_price_x96: int, order: PairOrder) -> Decimal:
    """QUOTE per BASE at a sqrt price above zero."""
    ratio, unit = sqrt_price_x96 * sqrt_price_x96, 1 << 192
    numerator, denominator = (ratio, unit) if order.base_is_token0 else (unit, ratio)
    quotient = _ROUNDED.divide(Decimal(numerator), Decimal(denominator))
    return _ROUNDED.scaleb(quotient, order.decimals_base - order.decimals_quote)


def sqrt_from_price(price: Decimal, order: PairOrder) -> int:
    """Sqrt price (x96) of a QUOTE-per-BASE price, the exact root rounded down. ValueError unless price > 0."""
    if not (price.is_finite() and price > 0):
        raise ValueError(f"a price must be a number above zero, was {price}")
    numerator, denominator = price.as_integer_ratio()
    numerator *= 10**order.decimals_quote
    denominator *= 10**order.decimals_base
    if not order.base_is_token0:
        numerator, denominator = denominator, numerator
    return isqrt((numerator << 192) // denominator)


def price_bounds(tick_lower: int, tick_upper: int, order: PairOrder) -> tuple[Decimal, Decimal]:
    """(lower, upper) price of a tick range as QUOTE per BASE: with BASE as token1 the ticks change places."""
    ends = [price_from_sqrt(sqrt_ratio_at_tick(tick), order) for tick in (tick_lower, tick_upper)]
    return min(ends), max(ends)
