"""A synthetic order book around a price: one tick to either side, thickening outwards, the same for the same second."""

from __future__ import annotations

from decimal import Decimal

from core.facts import BookLevel

LEVELS = 20
_MASK = (1 << 64) - 1


def levels(price_ticks: int, *, away: int, noise_key: int) -> tuple[BookLevel, ...]:
    """20 levels from the best outwards; `away` is -1 for bids, +1 for asks.

    The distances reach some 180 ticks, about 10 bps; the depth is around 80 BASE, each level within 40 % of its mean.
    """
    return tuple(
        BookLevel(_ticks(price_ticks + away * (1 + (i * i + 1) // 2)), _thousandths(_quantity(i, away, noise_key)))
        for i in range(LEVELS)
    )


def _quantity(level: int, away: int, noise_key: int) -> int:
    """Thousandths of BASE at a level."""
    per_mille = 600 + _mixed(noise_key * 64 + level * 2 + (away > 0)) % 801
    return (500 + 350 * level) * per_mille // 1000


def _mixed(value: int) -> int:
    """A 64-bit mix of an integer: cheap noise without state."""
    value = (value + 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 & _MASK
    value = (value ^ value >> 27) * 0x94D049BB133111EB & _MASK
    return value ^ value >> 31


def _ticks(ticks: int) -> Decimal:
    return Decimal(ticks).scaleb(-2)


def _thousandths(quantity: int) -> Decimal:
    return Decimal(quantity).scaleb(-3)
