"""Hedging by the clock: back to the target every `interval`, whatever the gap (Leland, 1985).

Times are in the unit of the volatility's. `cost_rate`: of one trade, one way, as a fraction.
"""

from __future__ import annotations

import math


def leland_number(cost_rate: float, sigma: float, interval: float) -> float:
    """Cost of timed hedging as a share of the LVR: (2 cost_rate / sigma) sqrt(2 / (pi dt)). Positive when paid."""
    return 2 * cost_rate / sigma * math.sqrt(2 / (math.pi * interval))


def turnover_base(sigma_base: float, interval: float) -> float:
    """BASE per time that trading at each interval turns over, no policy over the same looks more: s sqrt(2 / (pi dt)).

    `sigma_base`: of the target, BASE per square root of the same time.
    """
    return sigma_base * math.sqrt(2 / (math.pi * interval))


def error_deviation(price: float, gamma: float, sigma: float, interval: float, horizon: float) -> float:
    """Standard deviation in QUOTE of what timed hedging misses over `horizon`: 1/2 P^2 |gamma| sigma^2 sqrt(2 T dt)."""
    return price**2 * abs(gamma) * sigma**2 * math.sqrt(2 * horizon * interval) / 2
