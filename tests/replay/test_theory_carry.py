"""Funding, liquidation and the margin of a rally: the check values, the exact forms elsewhere, a simulated short."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.exchange import paper_margin
from core.hedging.headroom import position_headroom
from core.hedging.margin import liquidation_price_after, rally_loss_quote
from core.replay.theory.funding import funding_received, funding_tilt_base
from core.replay.theory.margin import rebalanced_short_loss, short_liquidation_price, static_short_loss
from core.replay.theory.position import amounts
from core.replay.theory.volatility import realised_sigma_per_day
from tests.hedging.givens import facts, policy
from tests.hedging.test_margin import SHORT_10
from tests.replay.reference import AT, LIQUIDITY, PRICE, UPPER


def test_one_funding_payment() -> None:
    """10 BASE at 600 and 0.01 % bring the short 0.60; a negative rate takes it."""
    assert funding_received(10, 600, 1e-4) == pytest.approx(0.60)
    assert funding_received(10, 600, -1e-4) == pytest.approx(-0.60)


def test_funding_tilts_the_hedge() -> None:
    """0.01 % every 8 hours: 1.520833 BASE more, a ratio of 1.060833; negative funding hedges less."""
    tilt = funding_tilt_base(PRICE, 0.6, 3 * 365 * 1e-4, 1e-4)
    assert tilt == pytest.approx(1.520833, abs=5e-7)
    assert 1 + tilt / amounts(PRICE, *AT)[0] == pytest.approx(1.060833, abs=5e-7)
    assert funding_tilt_base(PRICE, 0.6, -0.1095, 1e-4) == pytest.approx(-tilt)


@given(st.floats(-1, 1), st.floats(1e-6, 1e-2))
def test_the_tilt_is_where_mean_and_variance_balance(funding: float, aversion: float) -> None:
    """No other excess earns more funding less half the aversion times its variance."""
    best = funding_tilt_base(PRICE, 0.6, funding, aversion)

    def utility(excess: float) -> float:
        return funding * PRICE * excess - aversion / 2 * (0.6 * PRICE * excess) ** 2

    assert utility(best) >= max(utility(best * 0.9), utility(best * 1.1), utility(best - 0.1), utility(0.0))


@pytest.mark.parametrize(
    ("wallet", "size", "entry", "rate", "price"),
    [(1000, 1, 2000, 0.005, 2985.0746), (5000, 10, 600, 0.01, 1089.1089)],
)
def test_liquidation_of_a_short(wallet: float, size: float, entry: float, rate: float, price: float) -> None:
    """To the digits of the table."""
    assert short_liquidation_price(wallet, size, entry, rate) == pytest.approx(price, abs=5e-5)


@given(st.integers(1, 10**7), st.integers(1, 10**4), st.integers(1, 10**5), st.integers(1, 100))
def test_the_kernels_liquidation_price_agrees(wallet: int, size: int, entry: int, rate_bps: int) -> None:
    """What the engine expects of a trade that opens nothing, at the price of entry."""
    account = replace(
        SHORT_10,
        position_base=Decimal(-size),
        margin_balance_quote=Decimal(wallet),
        maintenance_margin_quote=Decimal(0),
        maintenance_rate=Decimal(rate_bps) / 10_000,
    )
    told = liquidation_price_after(account, Decimal(entry), Decimal(0))
    assert told is not None
    assert short_liquidation_price(wallet, size, entry, rate_bps / 10_000) == pytest.approx(float(told))


@given(st.integers(1, 10**6), st.integers(1, 10**4), st.integers(1, 10**4))
def test_the_paper_accounts_liquidation_price_agrees(wallet: int, size: int, entry: int) -> None:
    """With the rate and deduction of the bracket in which the answer falls."""
    table = paper_margin.BRACKETS["ETHUSDT"]
    told = paper_margin.liquidation_price(Decimal(-size), Decimal(-size * entry), Decimal(wallet), table)
    assert told is not None
    bracket = paper_margin.bracket_of(table, size * told)
    found = short_liquidation_price(wallet, size, entry, float(bracket.rate), float(bracket.cum_quote))
    assert found == pytest.approx(float(told))


@given(st.integers(1_000, 10**6), st.integers(10, 80))
def test_the_kernels_headroom_ends_at_that_price(equity: int, distance_pct: int) -> None:
    """The largest short that the kernel allows is liquidated as far above the mark as it must be, to a step."""
    seen = facts(
        perp=0,
        margin_balance_quote=equity,
        maintenance_margin_quote=0,
        fee_rate=0,
        edge_base=10**6,
        liquidation_price=0,
    )
    room, _ = position_headroom(seen, policy(min_liquidation_pct=distance_pct))
    for steps, is_far_enough in ((room, True), (room + 2, False)):
        price = short_liquidation_price(equity, steps / 1000, PRICE, float(seen.maintenance_rate))
        assert (price >= PRICE * (1 + distance_pct / 100) * (1 - 1e-9)) is is_far_enough


def test_the_margin_of_a_rally() -> None:
    """To the upper edge: 5,901.70 rebalanced all the way, 12,500 left alone, which is the kernel's own figure."""
    assert rebalanced_short_loss(PRICE, UPPER, *AT) == pytest.approx(5_901.70, abs=5e-3)
    static = static_short_loss(PRICE, UPPER, *AT)
    assert static == pytest.approx(12_500)
    assert static == pytest.approx(float(rally_loss_quote(Decimal(25), Decimal(2000), Decimal(2500))))


@pytest.mark.parametrize(("lvr_quote", "wobble"), [(0.0, 0.0), (None, 0.004)])
def test_a_simulated_short_needs_that_margin(lvr_quote: float | None, wobble: float) -> None:
    """Rebalanced at 100,000 points to the edge: straight, and wobbling, where the LVR on the way is lost as well."""
    noise = np.random.default_rng(3).standard_normal(100_000) * wobble
    noise[0] = noise[-1] = 0
    prices = np.clip(np.linspace(PRICE, UPPER, len(noise)) * (1 + noise), 1600, UPPER)
    roots = np.sqrt(prices)
    short = LIQUIDITY * (1 / roots - 1 / math.sqrt(UPPER))
    lost = float((short[:-1] * np.diff(prices)).sum())
    on_the_way = float((LIQUIDITY * np.diff(roots) ** 2 / roots[:-1]).sum())
    expected = rebalanced_short_loss(PRICE, UPPER, *AT, on_the_way if lvr_quote is None else lvr_quote)
    assert lost == pytest.approx(expected, rel=1e-4)


def test_the_formulas_cost_nothing_to_import() -> None:
    """`check` and `init` need them, and neither numpy nor numba."""
    asked = "import sys, core.replay.theory.lvr; print(sorted({'numpy', 'numba', 'decimal'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_volatility_is_that_of_the_closes() -> None:
    """A price that moves by 0.1 % each minute has 3.79 % a day; a handful of minutes says nothing."""
    closes = [100 * math.exp(0.001 * (minute % 2)) for minute in range(1441)]
    assert realised_sigma_per_day(closes, 60) == pytest.approx(0.001 * math.sqrt(1440))
    assert realised_sigma_per_day(closes, 3600) == pytest.approx(0.001 * math.sqrt(24))
    assert realised_sigma_per_day(closes[:60], 60) is None
