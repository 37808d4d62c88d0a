"""Recorded minutes of the Polygon USDC/WETH 0.05 % pool as a path whose perpetual is the pool itself."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from pathlib import Path as FilePath

import numpy as np

from core.config import HedgeConfig, PaperConfig
from core.facts import SymbolRules
from core.replay.path import Path
from core.replay.setup import Costs, Position, Setup, setup_from

FOLDER = FilePath(__file__).parents[1] / "data/pool"
DAYS_25 = FOLDER / "polygon_univ3_usdc_weth_500_minute_2022-07-19_2022-08-12.csv.gz"
DAYS_5 = FOLDER / "polygon_univ3_usdc_weth_500_minute_2023-08-13_2023-08-17.csv.gz"
FEE, UNIT0, UNIT1 = 0.0005, 1e6, 1e18
LOG_TICK, LOG_UNITS = np.log(1.0001), np.log(UNIT1 / UNIT0)
FUNDING_RATE, EIGHT_HOURS_MS, MINUTE_MS = 1e-4, 28_800_000, 60_000
STEP = Decimal("0.000001")
RULES = SymbolRules(
    symbol="ETHUSDT",
    base_asset="ETH",
    quote_asset="USDT",
    tick_size=Decimal("0.01"),
    step_size=STEP,
    min_quantity=STEP,
    max_quantity=Decimal(1_000_000),
    market_step_size=STEP,
    market_min_quantity=STEP,
    market_max_quantity=Decimal(1_000_000),
    min_notional_quote=Decimal(0),
)


def recorded_pool(file: FilePath) -> Path:
    """USDC per WETH at the end of each minute, and a positive funding rate of 1e-4 every eight hours.

    Minutes that are missing stay missing. The protocol kept no part of this pool's fees.
    """
    with gzip.open(file, "rt") as lines:
        rows = list(csv.DictReader(lines))
    column = {name: np.array([float(row[name]) for row in rows]) for name in rows[0] if name != "timestamp"}
    begun = np.array([row["timestamp"] for row in rows], "datetime64[ms]").astype(np.int64)
    time_ms = begun + MINUTE_MS
    price = np.exp(LOG_UNITS - LOG_TICK * column["closeTick"])
    paid_ms = np.arange(time_ms[0] // EIGHT_HOURS_MS + 1, time_ms[-1] // EIGHT_HOURS_MS + 1) * EIGHT_HOURS_MS
    return Path(
        time_ms=time_ms,
        mark=price,
        high=price,
        low=price,
        pool=price,
        fee_base=column["inAmount1"] / UNIT1 * FEE,
        fee_quote=column["inAmount0"] / UNIT0 * FEE,
        pool_liquidity=column["currentLiquidity"] / np.sqrt(UNIT0 * UNIT1),
        pool_low=LOG_UNITS - LOG_TICK * column["highestTick"],
        pool_high=LOG_UNITS - LOG_TICK * column["lowestTick"],
        funding_ms=paid_ms,
        funding_rate=np.full(len(paid_ms), FUNDING_RATE),
    )


def price_at(tick: float) -> float:
    return float(np.exp(LOG_UNITS - LOG_TICK * tick))


def first_tick(path: Path) -> int:
    return round(float((LOG_UNITS - np.log(path.pool[0])) / LOG_TICK))


def unhindered(position: Position, band_base: float, cost_rate: float, *, to_edge: bool) -> Setup:
    """The band alone decides: every other rule is off, orders are filled at the pool's price. Band 0: no hedge."""
    return setup_from(
        _config(Decimal(band_base), to_edge=to_edge),
        RULES,
        position=position,
        paper=PaperConfig(balance_quote=Decimal(100_000_000), leverage=125),
        costs=Costs(taker_rate=cost_rate, half_spread_bps=0.0, impact_bps=0.0, latency_ms=0),
    )


def _config(band_base: Decimal, *, to_edge: bool) -> HedgeConfig:
    return HedgeConfig(
        chain="polygon",
        amm_type="uniswap_v3",
        lp_position_ids=(1,),
        symbol="ETHUSDT",
        enabled=band_base > 0,
        hedge_threshold=band_base or Decimal(1),
        rebalance_to="edge" if to_edge else "target",
        include_fees=False,
        poll_seconds=Decimal(60),
        cooldown_seconds=0,
        max_per_hour=0,
        out_of_range_seconds=0,
        urgent_band_multiple=Decimal(0),
        min_notional_quote=Decimal(0),
        min_liquidation_distance_pct=Decimal(0),
        deleverage_below_pct=Decimal(0),
        max_basis_bps=Decimal(0),
        max_slippage_bps=Decimal(0),
        twap_over_quote=Decimal(0),
        approval_over_quote="off",
    )
