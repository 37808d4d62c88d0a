"""Outcomes and measures made by hand, and a replay that knows the answer because theory gives it."""

from __future__ import annotations

import math
from dataclasses import replace
from decimal import Decimal

import numpy as np

from core.accounting.attribution import Parts
from core.config import HedgeConfig
from core.hedging.states import Reason, State
from core.replay.calibration.measure import Measure
from core.replay.outcome import CURVE_FIELDS, FILL_FIELDS, Exposure, Observed, Outcome, Risk
from core.replay.path import Path, path_of_prices
from core.replay.setup import Setup

DAY_MS = 86_400_000
COST_RATE = 0.0005


def hedge_config(**changes: object) -> HedgeConfig:
    usual = {"chain": "ethereum", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": "ETHUSDT"}
    return HedgeConfig.model_validate({**usual, "delta_band_quote": 500, "delta_band_pct": 0, **changes})


def measured(
    cost: float = 10.0,
    rms: float = 100.0,
    *,
    variance: float = 1000.0,
    days: float = 1.0,
    liquidations: int = 0,
    held_back: float = 0.0,
    low_margin: float = 0.0,
    trades: float = 10.0,
) -> Measure:
    """Figures a day; `held_back`, `low_margin` as shares of the time, the one without the other."""
    return Measure(
        days=days,
        cost_quote=cost * days,
        variance=variance * days,
        residual_days=rms**2 * days,
        rebalances=round(trades * days),
        held_back_days=(held_back + low_margin) * days,
        low_margin_days=low_margin * days,
        liquidations=liquidations,
        funding_quote=0.0,
    )


def outcome(
    *,
    days: float = 1.0,
    cost: float = 10.0,
    rms_quote: float = 100.0,
    variance_per_day: float = 1000.0,
    plans: int = 10,
    reasons: dict[Reason, int] | None = None,
    observed: Observed | None = None,
) -> Outcome:
    """`cost`: of all the days together."""
    return Outcome(
        bars=int(days * 1440),
        start_ms=0,
        end_ms=round(days * DAY_MS),
        looks=int(days * 1440),
        plans=plans,
        trades=plans,
        parts=Parts(commissions=Decimal(repr(-cost)), funding=Decimal(3)),
        execution_quote=0.0,
        exposure=Exposure(rms_quote / 2000, rms_quote / 1000, rms_quote, rms_quote * 2, variance_per_day),
        risk=Risk(0.0, 1.0, 1.0, None, 0),
        observed=observed or Observed(2000.0, -0.0592, 0.0314, 3.7185, 0.25, 0.0, 1.0),
        states={State.READY: round(days * DAY_MS)},
        reasons=reasons or {},
        fills=np.zeros(0, FILL_FIELDS),
        curve=np.zeros(0, CURVE_FIELDS),
    )


def with_profit(found: Outcome, profit: Decimal) -> Outcome:
    """The same but for what prices gave: LP, hedge, fees."""
    parts = replace(found.parts, lp_fees=profit, lp_price=profit * 2, hedge=profit * 3, lvr=profit * 4)
    return replace(found, parts=parts, risk=replace(found.risk, drawdown_quote=float(profit)))


def minutes(days: float = 4.0, *, price: float = 2000.0, volatility: float = 0.6, seed: int = 7) -> Path:
    """A geometric random walk; `volatility` per square root of a year."""
    count = int(days * 1440) + 1
    steps = np.random.default_rng(seed).normal(0.0, volatility / math.sqrt(365 * 1440), count - 1)
    return path_of_prices(
        np.arange(count, dtype=np.int64) * 60_000, price * np.exp(np.concatenate(([0.0], np.cumsum(steps))))
    )


def by_theory(path: Path, setup: Setup) -> Outcome:
    """What formula 9 says of this setup at the path's realised volatility, for a position of gamma 0.0592."""
    days = (int(path.time_ms[-1]) - int(path.time_ms[0])) / DAY_MS
    sigma = float(np.sqrt(np.sum(np.diff(np.log(path.mark)) ** 2) / days))
    price, gamma = 2000.0, 0.0592
    sigma_base = gamma * price * sigma
    band = float(setup.policy.band_quote) / price
    inner = float(setup.policy.hysteresis_quote) / price if setup.policy.to_edge else 0.0
    plans = sigma_base**2 / (band**2 - inner**2)
    rms = math.sqrt((band**2 + inner**2) / 6)
    found = outcome(
        days=days,
        cost=plans * (band - inner) * price * COST_RATE * days,
        rms_quote=rms * price,
        variance_per_day=(rms * price * sigma) ** 2,
        plans=round(plans * days),
        observed=Observed(price, -gamma, sigma, sigma_base, band, inner / band, 1.0),
    )
    return replace(found, start_ms=int(path.time_ms[0]), end_ms=int(path.time_ms[-1]))
