"""What single things cost in a replay, each worked out by hand on a market of a few points."""

from __future__ import annotations

import numpy as np
import pytest

from core.hedging.states import Reason
from core.replay.path import Path
from core.replay.replay import replay
from core.replay.setup import Costs
from tests.replay.paths import FREE, MINUTE_MS, POSITION, path_of, setup_with

# All the BASE that the range can hold: L (1/40 - 1/50). Below the range the exposure does not move.
EDGE_BASE = 52.9508497187
SLICES = {"twap_over_quote": 1000, "twap_duration_seconds": 60, "twap_interval_seconds": 30, "urgent_band_multiple": 0}
QUOTES = {"order_type": "post_only", "urgent_band_multiple": 0}


def test_funding_is_on_the_mark_of_its_moment() -> None:
    """Halfway from 2,000 to 2,100: 25 BASE short at 2,050 and 1 bp receive 5.125."""
    found = replay(path_of([2000, 2000, 2100], funding=[(90_000, 1e-4)]), setup_with())
    assert float(found.parts.funding) == pytest.approx(5.125, rel=1e-6)


def test_a_slice_within_a_bar_is_filled_where_the_price_has_got_to() -> None:
    """From 1,500 to 1,530 in a minute, slices at 0 s and 30 s, six seconds late: 1,503 and 1,518."""
    path = path_of([1500, 1530, 1530])
    found = replay(path, setup_with(SLICES, costs=FREE._replace(latency_ms=6000)), fills=True)
    assert found.fills["price"].tolist() == pytest.approx([1503, 1518])
    half = EDGE_BASE / 2
    assert float(found.parts.slippage) == pytest.approx(half * 3 + half * 18, rel=1e-4)


def test_a_maker_and_a_taker_pay_each_their_own() -> None:
    """2 bps of what a resting quote sold, 5 bps of what was taken."""
    costs = FREE._replace(maker_rate=0.0002, taker_rate=0.0005)
    path = path_of([1500, 1530, 1530])
    quoted = replay(path, setup_with(QUOTES, costs=costs), fills=True)
    taken = replay(path, setup_with(costs=costs), fills=True)
    assert float(quoted.parts.commissions) == pytest.approx(-0.0002 * EDGE_BASE * 1500, rel=1e-4)
    assert float(taken.parts.commissions) == pytest.approx(-0.0005 * EDGE_BASE * 1500, rel=1e-4)
    assert quoted.fills["is_maker"].tolist() == [True]
    assert taken.fills["is_maker"].tolist() == [False]


@pytest.mark.parametrize(("price_type", "trades"), [("best_bid", 0), ("mid", 0), ("mark", 0), ("best_ask", 1)])
def test_the_gap_is_worth_what_its_price_says(price_type: str, trades: int) -> None:
    """25 BASE at half a spread of 5 bps: 49,975 at the bid, 50,000 at mid, 50,025 at the ask; band 50,010."""
    setup = setup_with({"price_type": price_type, "delta_band_quote": 50_010}, costs=FREE._replace(half_spread_bps=5.0))
    assert replay(path_of([2000, 2000]), setup).trades == trades


@pytest.mark.parametrize(("multiple", "sold_quote"), [(0, 5_000), (3, 19_500)])
def test_what_is_urgent_may_cost_more(multiple: int, sold_quote: int) -> None:
    """A book of 1 bp and 100 bps a 100,000: 10 bps of room buy 5,000, 39 bps buy 19,500 of a gap of 100 bands."""
    limits = {"max_slippage_bps": 11, "urgent_slippage_bps": 40, "urgent_band_multiple": multiple}
    thin = Costs(latency_ms=0, half_spread_bps=1.0, impact_bps=100.0)
    found = replay(path_of([2000, 2000]), setup_with(limits, costs=thin), fills=True)
    assert found.fills["quantity_base"][0] * 2000 == pytest.approx(sold_quote, abs=2)


def apart(pool: list[float], mark: list[float]) -> Path:
    prices = np.array(pool, dtype=float)
    return path_of(mark)._replace(pool=prices, pool_low=np.log(prices), pool_high=np.log(prices))


def test_pool_and_mark_apart_call_for_the_smaller_hedge() -> None:
    """2 % apart from the start: what the pool would hold at the mark, L (1/sqrt 2,040 - 1/50) = 22.667, is sold."""
    found = replay(apart([2000] * 3, [2040] * 3), setup_with({"max_basis_bps": 100}), fills=True)
    at_mark = POSITION.liquidity * (2040**-0.5 - 1 / 50)
    assert found.fills["quantity_base"].tolist() == pytest.approx([at_mark], abs=0.001)
    assert at_mark == pytest.approx(22.667, abs=0.001)


def test_a_short_between_pool_and_mark_rests() -> None:
    """Hedged at 2,010; then the pool goes to 2,000 and the mark to 2,040: a gap over 500 QUOTE, and nothing is done."""
    path = apart([2010, 2010, 2000, 2000, 2000], [2010, 2010, 2040, 2040, 2040])
    found = replay(path, setup_with({"max_basis_bps": 100}))
    assert found.trades == 1
    assert found.reasons[Reason.WITHIN_BASIS] == 2 * MINUTE_MS
    assert replay(path, setup_with({"max_basis_bps": 0})).trades == 2


def test_an_apr_is_earned_in_range_alone() -> None:
    """Half a day inside and half a day above: 721 of 1,440 minutes begin inside."""
    costs = FREE._replace(fee_apr=0.365)
    inside = float(replay(path_of([2000.0] * 1441), setup_with(costs=costs)).parts.lp_fees)
    both = float(replay(path_of([2000.0] * 721 + [2600.0] * 720), setup_with(costs=costs)).parts.lp_fees)
    assert inside == pytest.approx(100, rel=1e-3)
    # Half of what was earned is BASE, which has gained 30 % at the last of these minutes.
    last = inside / 1440 * 0.5 * 0.3
    assert both == pytest.approx(inside * 721 / 1440 + last, rel=1e-9)


def test_nothing_is_earned_outside() -> None:
    """Below the range and, as a tick is, at its upper edge itself."""
    costs = FREE._replace(fee_apr=0.365)
    for price in (1500.0, 2500.0):
        assert float(replay(path_of([price] * 10), setup_with(costs=costs)).parts.lp_fees) == 0


@pytest.mark.parametrize(("timeout_s", "trades"), [(90, 1), (300, 2)])
def test_an_approval_ends(timeout_s: int, trades: int) -> None:
    """25 BASE are allowed after a minute, when 23.8 are left; the rest, needed at 120 s, while it lasts."""
    asks = {"approval_over_quote": 1000, "approval_timeout_seconds": timeout_s, "twap_duration_seconds": 0}
    found = replay(path_of([2000, 2020, 2000]), setup_with(asks, answer_s=60), fills=True)
    assert found.trades == trades
    needed = POSITION.liquidity * (2020**-0.5 - 1 / 50)
    assert found.fills["quantity_base"].tolist() == pytest.approx([needed, 25 - needed][:trades], abs=0.002)


def test_margin_is_worked_out_by_hand() -> None:
    """25 BASE short at 2,000 with 50,000: a fifth of 50,000 is bound; gone at (50,000 + 50,000 + 50) / (25 * 1.005)."""
    found = replay(path_of([2000.0] * 4), setup_with(balance=50_000))
    assert found.risk.available_low_quote == pytest.approx(40_000, abs=1)
    away_pct = (100_050 / (25 * 1.005) / 2000 - 1) * 100
    assert found.risk.liquidation_distance_low_pct == pytest.approx(away_pct, abs=0.01)


def test_the_fund_takes_its_fee_of_a_liquidated_short() -> None:
    """One tier of 5 %: 25 BASE closed at 61,000 / (25 * 1.05) = 2,323.81; 1.25 % of that is taken."""
    lean = {"min_liquidation_distance_pct": 0, "deleverage_below_pct": 0}
    setup = setup_with(lean, balance=11_000, answer_s=-1)
    strict = setup.account._replace(tier_floor=np.zeros(1), tier_rate=np.array([0.05]), tier_deduction=np.zeros(1))
    path = path_of([2000] * 4, high=[2000, 2000, 2600, 2000])
    found = replay(path, setup._replace(account=strict), fills=True)
    assert found.risk.liquidations == 1
    assert found.fills["price"][1] == pytest.approx(2323.81, rel=1e-4)
    assert float(found.parts.other) == pytest.approx(-0.0125 * 61_000 / 1.05, rel=1e-4)


def test_the_residual_in_quote_is_at_its_own_moment() -> None:
    """Nothing is traded: 25 BASE at 2,000 for a minute, 13.98 at 2,200 for the next, root of the mean square."""
    found = replay(path_of([2000, 2200, 2200]), setup_with({"delta_band_quote": 90_000}))
    assert found.trades == 0
    first, second = 25.0, POSITION.liquidity * (2200**-0.5 - 1 / 50)
    assert found.exposure.rms_base == pytest.approx(((first**2 + second**2) / 2) ** 0.5, rel=1e-9)
    quote = (((first * 2000) ** 2 + (second * 2200) ** 2) / 2) ** 0.5
    assert found.exposure.rms_quote == pytest.approx(quote, rel=1e-9)
