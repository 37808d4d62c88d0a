"""A replay made by hand: figures that are easily told apart."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from bot.backtest.case import Case
from bot.backtest.findings import Findings, findings_of
from core.accounting.attribution import Parts
from core.config import HedgeConfig, PaperConfig
from core.exchange.known_rules import KNOWN_RULES
from core.hedging.states import Reason, State
from core.replay.outcome import CURVE_FIELDS, FILL_FIELDS, Exposure, Observed, Outcome, Risk
from core.replay.path import Path, path_of_prices
from core.replay.setup import Costs, Position

START_MS = 1_746_372_840_000  # 2025-05-04 15:34 UTC
MINUTE_MS, DAY_MS = 60_000, 86_400_000
CONFIG = HedgeConfig.model_validate(
    {"chain": "ethereum", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": "ETHUSDT"}
)
PARTS = Parts(
    lp_fees=Decimal("137.50"),
    lp_price=Decimal("-500.25"),
    lvr=Decimal("-233.56"),
    hedge=Decimal("498.75"),
    slippage=Decimal("-2.10"),
    funding=Decimal("5.40"),
    commissions=Decimal("-20.00"),
    principal=Decimal("-733.81"),
    held=Decimal("-640.00"),
    turnover=Decimal("40000.00"),
    trades=3,
)
FILLS: NDArray[np.void] = np.array(
    [
        (START_MS + 1250, -1, 25.0, 1999.9, 2000.0, 24.99875, False, Reason.BAND_EXCEEDED, -25.0),
        (START_MS + 600_000, 1, 0.1 + 0.2, 2010.0, 2009.5, 0.1206, True, Reason.APPROVED, -24.7),
    ],
    dtype=FILL_FIELDS,
)


def path(points: int = 5) -> Path:
    time_ms = START_MS + MINUTE_MS * np.arange(points, dtype=np.int64)
    return path_of_prices(time_ms, np.linspace(2000.0, 2010.0, points))


def case() -> Case:
    return Case(
        hedge="eth",
        config=CONFIG,
        paper=PaperConfig(balance_quote=Decimal(50000)),
        rules=KNOWN_RULES["ETHUSDT"].rules,
        path=path(),
        step_ms=MINUTE_MS,
        position=Position(1600.0, 2500.0, 10590.16994374947),
        costs=Costs(),
        answer_s=30.0,
        lp_fees_known=True,
        funding_known=True,
        source="klines with funding, every 1 min, 2025-05-04 15:34 to 2025-05-06 15:34 UTC",
        notices=("2 minutes were missing.",),
    )


def curve(points: int = 50) -> NDArray[np.void]:
    made = np.zeros(points, dtype=CURVE_FIELDS)
    at = np.linspace(0.0, 1.0, points)
    made["time_ms"] = START_MS + (at * 2 * DAY_MS).astype(np.int64)
    made["pool_price"], made["net_base"], made["perp_base"] = 2000 + 10 * at, 25 - at, -25 + at / 2
    made["lp_fees"], made["lp"] = 137.5 * at, -733.81 * at
    made["hedge"], made["funding"], made["costs"], made["net"] = 498.75 * at, 5.4 * at, -22.1 * at, -114.26 * at
    return made


def outcome() -> Outcome:
    """Two days."""
    return Outcome(
        bars=2881,
        start_ms=START_MS,
        end_ms=START_MS + 2 * DAY_MS,
        looks=2900,
        plans=2,
        trades=3,
        parts=PARTS,
        execution_quote=3.5,
        exposure=Exposure(0.25, 1.5, 500.0, 3000.0, 90.0),
        risk=Risk(210.5, 48_000.0, 40_000.0, 87.25, 0),
        observed=Observed(2000.0, -0.0592008497, 0.6 / 365**0.5, 3.718457, 0.5, 0.0, 1.0),
        states={State.READY: 3 * DAY_MS // 2, State.COOLDOWN: DAY_MS // 2},
        reasons={Reason.WITHIN_BAND: 3 * DAY_MS // 2, Reason.COOLDOWN: DAY_MS // 2},
        fills=FILLS,
        curve=curve(),
    )


def found(a_case: Case | None = None, an_outcome: Outcome | None = None) -> Findings:
    chosen = a_case or case()
    return findings_of(chosen, chosen.setup(), an_outcome or outcome())


def without_recordings() -> Findings:
    """Neither LP fees nor funding were recorded."""
    parts = replace(PARTS, lp_fees=Decimal(0), funding=Decimal(0))
    return found(replace(case(), lp_fees_known=False, funding_known=False), replace(outcome(), parts=parts))
