"""Replay against the same week worked out a second time, without the engine's kernel, split or compiler."""

from __future__ import annotations

import csv
import gzip

import numpy as np
import pytest

from core.replay.path import path_of_prices
from core.replay.replay import replay
from core.replay.setup import Costs
from tests.replay.paths import MINUTE_MS, POSITION, setup_with
from tests.replay.plain_replay import Account, Terms, plain_replay
from tests.replay.recorded import ETH_FUNDING, ETH_KLINES

WEEK_MINUTES = 7 * 24 * 60
COSTS = Costs(taker_rate=0.0005, maker_rate=0.0002, half_spread_bps=0.7, impact_bps=1.3, latency_ms=250, fee_apr=0.31)
UNRUSHED = {"out_of_range_seconds": 0, "max_per_hour": 0, "cooldown_seconds": 0, "max_slippage_bps": 0}
PARTS = ("lp_fees", "lp_price", "lvr", "hedge", "slippage", "funding", "commissions", "turnover", "impermanent_loss")


def recorded_week(first: int) -> tuple[list[int], list[float], list[tuple[int, float]]]:
    """Bar ends, closes, and funding of a week that begins at that bar."""
    with gzip.open(ETH_KLINES, "rt", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[first : first + WEEK_MINUTES + 1]
    with ETH_FUNDING.open(encoding="utf-8") as file:
        paid = [(int(row["funding_time_ms"]), float(row["funding_rate"])) for row in csv.DictReader(file)]
    return [int(row["open_time_ms"]) + MINUTE_MS for row in rows], [float(row["close"]) for row in rows], paid


@pytest.mark.parametrize(("first", "band_quote"), [(0, 500), (0, 2500), (30_000, 900)])
def test_a_recorded_week_adds_up_to_the_same(first: int, band_quote: int) -> None:
    """Every part, the trades, their prices and the drawdown; ETH leaves the range at the top in the first week."""
    times, prices, paid = recorded_week(first)
    terms = Terms(*POSITION, band_quote, 0.0005, 0.7, 1.3, 250, 0.31)
    plain = plain_replay(times, prices, paid, terms)
    path = path_of_prices(
        np.array(times),
        np.array(prices),
        funding_ms=np.array([at for at, _ in paid]),
        funding_rate=np.array([rate for _, rate in paid]),
    )
    setup = setup_with({**UNRUSHED, "delta_band_quote": band_quote}, costs=COSTS, balance=1_000_000)
    found = replay(path, setup, fills=True)
    for name in PARTS:
        assert float(getattr(found.parts, name)) == pytest.approx(getattr(plain, name), rel=1e-6), name
    assert float(found.parts.net) == pytest.approx(plain.net(), abs=1e-6 * largest(plain))
    assert found.trades == plain.trades > 5
    assert found.fills["price"].tolist() == pytest.approx(plain.fill_prices, rel=1e-9)
    assert found.fills["position_base"][-1] == pytest.approx(plain.perp_base, abs=1e-9)
    assert found.risk.drawdown_quote == pytest.approx(plain.drawdown, rel=1e-6)


def largest(account: Account) -> float:
    """Of the parts, whose sum may be far smaller than any."""
    return max(abs(float(getattr(account, name))) for name in PARTS)
