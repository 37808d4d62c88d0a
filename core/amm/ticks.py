"""Tick <-> square-root price, to the last bit of the pool contract.

A sqrt price is `sqrt(token1_raw / token0_raw) * 2**96` ("x96"); tick `t` stands for the price ratio `1.0001**t`.
"""

from bisect import bisect_right
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache

MIN_TICK = -887272
MAX_TICK = 887272
Q96 = 1 << 96
Q128 = 1 << 128
_TICK_BITS = 20


def _half_power_table() -> tuple[int, ...]:
    """`1.0001**(-2**i / 2)` as Q128 numbers rounded to nearest, which are the contract's twenty constants."""
    exact = Context(prec=120, rounding=ROUND_HALF_EVEN)
    base = Decimal("1.0001")
    return tuple(
        int(exact.multiply(Decimal(Q128), exact.power(base, Decimal(-(1 << i)) / 2)).to_integral_value(ROUND_HALF_EVEN))
        for i in range(_TICK_BITS)
    )


_HALF_POWERS = _half_power_table()


@lru_cache(maxsize=1024)  # a position's edges are asked for at every look
def sqrt_ratio_at_tick(tick: int) -> int:
    """Sqrt price (x96) at which `tick` begins, rounded up as the contract does.

    Raises ValueError outside MIN_TICK..MAX_TICK.
    """
    if not MIN_TICK <= tick <= MAX_TICK:
        raise ValueError(f"tick {tick} is outside {MIN_TICK}..{MAX_TICK}")
    ratio_x128 = Q128
    for i, factor in enumerate(_HALF_POWERS):
        if abs(tick) >> i & 1:
            ratio_x128 = ratio_x128 * factor >> 128
    if tick > 0:
        ratio_x128 = ((1 << 256) - 1) // ratio_x128
    return -(-ratio_x128 >> 32)


MIN_SQRT_RATIO_X96 = sqrt_ratio_at_tick(MIN_TICK)
MAX_SQRT_RATIO_X96 = sqrt_ratio_at_tick(MAX_TICK)


def tick_at_sqrt_ratio(sqrt_price_x96: int) -> int:
    """The greatest tick whose sqrt price is at or below `sqrt_price_x96`.

    Raises ValueError outside the range that a pool can hold: MIN_SQRT_RATIO_X96 <= price < MAX_SQRT_RATIO_X96.
    """
    if not MIN_SQRT_RATIO_X96 <= sqrt_price_x96 < MAX_SQRT_RATIO_X96:
        raise ValueError(f"sqrt price {sqrt_price_x96} is outside what a pool can hold")
    # Doubling the sqrt price moves the tick by 13863.64, so its bit length bounds the search to one doubling.
    doublings = sqrt_price_x96.bit_length() - 97
    low = max(MIN_TICK, doublings * 13864 - 100)
    high = min(MAX_TICK, (doublings + 1) * 13864 + 100)
    return low - 1 + bisect_right(range(low, high + 1), sqrt_price_x96, key=sqrt_ratio_at_tick)


def lowest_usable_tick(tick_spacing: int) -> int:
    """The lower end of a full-range position at this spacing; the upper end is its negative."""
    return -(MAX_TICK // tick_spacing) * tick_spacing
