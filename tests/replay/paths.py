"""Small markets and setups for replay, written down or drawn from a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from bot.demo.market import RULES
from core.config import HedgeConfig, PaperConfig
from core.replay.path import Floats, Path, path_of_prices
from core.replay.setup import Costs, Position, Setup, setup_from

START_MS = 1_700_006_400_000
MINUTE_MS = 60_000
# The reference position of the theory: 25 ETH and 50,000 USDT at 2,000.
POSITION = Position(1600.0, 2500.0, 10590.16994374947)
FREE = Costs(taker_rate=0.0, maker_rate=0.0, half_spread_bps=0.0, impact_bps=0.0, latency_ms=0)
PLAIN: Mapping[str, object] = {
    "chain": "ethereum",
    "amm_type": "uniswap_v3",
    "lp_position_ids": (1,),
    "symbol": "ETHUSDT",
    "approval_over_quote": "off",
    "twap_over_quote": 0,
    "delta_band_quote": 500,
    "delta_band_pct": 0,
    "poll_seconds": 60,
}


def path_of(
    prices: Sequence[float] | Floats,
    *,
    step_ms: int = MINUTE_MS,
    high: Sequence[float] | None = None,
    funding: Sequence[tuple[int, float]] = (),
) -> Path:
    """Marks one step apart; `funding`: (milliseconds after the start, rate)."""
    marks = np.array(prices, dtype=float)
    return path_of_prices(
        START_MS + step_ms * np.arange(len(marks), dtype=np.int64),
        marks,
        high=None if high is None else np.array(high, dtype=float),
        funding_ms=START_MS + np.array([at for at, _ in funding], dtype=np.int64),
        funding_rate=np.array([rate for _, rate in funding], dtype=float),
    )


def walk(seed: int, points: int, *, sigma: float = 0.0012, step_ms: int = MINUTE_MS) -> Path:
    """A random walk from 2,000 with funding every eight hours, its highs and lows beside it."""
    random = np.random.default_rng(seed)
    marks = 2000.0 * np.exp(np.cumsum(random.normal(0.0, sigma, points)))
    hours = range(0, points * step_ms, 8 * 3_600_000)
    path = path_of(marks, step_ms=step_ms, funding=[(at, random.normal(0.0, 1e-4)) for at in hours])
    spread = np.abs(random.normal(0.0, sigma, points))
    return path._replace(high=marks * (1 + spread), low=marks * (1 - spread))


def setup_with(
    changes: Mapping[str, object] | None = None,
    *,
    costs: Costs = FREE,
    balance: int = 100_000,
    position: Position = POSITION,
    answer_s: float = 0.0,
) -> Setup:
    config = HedgeConfig.model_validate({**PLAIN, **(changes or {})})
    paper = PaperConfig(balance_quote=Decimal(balance))
    return setup_from(config, RULES, position=position, paper=paper, costs=costs, answer_s=answer_s)
