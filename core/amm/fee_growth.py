"""Fee growth inside a range and what it owes a position.

Growth counters are Q128 fees per unit of liquidity and wrap at 2**256: only their differences mean anything,
and a difference is taken modulo 2**256 even when a counter looks "negative".
"""

from typing import NamedTuple

_WORD = (1 << 256) - 1
_U128 = (1 << 128) - 1


class Growth(NamedTuple):
    """A pair of fee growth counters (Q128, modulo 2**256), for token0 and token1."""

    x128_0: int
    x128_1: int

    def since(self, earlier: "Growth") -> "Growth":
        """Growth from `earlier` to now, modulo 2**256."""
        return Growth((self.x128_0 - earlier.x128_0) & _WORD, (self.x128_1 - earlier.x128_1) & _WORD)

    def plus(self, more: "Growth") -> "Growth":
        """Both counters advanced, modulo 2**256."""
        return Growth((self.x128_0 + more.x128_0) & _WORD, (self.x128_1 + more.x128_1) & _WORD)


NO_GROWTH = Growth(0, 0)


def growth_inside(
    tick: int, tick_lower: int, tick_upper: int, pool: Growth, lower_outside: Growth, upper_outside: Growth
) -> Growth:
    """Growth inside [tick_lower, tick_upper) now, as the pool would store it at a poke.

    `tick` is the pool's stored tick, not one computed from the price: after a swap down that ends exactly on an
    initialised tick the stored one is a tick lower.
    """
    below = lower_outside if tick >= tick_lower else pool.since(lower_outside)
    above = upper_outside if tick < tick_upper else pool.since(upper_outside)
    return pool.since(below).since(above)


def owed_by_growth(liquidity: int, inside: Growth, inside_last: Growth) -> tuple[int, int]:
    """(token0, token1) raw fees that a poke would add to `tokensOwed`, rounded down and cut to 128 bits."""
    grown = inside.since(inside_last)
    return (liquidity * grown.x128_0 >> 128) & _U128, (liquidity * grown.x128_1 >> 128) & _U128
