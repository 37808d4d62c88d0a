"""A band around the target: how often it is crossed, what that costs, what it leaves open, and which is best.

The gap is taken for a random walk of BASE that starts at the target. It trades when the walk leaves +-h, and returns
to +-k, k = `inner_share` * h: 0 is the target, 1 the band's own edge. Figures to judge settings by, not forecasts.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from core.replay.theory.timed import turnover_base as turnover_each_look

# Looks are apart, so the walk is found beyond the band: by -zeta(1/2)/sqrt(2 pi) of its deviation between two looks
# (Broadie, Glasserman and Kou's correction of a continuous barrier).
OVERSHOOT = 0.5826
DAY_S = 86400.0
# Relative risk aversion of an owner to whom the position is everything: the cautious end of the usual 2 to 10.
RELATIVE_RISK_AVERSION = 10.0
_HALVINGS = 100


@dataclass(frozen=True, slots=True)
class Prediction:
    """`cost_quote_per_day`: positive when paid. `residual_rms_base`: typical missing trade, mean over all times."""

    trades_per_day: float
    turnover_quote_per_day: float
    cost_quote_per_day: float
    residual_rms_base: float


@dataclass(frozen=True, slots=True)
class BestBand:
    """`band_base`: half width to configure; 0: the looks are too far apart for any band to pay.

    `variance_per_day`: of the hedge's error, QUOTE squared a day. `objective_quote_per_day`: cost + 1/2 * risk
    aversion * variance, what the band is best by.
    """

    band_base: float
    inner_share: float
    prediction: Prediction
    variance_per_day: float
    objective_quote_per_day: float


def sigma_base(gamma: float, price: float, sigma: float) -> float:
    """Standard deviation of the target, BASE per square root of sigma's time: |gamma| * price * sigma."""
    return abs(gamma) * price * sigma


def risk_aversion_for(value_quote: float) -> float:
    """Per QUOTE: 10 / value, 1e-4 for 100,000; above zero for a value above zero.

    A daily error that is typically 1 % of the value then weighs as much as 0.05 % of the value in costs each day. Tied
    to the value, because a fixed number would leave small positions unhedged and trade large ones to dust.
    """
    return RELATIVE_RISK_AVERSION / value_quote


def predict(
    *,
    price: float,
    sigma_base_per_day: float,
    band_base: float,
    inner_share: float,
    look_every_s: float,
    cost_rate: float,
) -> Prediction:
    """N = s^2 / (H^2 - k^2) trades, s^2 / (H + k) turnover a day, rms sqrt((H^2 + k^2) / 6); H = h + 0.5826 s sqrt(dt).

    `sigma_base_per_day`: of the target, see `sigma_base`; times the hedge ratio. `cost_rate`: fee, spread and slippage
    as a fraction of what is traded. Never more than one trade a look and the turnover of trading at each (`timed`).
    Within 5 % of a simulated walk for bands of at least 2 s sqrt(dt) and shares of at most a half; at share 1 trades
    are overstated by some 35 %, turnover by 10 %.
    """
    _check_share(inner_share)
    if sigma_base_per_day == 0:  # A target that stands still is never left.
        return Prediction(0.0, 0.0, 0.0, 0.0)
    dt = look_every_s / DAY_S
    outer, inner = band_base + OVERSHOOT * sigma_base_per_day * math.sqrt(dt), inner_share * band_base
    turnover_base = sigma_base_per_day**2 / (outer + inner)
    trades = turnover_base / (outer - inner) if outer > inner else math.inf
    if dt > 0:
        trades = min(trades, 1 / dt)
        turnover_base = min(turnover_base, turnover_each_look(sigma_base_per_day, dt))
    turnover_quote = turnover_base * price
    return Prediction(trades, turnover_quote, turnover_quote * cost_rate, _rms(outer, inner))


def best_band(
    *,
    price: float,
    sigma_per_day: float,
    sigma_base_per_day: float,
    inner_share: float,
    look_every_s: float,
    cost_rate: float,
    risk_aversion: float,
) -> BestBand:
    """The half width h that minimises cost + 1/2 * risk_aversion * variance for this share of it to return to.

    Looked at all the time it is `best_half_width`; at share 0 the configured band is that less the overshoot, not
    below zero. `sigma_per_day`: of the price, a fraction, above zero; `risk_aversion`: per QUOTE, above zero.
    """
    _check_share(inner_share)
    overshoot = OVERSHOOT * sigma_base_per_day * math.sqrt(look_every_s / DAY_S)
    gamma = sigma_base_per_day / (price * sigma_per_day)
    widest = best_half_width(price, gamma, cost_rate, risk_aversion, inner_share)
    cost = cost_rate * price * sigma_base_per_day**2 * (1 + inner_share)
    risk = risk_aversion * (sigma_per_day * price) ** 2 / 6

    def slope(h: float) -> float:
        return risk * (h + overshoot + inner_share**2 * h) - cost / (h + inner_share * h + overshoot) ** 2

    band = _rising_root(slope, widest) if overshoot > 0 else widest
    prediction = predict(
        price=price,
        sigma_base_per_day=sigma_base_per_day,
        band_base=band,
        inner_share=inner_share,
        look_every_s=look_every_s,
        cost_rate=cost_rate,
    )
    variance = (prediction.residual_rms_base * sigma_per_day * price) ** 2
    objective = prediction.cost_quote_per_day + risk_aversion * variance / 2
    return BestBand(band, inner_share, prediction, variance, objective)


def best_half_width(price: float, gamma: float, cost_rate: float, risk_aversion: float, inner_share: float) -> float:
    """BASE, looked at all the time: h^3 = 6 cost_rate P gamma^2 / (risk_aversion (1 + r)(1 + r^2)), r the inner share.

    At share 1 it is Whalley and Wilmott's (1997) no-trade half width for r = 0, h^3 = 3 cost_rate P gamma^2 / (2 risk
    aversion). It does not depend on the volatility.
    """
    share = (1 + inner_share) * (1 + inner_share**2)
    return math.cbrt(6 * cost_rate * price * gamma**2 / (risk_aversion * share))


def objective_share(inner_share: float) -> float:
    """Cost and risk at the best band, as a share of what they are when each trade ends at the target.

    [(1 + r^2) / (1 + r)^2]^(1/3): 0.822 half way, 0.794 at the edge: not trading all the way is cheaper.
    """
    return math.cbrt((1 + inner_share**2) / (1 + inner_share) ** 2)


def _rms(outer: float, inner: float) -> float:
    return math.sqrt((outer**2 + inner**2) / 6)


def _check_share(inner_share: float) -> None:
    if not 0 <= inner_share <= 1:
        raise ValueError(f"a trade ends between the target, 0, and the band's edge, 1: not at {inner_share}")


def _rising_root(slope: Callable[[float], float], high: float) -> float:
    """Where a rising function, not negative at `high`, passes zero; 0 when it is above zero from the start."""
    if slope(0.0) >= 0:
        return 0.0
    low = 0.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return high
