"""LVR, break-even volatility, hedging by the clock: the check values, identities and a simulated market."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.replay.theory import sigma_base
from core.replay.theory.lvr import (
    arbitrage_share,
    break_even_sigma,
    concentration,
    lvr_rate,
    pool_break_even_sigma,
)
from core.replay.theory.position import gamma, liquidity_of_value
from core.replay.theory.timed import error_deviation, leland_number, turnover_base
from tests.replay.reference import AT, LIQUIDITY, LOWER, PRICE, UPPER

YEAR_S = 365 * 86400
YEARLY = 0.6
DAILY = YEARLY / math.sqrt(365)


def test_the_reference_loses_116_a_day() -> None:
    """42,624.61 QUOTE a year at 60 %, 116.7798 a day, which is c sigma^2 / 8 of the value."""
    yearly = lvr_rate(PRICE, LIQUIDITY, YEARLY)
    assert yearly == pytest.approx(42_624.61, abs=5e-3)
    assert lvr_rate(PRICE, LIQUIDITY, DAILY) == pytest.approx(116.7798, abs=5e-5)
    assert concentration(PRICE, LOWER, UPPER) * YEARLY**2 / 8 * 100_000 == pytest.approx(yearly)


@given(st.floats(1601, 2499), st.floats(0.01, 3))
def test_it_is_half_of_gamma_times_the_squared_move(price: float, sigma: float) -> None:
    """1/2 sigma^2 P^2 |gamma|."""
    assert lvr_rate(price, LIQUIDITY, sigma) == pytest.approx(sigma**2 * price**2 * -gamma(price, *AT) / 2)


@pytest.mark.parametrize(
    ("lower", "upper", "times", "digit"),
    [
        (1600, 2500, 9.472136, 5e-7),
        (1600, 2400, 10.38, 5e-3),
        (1900, 2100, 40.47, 5e-3),
        (1000, 3000, 4.20, 5e-3),
        (0, math.inf, 1, 1e-12),
    ],
)
def test_concentration(lower: float, upper: float, times: float, digit: float) -> None:
    """How much more a narrow range loses than the full one."""
    assert concentration(PRICE, lower, upper) == pytest.approx(times, abs=digit)


def test_break_even_volatility() -> None:
    """25 % a year in fees pays for 45.9506 %; there LVR is what fees are."""
    sigma = break_even_sigma(PRICE, LIQUIDITY, 25_000)
    assert sigma == pytest.approx(0.459506, abs=5e-7)
    assert lvr_rate(PRICE, LIQUIDITY, sigma) == pytest.approx(25_000)


@given(st.floats(1e3, 1e9), st.floats(1e4, 1e12), st.floats(1e-4, 1e-2))
def test_the_pools_break_even_is_that_of_each_share_of_it(liquidity: float, volume: float, fee: float) -> None:
    """Whoever has a tenth of the liquidity earns a tenth of the fees; and 2 sqrt(fee volume / (L sqrt P))."""
    whole = pool_break_even_sigma(PRICE, liquidity, volume, fee)
    assert whole == pytest.approx(break_even_sigma(PRICE, liquidity / 10, fee * volume / 10))
    assert whole == pytest.approx(2 * math.sqrt(fee * volume / (liquidity * math.sqrt(PRICE))))


@pytest.mark.parametrize(
    ("fee", "block_s", "share"),
    [(5e-4, 12, 0.4545), (5e-4, 3, 0.2941), (5e-4, 0.75, 0.1724), (3e-3, 12, 0.1220)],
)
def test_what_arbitrage_takes(fee: float, block_s: float, share: float) -> None:
    """At 5 % a day: less with a higher fee and with faster blocks."""
    assert arbitrage_share(fee, 0.05, block_s / 86400) == pytest.approx(share, abs=5e-5)
    assert arbitrage_share(0.0, 0.05, block_s / 86400) == 1


@pytest.mark.parametrize(("interval_s", "number"), [(60, 0.96409), (3600, 0.124463), (86400, 0.025406)])
def test_leland_numbers(interval_s: float, number: float) -> None:
    """At 5 bps and 60 %: each minute costs nearly the LVR again, once a day a fortieth."""
    assert leland_number(0.0005, YEARLY, interval_s / YEAR_S) == pytest.approx(number, abs=5e-6)


def test_hourly_hedging_of_the_reference_costs_14_a_day() -> None:
    """14.53 QUOTE: LVR times the Leland number, which is cost times price times turnover."""
    cost = lvr_rate(PRICE, LIQUIDITY, DAILY) * leland_number(0.0005, DAILY, 1 / 24)
    assert cost == pytest.approx(14.53, abs=5e-3)
    turnover = turnover_base(sigma_base(gamma(PRICE, *AT), PRICE, DAILY), 1 / 24)
    assert cost == pytest.approx(0.0005 * PRICE * turnover)


def test_a_simulated_market_loses_the_lvr_and_misses_by_the_deviation() -> None:
    """20,000 seeded days hedged hourly: mean loss within three standard errors, turnover and deviation within 2 %."""
    paths, hours, sigma = 20_000, 24, 0.005
    moves = np.random.default_rng(11).standard_normal((paths, hours)) * sigma / math.sqrt(hours) - sigma**2 / 2 / hours
    roots = np.sqrt(PRICE * np.exp(np.cumsum(np.hstack([np.zeros((paths, 1)), moves]), axis=1)))
    losses = (LIQUIDITY * np.diff(roots, axis=1) ** 2 / roots[:, :-1]).sum(axis=1)
    deviation = error_deviation(PRICE, gamma(PRICE, *AT), sigma, 1 / hours, 1.0)
    assert losses.mean() == pytest.approx(lvr_rate(PRICE, LIQUIDITY, sigma), abs=3 * deviation / math.sqrt(paths))
    assert losses.std() == pytest.approx(deviation, rel=0.02)
    turnover = np.abs(np.diff(LIQUIDITY / roots, axis=1)).sum(axis=1).mean()
    assert turnover == pytest.approx(turnover_base(sigma_base(gamma(PRICE, *AT), PRICE, sigma), 1 / hours), rel=0.02)


def test_narrow_ranges_lose_more_of_the_same_value() -> None:
    """The same value in half the width has about twice the LVR."""
    wide, narrow = (
        lvr_rate(PRICE, liquidity_of_value(1000, PRICE, PRICE * (1 - w), PRICE * (1 + w)), DAILY) for w in (0.02, 0.01)
    )
    assert narrow == pytest.approx(2 * wide, rel=0.02)
