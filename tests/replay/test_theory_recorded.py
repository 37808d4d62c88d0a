"""Theory against recorded pools: break-even volatility, and bands replayed by a loop of the test's own."""

from __future__ import annotations

import csv
import gzip
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from core.replay.theory import best_band, predict, risk_aversion_for, sigma_base
from core.replay.theory.lvr import pool_break_even_sigma
from core.replay.theory.position import amounts, gamma, liquidity_of_value
from core.replay.theory.volatility import realised_sigma_per_day

POOLS = Path(__file__).parents[1] / "data" / "pool"
MAINNET = "ethereum_univ3_usdc_weth_500_minute_2024-01-05.csv.gz"
POLYGON_2022 = "polygon_univ3_usdc_weth_500_minute_2022-07-19_2022-08-12.csv.gz"
POLYGON_2023 = "polygon_univ3_usdc_weth_500_minute_2023-08-13_2023-08-17.csv.gz"
FEE_RATE = 0.0005
COST_RATE = 0.0005
Floats = NDArray[np.float64]


@cache
def minutes(name: str) -> tuple[Floats, Floats, Floats]:
    """(price, liquidity in whole tokens, volume in QUOTE) of each minute; token0 is USDC, token1 WETH."""
    with gzip.open(POOLS / name, "rt", newline="") as file:
        rows = list(csv.DictReader(file))
    price = np.array([1e12 * 1.0001 ** -int(row["closeTick"]) for row in rows])
    liquidity = np.array([float(row["currentLiquidity"]) / 1e12 for row in rows])
    base = np.array([float(row["inAmount1"]) / 1e18 for row in rows])
    return price, liquidity, np.array([float(row["inAmount0"]) / 1e6 for row in rows]) + base * price


@pytest.mark.parametrize(
    ("name", "break_even_pct", "realised_pct"),
    [(MAINNET, 57.2, 51.5), (POLYGON_2022, 82.9, 85.6), (POLYGON_2023, 38.3, 45.5)],
)
def test_break_even_beside_realised_volatility(name: str, break_even_pct: float, realised_pct: float) -> None:
    """In % a year, minute by minute: mainnet's fees paid for the day, Polygon's not quite."""
    price, liquidity, volume = minutes(name)
    a_year = 365 * 1440 / len(price)
    per_depth = float((volume / (liquidity * np.sqrt(price))).sum()) * a_year
    assert 100 * pool_break_even_sigma(1.0, 1.0, per_depth, FEE_RATE) == pytest.approx(break_even_pct, abs=0.05)
    sigma_per_day = realised_sigma_per_day(price.tolist(), 60)
    assert sigma_per_day is not None
    assert 100 * sigma_per_day * math.sqrt(365) == pytest.approx(realised_pct, abs=0.05)


@pytest.mark.parametrize(
    ("band", "share", "predicted", "replayed"),
    [
        (0.01, 0.0, 2216, 1828),
        (0.02, 0.0, 644, 605),
        (0.02, 0.5, 818, 737),
        (0.05, 0.0, 113, 118),
        (0.10, 0.0, 29, 31),
    ],
)
def test_bands_over_25_days(band: float, share: float, predicted: int, replayed: int) -> None:
    """100,000 in +-2000 ticks, band as a share of the range's BASE: trades of the table, cost and rms within 15 %."""
    price, _, _ = minutes(POLYGON_2022)
    lower, upper = price[0] * 1.0001**-2000, price[0] * 1.0001**2000
    liquidity = liquidity_of_value(100_000, price[0], lower, upper)
    band_base = band * amounts(lower, lower, upper, liquidity)[0]
    held = liquidity * (1 / np.sqrt(np.clip(price, lower, upper)) - 1 / math.sqrt(upper))
    days = (len(price) - 1) / 1440
    found = predict(
        price=float(price.mean()), sigma_base_per_day=math.sqrt(float((np.diff(held) ** 2).sum()) / days),
        band_base=band_base, inner_share=share, look_every_s=60, cost_rate=COST_RATE,
    )  # fmt: skip
    trades, cost, rms = walk(held, price, band_base, share)
    assert found.trades_per_day * days == pytest.approx(predicted, rel=0.02)
    assert trades == pytest.approx(replayed, rel=0.05)
    assert found.cost_quote_per_day * days == pytest.approx(cost, rel=0.15)
    assert found.residual_rms_base == pytest.approx(rms, rel=0.15)


def test_the_best_band_is_about_the_best_of_a_sweep() -> None:
    """Cost and risk over the 25 days at theory's band are within a quarter of the least from 2 to 50 %.

    A month has some twenty such trades, so chance decides between neighbours; a band far off costs three times as much.
    """
    price, _, _ = minutes(POLYGON_2022)
    lower, upper = price[0] * 1.0001**-2000, price[0] * 1.0001**2000
    liquidity = liquidity_of_value(100_000, price[0], lower, upper)
    held = liquidity * (1 / np.sqrt(np.clip(price, lower, upper)) - 1 / math.sqrt(upper))
    sigma = realised_sigma_per_day(price.tolist(), 60) or 0.0
    aversion = risk_aversion_for(100_000)
    best = best_band(
        price=price[0], sigma_per_day=sigma,
        sigma_base_per_day=sigma_base(gamma(price[0], lower, upper, liquidity), price[0], sigma), inner_share=0,
        look_every_s=60, cost_rate=COST_RATE, risk_aversion=aversion,
    )  # fmt: skip
    swept = [objective(held, price, share * 100_000 / price[0], aversion) for share in (0.02, 0.05, 0.1, 0.2, 0.3, 0.5)]
    found = objective(held, price, best.band_base, aversion)
    assert found <= 1.25 * min(swept)
    assert max(swept) > 3 * found > 0
    days = (len(price) - 1) / 1440
    assert best.objective_quote_per_day == pytest.approx(found / days, rel=0.35)


def objective(held: Floats, price: Floats, band_base: float, aversion: float) -> float:
    """Cost and risk, QUOTE over the whole path, of trading to the target."""
    short, total = float(held[0]), 0.0
    for base, at, move in zip(held[:-1].tolist(), price[:-1].tolist(), np.diff(price).tolist(), strict=True):
        gap = base - short
        if abs(gap) > band_base:
            short, total, gap = base, total + abs(gap) * at * COST_RATE, 0.0
        total += aversion / 2 * (gap * move) ** 2
    return total


def walk(held: Floats, price: Floats, band_base: float, share: float) -> tuple[int, float, float]:
    """(trades, cost in QUOTE, rms of what is open) of a band over a path, looked at each minute."""
    short, trades, cost, square = float(held[0]), 0, 0.0, 0.0
    for base, at in zip(held.tolist(), price.tolist(), strict=True):
        gap = base - short
        if abs(gap) > band_base:
            traded = gap - math.copysign(share * band_base, gap)
            short, trades, cost = short + traded, trades + 1, cost + abs(traded) * at * COST_RATE
        square += (base - short) ** 2
    return trades, cost, math.sqrt(square / len(held))
