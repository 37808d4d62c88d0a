"""How often a band will be crossed, and what that costs, by theory: figures to judge a setting by, not forecasts.

The hedge's error is taken for a random walk of BASE with standard deviation sigma_d a day; it trades when the walk
leaves +-h and returns to +-k. Discrete looks let it overshoot by 0.5826 sigma_d sqrt(dt) (the continuity correction).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from core.facts import LpPosition, RangeSide

OVERSHOOT = 0.5826
MINUTES_PER_DAY = 1440
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Per day: trades, turnover and cost in QUOTE; `residual_base`: the typical (rms) exposure left, in BASE."""

    trades: float
    turnover_quote: float
    cost_quote: float
    residual_base: float


def expected_pace(
    *,
    gamma: float,
    price: float,
    sigma_per_day: float,
    band_base: float,
    inner_base: float,
    look_every_s: float,
    cost_rate: float,
) -> Pace:
    """`gamma`: BASE per QUOTE of price, either sign; `inner_base`: where a trade ends, 0 at the target.

    `cost_rate`: fee and slippage as a fraction of what is traded. `band_base` is greater than `inner_base`.
    """
    sigma_d = abs(gamma) * price * sigma_per_day
    outer = band_base + OVERSHOOT * sigma_d * math.sqrt(look_every_s / DAY_S)
    trades = sigma_d**2 / (outer**2 - inner_base**2)
    turnover_quote = trades * (outer - inner_base) * price
    residual = math.sqrt((outer**2 + inner_base**2) / 6)
    return Pace(trades, turnover_quote, turnover_quote * cost_rate, residual)


def gamma_of(positions: Iterable[LpPosition]) -> float:
    """How fast the positions' BASE falls as the price rises: the sum of L / (2 P^1.5) over those in range."""
    return sum(_gamma(position) for position in positions if position.side is RangeSide.IN)


def sigma_per_day(closes: Sequence[float]) -> float | None:
    """The realised volatility of one-minute closes, as a fraction per square root of a day; None of too few."""
    moves = [math.log(after / before) for before, after in pairwise(closes)]
    if len(moves) < MINUTES_PER_DAY // 24:
        return None
    return math.sqrt(sum(move * move for move in moves) / len(moves) * MINUTES_PER_DAY)


def _gamma(position: LpPosition) -> float:
    price, lower, upper = float(position.price), float(position.price_lower), float(position.price_upper)
    value = float(position.base) * price + float(position.quote)
    liquidity = value / (2 * math.sqrt(price) - price / math.sqrt(upper) - math.sqrt(lower))
    return liquidity / (2 * price * math.sqrt(price))
