"""A V3 position between two prices on real numbers: amounts, value, delta, gamma, and the loss of one step.

Prices in QUOTE per BASE, above zero; `upper` may be infinite and `lower` 0, the full range. `liquidity` in
sqrt(BASE * QUOTE) of whole tokens. From Uniswap V3's whitepaper (Adams et al., 2021). `core.amm` has the contracts' own
integers; this is the same in machine numbers, good to some twelve digits.
"""

from __future__ import annotations

import math


def amounts(price: float, lower: float, upper: float, liquidity: float) -> tuple[float, float]:
    """(BASE, QUOTE): L (1/s - 1/sqrt(Pb)) and L (s - sqrt(Pa)), s the square root of the price brought into the range.

    The BASE is also the delta, what the value gains per QUOTE of price, below, in and above the range.
    """
    root = math.sqrt(min(max(price, lower), upper))
    return liquidity * (1 / root - 1 / math.sqrt(upper)), liquidity * (root - math.sqrt(lower))


def value(price: float, lower: float, upper: float, liquidity: float) -> float:
    """QUOTE that the position's principal is worth."""
    base, quote = amounts(price, lower, upper, liquidity)
    return base * price + quote


def liquidity_of_value(value_quote: float, price: float, lower: float, upper: float) -> float:
    """The liquidity that is worth so much at that price, in range or out of it."""
    return value_quote / value(price, lower, upper, 1.0)


def gamma(price: float, lower: float, upper: float, liquidity: float) -> float:
    """BASE per QUOTE of price, -L / (2 P^1.5) in range, 0 outside: never above zero."""
    if not lower <= price < upper:
        return 0.0
    return -liquidity / (2 * price * math.sqrt(price))


def hedged_step(price: float, then: float, lower: float, upper: float, liquidity: float) -> float:
    """QUOTE, never above zero: what the value gains from one price to the next beyond the BASE held times the move.

    V1 - V0 - x0 (P1 - P0), in range -L (sqrt(P1) - sqrt(P0))^2 / sqrt(P0). It is the step's loss-versus-rebalancing,
    and impermanent loss against having held the tokens of its start.
    """
    if lower <= price <= upper and lower <= then <= upper:
        return -liquidity * (math.sqrt(then) - math.sqrt(price)) ** 2 / math.sqrt(price)
    base, _ = amounts(price, lower, upper, liquidity)
    return value(then, lower, upper, liquidity) - value(price, lower, upper, liquidity) - base * (then - price)
