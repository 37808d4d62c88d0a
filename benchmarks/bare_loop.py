"""The least that a replay has to do, written by hand without a kernel: what the real one's pace is held against.

Per bar: LP amounts, the range's share of the swap fees, funding, a hedge that trades to `inner` of the band when the
gap leaves it, commissions, the running account with its drawdown, and the residual's mean square. No orders, margin,
cooldown, states or reasons.
"""

from __future__ import annotations

from collections.abc import Callable
from math import exp, log, sqrt
from typing import NamedTuple

from core.replay.path import Path
from core.replay.setup import Position
from core.replay.theory.position import liquidity_of_value


class Bare(NamedTuple):
    """In QUOTE, positive when earned; `cost` positive when paid, `rms_base` of the residual after trades."""

    lp_fees: float
    lp: float
    lvr: float
    hedge: float
    funding: float
    cost: float
    net: float
    drawdown: float
    rms_base: float
    trades: int


class Banded(NamedTuple):
    """Trades once the gap exceeds `band_base`, to `inner` of it (0: to the target), at `cost_rate` of the notional."""

    band_base: float
    inner: float
    cost_rate: float


Loop = Callable[[Path, Position, Banded], Bare]


def compiled() -> Loop:
    from numba import njit

    loop: Loop = njit()(bare)
    return loop


def bare(path: Path, position: Position, banded: Banded) -> Bare:
    """The first bar's end is where everything begins; its fees count, its trade opens the hedge."""
    low_root, high_root, liquidity = sqrt(position.lower), sqrt(position.upper), position.liquidity
    log_lower, log_upper = log(position.lower), log(position.upper)
    short = fees = lvr = hedge = funding = cost = squares = drawdown = 0.0
    trades = paid = 0
    last, last_base, first_value, last_value, highest = path.pool[0], 0.0, 0.0, 0.0, 0.0
    for bar in range(len(path.time_ms)):
        price = path.pool[bar]
        root = min(max(sqrt(price), low_root), high_root)
        base = liquidity * (1 / root - 1 / high_root)
        value = base * price + liquidity * (root - low_root)
        if bar == 0:
            last_base, first_value, last_value = base, value, value
        lvr += value - last_value - last_base * (price - last)
        hedge -= short * (price - last)
        low, high = path.pool_low[bar], path.pool_high[bar]
        inside = min(high, log_upper) - max(low, log_lower)
        part = min(max(inside, 0.0) / (high - low), 1.0) if high > low else 1.0
        share = (part if inside >= 0 else 0.0) * liquidity / (path.pool_liquidity[bar] + liquidity)
        fees += share * (path.fee_quote[bar] + path.fee_base[bar] * price)
        while paid < len(path.funding_ms) and path.funding_ms[paid] <= path.time_ms[bar]:
            funding += short * price * path.funding_rate[paid]
            paid += 1
        gap = base - short
        if abs(gap) > banded.band_base or bar == 0:
            kept = banded.inner * banded.band_base * (1.0 if gap > 0 else -1.0) if bar else 0.0
            cost += abs(gap - kept) * price * banded.cost_rate
            short = base - kept
            trades += 1
        squares += (base - short) ** 2
        net = fees + value - first_value + hedge + funding - cost
        highest = max(highest, net)
        drawdown = max(drawdown, highest - net)
        last, last_base, last_value = price, base, value
    lp = last_value - first_value
    rms = sqrt(squares / len(path.time_ms))
    return Bare(fees, lp, lvr, hedge, funding, cost, fees + lp + hedge + funding - cost, drawdown, rms, trades)


def around(price: float, half_width_ticks: int, value_quote: float) -> Position:
    """A range of so many ticks on either side of the price, worth so much at it."""
    width = exp(half_width_ticks * log(1.0001))
    lower, upper = price / width, price * width
    return Position(lower, upper, liquidity_of_value(value_quote, price, lower, upper))
