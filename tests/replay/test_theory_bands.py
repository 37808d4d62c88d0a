"""Bands by theory: the check values, the optimum against a search of its own, and a simulated walk."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.replay.theory import BestBand, Prediction, best_band, predict, risk_aversion_for, sigma_base
from core.replay.theory.bands import OVERSHOOT, best_half_width, objective_share

PRICE = 2000.0
GAMMA = -0.0592008497
SIGMA = 0.6 / math.sqrt(365)
SHARES = st.floats(0, 1)
COSTS = st.floats(1e-5, 1e-2)
AVERSIONS = st.floats(1e-7, 1e-1)


def of_reference(
    band_base: float, inner_share: float, look_every_s: float = 0.0, cost_rate: float = 0.0005
) -> Prediction:
    """The reference position at 60 % a year."""
    return predict(
        price=PRICE, sigma_base_per_day=sigma_base(GAMMA, PRICE, SIGMA), band_base=band_base, inner_share=inner_share,
        look_every_s=look_every_s, cost_rate=cost_rate,
    )  # fmt: skip


def of_unit_walk(band_base: float, inner_share: float, dt_days: float) -> Prediction:
    return predict(
        price=1, sigma_base_per_day=1, band_base=band_base, inner_share=inner_share, look_every_s=dt_days * 86400,
        cost_rate=1,
    )  # fmt: skip


def best(
    *, inner_share: float = 0.0, cost_rate: float = 0.0005, risk_aversion: float = 1e-4, look_every_s: float = 0.0
) -> BestBand:
    return best_band(
        price=PRICE, sigma_per_day=SIGMA, sigma_base_per_day=sigma_base(GAMMA, PRICE, SIGMA), inner_share=inner_share,
        look_every_s=look_every_s, cost_rate=cost_rate, risk_aversion=risk_aversion,
    )  # fmt: skip


def test_sigma_of_the_target() -> None:
    """3.718457 BASE per square root of a day; a short gamma counts like a long one."""
    assert sigma_base(GAMMA, PRICE, SIGMA) == pytest.approx(3.718457, abs=5e-7)


@pytest.mark.parametrize(
    ("share", "trades", "turnover", "residual"),
    [(0.0, 55.3077, 55307.69, 0.204124), (0.5, 73.7436, 36871.79, 0.228218)],
)
def test_a_band_of_half_a_coin(share: float, trades: float, turnover: float, residual: float) -> None:
    """Trade to the target and to half the band, to the digits of the table."""
    found = of_reference(0.5, share)
    assert found.trades_per_day == pytest.approx(trades, abs=5e-5)
    assert found.turnover_quote_per_day == pytest.approx(turnover, abs=5e-3)
    assert found.cost_quote_per_day == pytest.approx(turnover * 0.0005, abs=5e-6)
    assert found.residual_rms_base == pytest.approx(residual, abs=5e-7)


@pytest.mark.parametrize(("share", "half_width"), [(0.0, 5.946604), (0.5, 4.822460), (1.0, 3.746126)])
def test_best_half_widths(share: float, half_width: float) -> None:
    """To the target, half way, and to the edge, where it is Whalley and Wilmott's."""
    assert best(inner_share=share).band_base == pytest.approx(half_width, abs=5e-7)
    assert best_half_width(PRICE, GAMMA, 0.0005, 1e-4, share) == pytest.approx(half_width, abs=5e-7)


@given(COSTS, AVERSIONS)
def test_at_the_edge_it_is_whalley_and_wilmotts(cost_rate: float, aversion: float) -> None:
    """h^3 = 3 cost P gamma^2 / (2 aversion)."""
    cube = 3 * cost_rate * PRICE * GAMMA**2 / (2 * aversion)
    assert best_half_width(PRICE, GAMMA, cost_rate, aversion, 1.0) ** 3 == pytest.approx(cube)


@given(SHARES, COSTS, AVERSIONS, st.sampled_from([0.0, 15.0, 3600.0]))
def test_no_other_band_has_less_cost_and_risk(share: float, cost_rate: float, aversion: float, look_s: float) -> None:
    """A search over widths around the found one, by the uncapped formula itself, finds none better."""
    found = best(inner_share=share, cost_rate=cost_rate, risk_aversion=aversion, look_every_s=look_s)
    sigma_d = sigma_base(GAMMA, PRICE, SIGMA)
    overshoot = OVERSHOOT * sigma_d * math.sqrt(look_s / 86400)

    def objective(h: float) -> float:
        outer, inner = h + overshoot, share * h
        cost = cost_rate * PRICE * sigma_d**2 / (outer + inner)
        return cost + aversion / 2 * (outer**2 + inner**2) / 6 * (SIGMA * PRICE) ** 2

    others = [found.band_base * factor for factor in (0.5, 0.9, 0.999, 1.001, 1.1, 2.0)]
    others += [1e-3 * sigma_d, sigma_d]
    assert objective(found.band_base) <= min(map(objective, others)) * (1 + 1e-12)


@pytest.mark.parametrize(("share", "saved"), [(0.0, 0.0), (0.5, 0.178), (1.0, 0.206)])
def test_what_not_trading_all_the_way_saves(share: float, saved: float) -> None:
    """17.8 % of cost and risk half way, 20.6 % at the edge; the optimum's own figures say the same."""
    assert 1 - objective_share(share) == pytest.approx(saved, abs=5e-4)
    ratio = best(inner_share=share).objective_quote_per_day / best().objective_quote_per_day
    assert ratio == pytest.approx(objective_share(share))


def test_the_objective_is_its_two_halves() -> None:
    """Cost of the prediction, and the rms times the price's daily move squared; the cost is two thirds at the best."""
    found = best()
    variance = (found.prediction.residual_rms_base * SIGMA * PRICE) ** 2
    assert found.variance_per_day == pytest.approx(variance)
    assert found.objective_quote_per_day == pytest.approx(found.prediction.cost_quote_per_day + 1e-4 / 2 * variance)
    assert found.prediction.cost_quote_per_day == pytest.approx(found.objective_quote_per_day * 2 / 3)


@given(st.floats(0.1, 20), SHARES)
def test_bands_grow_as_the_cube_root_of_cost(times: float, share: float) -> None:
    """Eight times the cost, twice the band; eight times the aversion, half of it."""
    once = best(inner_share=share).band_base
    assert best(inner_share=share, cost_rate=0.0005 * times).band_base == pytest.approx(once * math.cbrt(times))
    assert best(inner_share=share, risk_aversion=1e-4 * times).band_base == pytest.approx(once / math.cbrt(times))


def test_the_best_band_does_not_depend_on_volatility() -> None:
    """A wild market trades more often, at the same band: cost and risk grow alike."""
    calm, wild = (
        best_band(
            price=PRICE, sigma_per_day=sigma, sigma_base_per_day=sigma_base(GAMMA, PRICE, sigma), inner_share=0.5,
            look_every_s=0, cost_rate=0.0005, risk_aversion=1e-4,
        )
        for sigma in (0.01, 0.1)
    )  # fmt: skip
    assert calm.band_base == pytest.approx(wild.band_base)
    assert wild.prediction.trades_per_day == pytest.approx(100 * calm.prediction.trades_per_day)


@given(st.floats(1e-6, 86400))
def test_looks_that_are_apart_make_the_band_narrower(look_s: float) -> None:
    """To the target: by the overshoot exactly, not below zero."""
    overshoot = OVERSHOOT * sigma_base(GAMMA, PRICE, SIGMA) * math.sqrt(look_s / 86400)
    assert best(look_every_s=look_s).band_base == pytest.approx(max(5.946604 - overshoot, 0), abs=1e-6)


def test_no_band_pays_when_looks_are_weeks_apart() -> None:
    """Then every look should trade."""
    assert best(look_every_s=30 * 86400).band_base == 0


@given(st.floats(0.01, 10), st.floats(0, 0.95))
def test_looking_ever_more_often_ends_in_the_continuous_figures(band: float, share: float) -> None:
    """And rarer looks never trade more often."""
    limit = of_reference(band, share)
    near = of_reference(band, share, look_every_s=1e-12)
    assert near.trades_per_day == pytest.approx(limit.trades_per_day, rel=1e-3)
    assert near.residual_rms_base == pytest.approx(limit.residual_rms_base, rel=1e-3)
    seen = [of_reference(band, share, look_every_s=look_s).trades_per_day for look_s in (0, 1, 60, 3600, 86400)]
    assert all(rarer <= oftener for oftener, rarer in pairwise(seen))


@given(st.floats(1e-6, 10), SHARES, st.floats(0.1, 86400))
def test_never_more_than_a_trade_a_look(band: float, share: float, look_s: float) -> None:
    """Nor more turnover than trading at each look has."""
    found = of_reference(band, share, look_s)
    assert found.trades_per_day <= 86400 / look_s * (1 + 1e-12)
    each_look = sigma_base(GAMMA, PRICE, SIGMA) * math.sqrt(2 / math.pi * 86400 / look_s) * PRICE
    assert found.turnover_quote_per_day <= each_look * (1 + 1e-12)


def test_looking_rarely_trades_less_often() -> None:
    """The published example: 0.783 trades a day instead of 1."""
    assert of_unit_walk(1, 0, 0.05).trades_per_day == pytest.approx(0.783, abs=5e-4)


def test_a_target_that_stands_still_is_never_left() -> None:
    """Out of range nothing is predicted but rest."""
    still = predict(price=1, sigma_base_per_day=0, band_base=0, inner_share=1, look_every_s=0, cost_rate=1)
    assert still == Prediction(0, 0, 0, 0)


@pytest.mark.parametrize("share", [-0.1, 1.1, math.nan])
def test_a_trade_ends_inside_the_band(share: float) -> None:
    """Any other share is a mistake of the caller."""
    with pytest.raises(ValueError, match="between the target"):
        of_reference(1, share)
    with pytest.raises(ValueError, match="between the target"):
        best(inner_share=share)


@given(st.floats(100, 1e8))
def test_risk_aversion_scales_the_band_with_the_position(value: float) -> None:
    """1e-4 for 100,000; a position a hundred times as large has a band a hundred times as wide."""
    assert risk_aversion_for(100_000) == pytest.approx(1e-4)
    reference = best_half_width(PRICE, GAMMA, 0.0005, risk_aversion_for(100_000), 0.0)
    scale = value / 100_000
    scaled = best_half_width(PRICE, GAMMA * scale, 0.0005, risk_aversion_for(value), 0.0)
    assert scaled == pytest.approx(reference * scale)


@pytest.mark.parametrize(("band", "share"), [(1.0, 0.0), (1.0, 0.5), (0.5, 0.0), (0.5, 0.5)])
def test_a_simulated_walk_agrees(band: float, share: float) -> None:
    """2,000 seeded walks looked at a hundredth of a day apart: trades and turnover within 5 %, rms within 3 %."""
    dt, paths, looks = 0.01, 2000, 1000
    random = np.random.default_rng(7)
    gap = np.zeros(paths)
    trades = turnover = square = 0.0
    for _ in range(looks):
        before = gap
        gap = gap + random.standard_normal(paths) * math.sqrt(dt)
        square += float((before**2 + before * gap + gap**2).sum()) / 3 + paths * dt / 6
        out = np.abs(gap) > band
        rest = np.where(out, np.sign(gap) * share * band, gap)
        trades += float(out.sum())
        turnover += float(np.abs(gap - rest).sum())
        gap = rest
    days, found = paths * looks * dt, of_unit_walk(band, share, dt)
    assert trades / days == pytest.approx(found.trades_per_day, rel=0.05)
    assert turnover / days == pytest.approx(found.turnover_quote_per_day, rel=0.05)
    assert math.sqrt(square / paths / looks) == pytest.approx(found.residual_rms_base, rel=0.03)
