"""Replay over real pool minutes against figures that were worked out before it was written.

They come from a plain loop of its own (100,000 USDC, 2,000 ticks either side of the first tick as a multiple of 10,
5 bp a trade, funding of 1e-4 every eight hours), rounded as published. What replay does otherwise, and how much it is:

- Fees stay in the position: what their ETH part gains or loses by the price counts (641 USDC in the 25 days). The loop
  took all fees in USDC as they came; so does the path of this table.
- What the first minute's swaps paid is not earned, for the position begins at that minute's end: 1 USDC of 6,166.
- Between looks the account is the same, but the first hedge is a plan like any other: where trades end half way, so
  does the first (the loop's went to the target). Of some hundred trades that is none or one more.
- Funding is paid at its own time by the short held then, in the loop after that minute: a few cents, and a payment
  due at the very last point, which the loop had not: 0.6 % of 300 USDC at most.
- Quantities are whole steps, here of a millionth of an ETH: less than a cent in all.
"""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path as FilePath
from typing import NamedTuple

import numpy as np
import pytest

from core.replay.outcome import Outcome
from core.replay.path import Path
from core.replay.reading.pair import PoolPair
from core.replay.reading.recording import read_path
from core.replay.replay import replay
from core.replay.setup import Position
from core.replay.theory.bands import predict
from tests.replay.recorded_pool import DAYS_5, DAYS_25, first_tick, price_at, recorded_pool, unhindered

VALUE_QUOTE, HALF_WIDTH_TICKS, TICK_SPACING = 100_000.0, 2000, 10
COST_RATE = 0.0005


class Known(NamedTuple):
    """`band`: share of the BASE at the lower edge; `inner`: where a trade ends, as a share of the band."""

    file: FilePath
    band: float
    inner: float
    trades: int
    cost: float
    net: float
    drawdown: float
    rms_base: float


HEDGED = (
    Known(DAYS_25, 0.0025, 0.0, 9361, 2562, -3016, 2993, 0.07),
    Known(DAYS_25, 0.02, 0.0, 605, 785, -1755, 1799, 0.56),
    Known(DAYS_25, 0.02, 0.5, 737, 573, -1989, 1979, 0.60),
    Known(DAYS_25, 0.05, 0.0, 118, 368, -1551, 1689, 1.31),
    Known(DAYS_5, 0.005, 0.0, 132, 83, -129, 181, 0.11),
    Known(DAYS_5, 0.02, 0.0, 26, 58, -136, 198, 0.47),
)


@cache
def path_of(file: FilePath) -> Path:
    """Fees paid in USDC alone."""
    path = recorded_pool(file)
    return path._replace(fee_quote=path.fee_quote + path.fee_base * path.pool, fee_base=0 * path.fee_base)


def range_of(path: Path) -> Position:
    middle = first_tick(path) // TICK_SPACING * TICK_SPACING
    lower, upper = price_at(middle + HALF_WIDTH_TICKS), price_at(middle - HALF_WIDTH_TICKS)
    price = float(path.pool[0])
    return Position(lower, upper, VALUE_QUOTE / (2 * math.sqrt(price) - price / math.sqrt(upper) - math.sqrt(lower)))


@cache
def replayed(file: FilePath, band: float, inner: float) -> Outcome:
    """Band 0: no hedge. All that would stand between the band and the trade is switched off."""
    path = path_of(file)
    position = range_of(path)
    edge_base = position.liquidity * (1 / math.sqrt(position.lower) - 1 / math.sqrt(position.upper))
    return replay(path, unhindered(position, band * edge_base, COST_RATE, to_edge=inner > 0))


def test_the_reader_of_files_reads_the_same() -> None:
    """What this room reads by itself and what a user's command reads are one market, but for minutes filled in, and
    half a tick: here prices are the tick's edge, there its middle. (Its lows and highs take in where a bar closed.)"""
    pair = PoolPair(base_is_token0=False, decimals0=6, decimals1=18, fee=0.0005, protocol_share=0.0)
    plain, read = recorded_pool(DAYS_5), read_path(DAYS_5, pair=pair).path
    there = np.isin(read.time_ms, plain.time_ms)
    assert there.sum() == len(plain.time_ms) >= len(read.time_ms) - 5
    for name in ("pool", "fee_base", "fee_quote", "pool_liquidity"):
        np.testing.assert_allclose(getattr(read, name)[there], getattr(plain, name), rtol=1.001e-4, err_msg=name)


@pytest.mark.parametrize(
    ("file", "fees", "lvr", "net", "drawdown", "rms_base"),
    [(DAYS_25, 6166, -6644, 11_440, 11_384, 27.5), (DAYS_5, 251, -353, -5290, 9647, 29.2)],
)
def test_an_unhedged_position_earns_and_loses_what_is_known(
    file: FilePath, fees: float, lvr: float, net: float, drawdown: float, rms_base: float
) -> None:
    """LP alone: to the published rounding, but for the first minute's fees."""
    outcome = replayed(file, 0, 0)
    assert float(outcome.parts.lp_fees) == pytest.approx(fees, abs=2)
    assert float(outcome.parts.lvr) == pytest.approx(lvr, abs=1)
    assert float(outcome.parts.net) == pytest.approx(net, abs=2)
    assert outcome.risk.drawdown_quote == pytest.approx(drawdown, abs=2)
    assert outcome.exposure.rms_base == pytest.approx(rms_base, abs=0.06)
    assert outcome.trades == 0 and outcome.cost_quote == 0


def test_fees_that_stay_uncollected_go_with_the_price() -> None:
    """Earned at the price of their day, they are worth that of the last."""
    path = recorded_pool(DAYS_25)
    as_paid = replay(path, unhindered(range_of(path), 0.0, COST_RATE, to_edge=False)).parts
    in_quote = replayed(DAYS_25, 0, 0).parts
    assert float(as_paid.lp_fees) == pytest.approx(float(in_quote.lp_fees))
    assert float(as_paid.net - in_quote.net) == pytest.approx(641, abs=2)


@pytest.mark.parametrize("known", HEDGED, ids=lambda known: f"{known.file.name[-15:-7]}-{known.band}-{known.inner}")
def test_a_banded_hedge_trades_and_costs_what_is_known(known: Known) -> None:
    """The kernel in the same circumstances trades as often, pays as much and leaves as much open as a plain loop."""
    outcome = replayed(known.file, known.band, known.inner)
    assert outcome.trades == pytest.approx(known.trades, abs=1 + 0.002 * known.trades)
    assert outcome.cost_quote == pytest.approx(known.cost, rel=0.005, abs=0.6)
    assert float(outcome.parts.net) == pytest.approx(known.net, rel=0.005, abs=8)
    assert outcome.risk.drawdown_quote == pytest.approx(known.drawdown, rel=0.02, abs=1)
    assert outcome.exposure.rms_base == pytest.approx(known.rms_base, abs=0.01)


@pytest.mark.parametrize(
    ("band", "inner", "predicted", "traded"),
    [(0.01, 0.0, 2216, 1828), (0.02, 0.0, 644, 605), (0.02, 0.5, 818, 737), (0.05, 0.0, 113, 118), (0.1, 0.0, 29, 31)],
)
def test_theory_says_beforehand_what_the_real_month_did(band: float, inner: float, predicted: int, traded: int) -> None:
    """Trades as published; costs within 14 %, residual within 15 % of what was replayed, the opening trade left out."""
    outcome = replayed(DAYS_25, band, inner)
    observed, days = outcome.observed, outcome.days
    said = predict(
        price=observed.price,
        sigma_base_per_day=observed.sigma_base_per_day,
        band_base=observed.band_base,
        inner_share=inner,
        look_every_s=60,
        cost_rate=COST_RATE,
    )
    assert observed.sigma_base_per_day == pytest.approx(7.37, abs=0.02)
    assert said.trades_per_day * days == pytest.approx(predicted, rel=0.02)
    assert outcome.trades == pytest.approx(traded, abs=1 + 0.002 * traded)
    assert said.cost_quote_per_day * days == pytest.approx(outcome.cost_quote - _opening_cost(DAYS_25), rel=0.14)
    assert said.residual_rms_base == pytest.approx(outcome.exposure.rms_base, rel=0.15)


def _opening_cost(file: FilePath) -> float:
    path = path_of(file)
    position, price = range_of(path), float(path.pool[0])
    return COST_RATE * price * position.liquidity * (1 / math.sqrt(price) - 1 / math.sqrt(position.upper))


def test_the_best_net_is_no_reason_to_choose_a_setting() -> None:
    """By net the month that rose says "no hedge" and the week that fell says "the tightest band"."""
    rose = {band: float(replayed(DAYS_25, band, 0).parts.net) for band in (0.0, 0.0025, 0.02, 0.05)}
    fell = {band: float(replayed(DAYS_5, band, 0).parts.net) for band in (0.0, 0.005, 0.02)}
    assert max(rose, key=rose.__getitem__) == 0.0
    assert max(fell, key=fell.__getitem__) == 0.005
