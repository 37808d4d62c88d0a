"""Amounts, delta, gamma and the loss of a step: the check values, the limits, and the contracts' own integers."""

from __future__ import annotations

import math
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from core.amm.amounts import burn_amounts
from core.amm.prices import PairOrder, sqrt_from_price
from core.replay.theory.position import amounts, gamma, hedged_step, liquidity_of_value, value
from tests.replay.reference import AT, LIQUIDITY, LOWER, PRICE, UPPER

PRICES = st.floats(400, 10_000)


@pytest.mark.parametrize(
    ("price", "base", "quote"),
    [
        (2000, 25, 50000),
        (1800, 37.8093004965, 25696.06111861),
        (2200, 13.9797829585, 73116.20228373),
        (1600, 52.9508497187, 0),
        (1000, 52.9508497187, 0),
        (2500, 0, 105901.69943749),
        (4000, 0, 105901.69943749),
    ],
)
def test_amounts(price: float, base: float, quote: float) -> None:
    """To the digits of the table."""
    found = amounts(price, *AT)
    assert found[0] == pytest.approx(base, abs=5e-11)
    assert found[1] == pytest.approx(quote, abs=5e-9)


@pytest.mark.parametrize(("price", "worth"), [(2000, 100_000), (1800, 93752.80201223), (3000, 105901.69943749)])
def test_value_and_the_liquidity_of_a_value(price: float, worth: float) -> None:
    """One is the other's inverse, out of range too."""
    assert value(price, *AT) == pytest.approx(worth, abs=5e-9)
    assert liquidity_of_value(worth, price, LOWER, UPPER) == pytest.approx(LIQUIDITY, rel=1e-12)


def test_gamma_and_what_a_move_of_one_percent_loses() -> None:
    """-0.0592008497 BASE per QUOTE; 20 away the loss is 11.84."""
    here = gamma(PRICE, *AT)
    assert here == pytest.approx(-0.0592008497, abs=5e-11)
    assert here / 2 * 20**2 == pytest.approx(-11.84, abs=5e-3)
    assert gamma(1500, *AT) == gamma(2500, *AT) == gamma(3000, *AT) == 0


@pytest.mark.parametrize(
    ("then", "loss"),
    [(1800, -1247.197988), (2200, -1128.275208), (2500, -6598.300563), (3000, -19098.300563)],
)
def test_the_loss_of_one_step(then: float, loss: float) -> None:
    """To the digits of the table, in range and beyond it."""
    assert hedged_step(PRICE, then, *AT) == pytest.approx(loss, abs=5e-7)


@given(PRICES)
def test_delta_is_the_slope_of_value_and_gamma_that_of_delta(price: float) -> None:
    """Below, in and above the range."""
    assume(abs(price - LOWER) > 1 and abs(price - UPPER) > 1)
    step = 1e-3
    slope = (value(price + step, *AT) - value(price - step, *AT)) / (2 * step)
    assert slope == pytest.approx(amounts(price, *AT)[0], abs=1e-5)
    bend = (amounts(price + step, *AT)[0] - amounts(price - step, *AT)[0]) / (2 * step)
    assert bend == pytest.approx(gamma(price, *AT), abs=1e-7)


@pytest.mark.parametrize("edge", [LOWER, UPPER])
def test_value_is_continuous_at_the_edges(edge: float) -> None:
    """Neither value nor delta jumps."""
    below, above = edge * (1 - 1e-12), edge * (1 + 1e-12)
    assert value(below, *AT) == pytest.approx(value(above, *AT), rel=1e-10)
    assert amounts(below, *AT)[0] == pytest.approx(amounts(above, *AT)[0], abs=1e-8)


@given(PRICES, PRICES)
def test_one_step_is_the_direct_recomputation_and_never_a_gain(price: float, then: float) -> None:
    """V1 - V0 - x0 (P1 - P0), from wherever to wherever."""
    found = hedged_step(price, then, *AT)
    direct = value(then, *AT) - value(price, *AT) - amounts(price, *AT)[0] * (then - price)
    assert found == pytest.approx(direct, abs=1e-7)
    assert found <= 1e-7


@given(st.floats(1601, 2499), st.floats(1e-4, 1e-2))
def test_a_small_step_loses_half_gamma_times_its_square(price: float, share: float) -> None:
    """The second order term is all there is of a small move."""
    then = min(price * (1 + share), UPPER)
    assert hedged_step(price, then, *AT) == pytest.approx(gamma(price, *AT) / 2 * (then - price) ** 2, rel=2 * share)


@given(PRICES, st.floats(0.01, 100))
def test_all_scale_with_liquidity(price: float, times: float) -> None:
    """Twice the liquidity is twice the position."""
    more = (LOWER, UPPER, LIQUIDITY * times)
    assert amounts(price, *more) == pytest.approx([each * times for each in amounts(price, *AT)])
    assert gamma(price, *more) == pytest.approx(gamma(price, *AT) * times)


def test_the_full_range_is_the_constant_product() -> None:
    """Without edges x y = L^2 and half of the value is BASE."""
    base, quote = amounts(PRICE, 0.0, math.inf, LIQUIDITY)
    assert base * quote == pytest.approx(LIQUIDITY**2)
    assert base * PRICE == pytest.approx(quote)


@given(PRICES)
def test_the_contracts_integers_agree(price: float) -> None:
    """The exact amounts of 18 digit tokens, to the digits of a float."""
    order = PairOrder(True, 18, 18)
    low, high = (sqrt_from_price(Decimal(edge), order) for edge in (1600, 2500))
    exact = order.base_quote(*burn_amounts(sqrt_from_price(Decimal(price), order), low, high, int(LIQUIDITY * 10**18)))
    found = amounts(price, *AT)
    assert found[0] == pytest.approx(float(exact[0]), abs=1e-10)
    assert found[1] == pytest.approx(float(exact[1]), abs=1e-7)
