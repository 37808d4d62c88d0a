"""A synthetic order book around a price: one tick to either side, thickening outwards, the same for the same second."""

from __future__ import annotations

from decimal import Decimal

from core.facts import BookLevel

LEVELS = 20
_MASK = (1 << 64) - 1
# Of each level: ticks from the price, and thousandths of BASE on average.
_SHAPE = tuple((1 + (level * level + 1) // 2, 500 + 350 * level) for level in range(LEVELS))


def levels(price_ticks: int, *, away: int, noise_key: int) -> tuple[BookLevel, ...]:
    """20 levels from the best outwards; `away` is -1 for bids, +1 for asks.

    The distances reach some 180 ticks, about 10 bps; the depth is around 80 BASE, each level within 40 % of its mean.
    """
    key = noise_key * 64 + (away > 0)
    return tuple(
        BookLevel(
            _ticks(price_ticks + away * distance),
            _thousandths(mean_depth * (600 + _mixed(key + level * 2) % 801) // 1000),
        )
        for level, (distance, mean_depth) in enumerate(_SHAPE)
    )


def _mixed(value: int) -> int:
    """A 64-bit mix of an integer: cheap noise without state."""
    value = (value + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31


def _ticks(ticks: int) -> Decimal:
    return Decimal(ticks).scaleb(-2)


def _thousandths(quantity: int) -> Decimal:
    return Decimal(quantity).scaleb(-3)
