"""What happens between decision and account in a replay: fills, slices, quotes, funding, liquidation, answers."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.hedging.kernel_types import Memory
from core.hedging.states import Reason, State
from core.replay import simulation
from core.replay.compiled import can_compile, loop
from core.replay.path import Path, part_of
from core.replay.replay import replay
from core.replay.setup import Costs, Setup, begun_hedged
from core.replay.tally import Tally, empty_tally
from tests.replay.paths import FREE, MINUTE_MS, POSITION, START_MS, path_of, setup_with, walk

DEAR = Costs(half_spread_bps=1.0, impact_bps=2.0)
LIMITED = {"max_slippage_bps": 11, "urgent_band_multiple": 0}
CONFIGURATIONS: Mapping[str, Mapping[str, object]] = {
    "market": {},
    "edge": {"rebalance_to": "edge", "delta_hysteresis_quote": 200},
    "slices": {"twap_over_quote": 300, "twap_duration_seconds": 90},
    "quotes": {"order_type": "post_only"},
    "quotes or nothing": {"order_type": "post_only", "fallback": "none"},
    "limit": {"order_type": "limit", "max_slippage_bps": 2},
    "approvals": {"approval_over_quote": 800},
    "clock": {"force_rebalance_seconds": 600, "out_of_range_seconds": 60},
    "capped": {"max_hedge_notional": 400, "max_per_hour": 5},
}


def counted(path: Path, setup: Setup, run: object) -> tuple[Tally, object]:
    tally = empty_tally(start_ms=START_MS, fills=500, curve_points=50, states=len(State), reasons=max(Reason) + 1)
    assert callable(run)
    return tally, run(path, setup, Memory(), tally)


@pytest.mark.skipif(not can_compile(), reason="numba is not installed")
@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_compiled_and_interpreted_are_one(name: str) -> None:
    """Every count, sum, fill and point of the curve, bit for bit but for the last of a logarithm."""
    path, setup = walk(5, 700), setup_with(CONFIGURATIONS[name], costs=DEAR, answer_s=45)
    (fast, ends), (slow, same_ends) = counted(path, setup, loop()), counted(path, setup, simulation.run)
    assert fast.counts.tolist() == slow.counts.tolist()
    assert ends == same_ends
    for quick, plain in zip(fast, slow, strict=True):
        np.testing.assert_allclose(quick, plain, rtol=1e-13, atol=1e-12)
    assert fast.counts.sum() > 700


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    name=st.sampled_from(sorted(CONFIGURATIONS)),
    sigma=st.sampled_from([0.0003, 0.003, 0.02]),
    balance=st.sampled_from([200, 8_000, 100_000]),
    answer_s=st.sampled_from([-1.0, 0.0, 700.0]),
)
def test_the_parts_add_up_whatever_happens(seed: int, name: str, sigma: float, balance: int, answer_s: float) -> None:
    """Against the position's worth and the account's equity; liquidations and questions that nobody answers too."""
    setup = setup_with(CONFIGURATIONS[name], costs=DEAR, balance=balance, answer_s=answer_s)
    path = walk(seed, 600, sigma=sigma)
    found = replay(path, setup, fills=True, curve_points=20)
    assert float(found.parts.net) == pytest.approx(float(found.curve["net"][-1]), abs=1e-6 * balance)
    assert sum(found.states.values()) == sum(found.reasons.values()) == found.end_ms - found.start_ms
    assert found.trades == len(found.fills)
    bought = float((found.fills["side"] * found.fills["quantity_base"]).sum())
    assert bought == pytest.approx(float(found.curve["perp_base"][-1]), abs=1e-9)


def test_a_replay_of_nothing_is_refused() -> None:
    """One point is no time."""
    with pytest.raises(ConfigurationError, match="at least two points"):
        replay(path_of([2000.0]), setup_with())


def test_the_first_look_hedges_and_the_band_holds_the_rest() -> None:
    """25 BASE are sold at once; moves within the band trade nothing, one beyond it does."""
    found = replay(path_of([2000, 2002, 2004, 2000, 2100, 2100]), setup_with(), fills=True)
    assert found.fills["quantity_base"][0] == pytest.approx(25)
    assert found.fills["time_ms"].tolist() == [START_MS, START_MS + 4 * MINUTE_MS]
    assert found.fills["side"].tolist() == [-1, 1]
    assert found.reasons[Reason.WITHIN_BAND] > 2 * MINUTE_MS


def test_a_replay_may_begin_with_its_short_in_place() -> None:
    """Nothing is traded for it, and the account adds up as ever."""
    setup = setup_with({"hedge_ratio": "0.8"}, costs=DEAR)
    setup = begun_hedged(setup)
    found = replay(path_of([2000, 2001, 2000]), setup, curve_points=3)
    assert found.trades == 0
    assert found.curve["perp_base"].tolist() == pytest.approx([-20] * 3, abs=0.001)
    assert float(replay(path_of([2000, 2010]), setup).parts.hedge) == pytest.approx(-200, abs=0.01)


def test_the_loss_of_a_hedged_step_is_that_of_the_theory() -> None:
    """From 2,000 to 1,800 in one step: -L (sqrt P1 - sqrt P0)^2 / sqrt P0 = -1,247.197988."""
    found = replay(path_of([2000, 1800]), setup_with())
    assert float(found.parts.lvr) == pytest.approx(-1247.197988, abs=1e-6)
    assert float(found.parts.net) == pytest.approx(-1247.197988, abs=0.2)  # 25 BASE but for a part of a step
    assert float(found.parts.impermanent_loss) == pytest.approx(-1247.197988, abs=1e-6)


def test_an_order_is_filled_where_the_price_has_got_to() -> None:
    """A quarter of the way to the next point when a quarter of the time is latency; slippage counts from arrival."""
    found = replay(path_of([2000, 1900, 1900]), setup_with(costs=FREE._replace(latency_ms=15_000)), fills=True)
    assert found.fills["price"][0] == pytest.approx(1975)
    assert found.fills["arrival_price"][0] == 2000
    assert float(found.parts.slippage) == pytest.approx(-25 * 25, rel=1e-3)


def test_spread_impact_and_fee_are_paid() -> None:
    """50,000 QUOTE at half a bp of spread, 1 bp of impact for 100,000, and 5 bps of fee."""
    found = replay(path_of([2000, 2000]), setup_with(costs=Costs(latency_ms=0)), fills=True)
    assert found.fills["price"][0] == pytest.approx(2000 * (1 - 1e-4))
    assert float(found.parts.slippage) == pytest.approx(-5, rel=1e-3)
    assert float(found.parts.commissions) == pytest.approx(-25, rel=1e-3)


def test_a_book_too_thin_is_taken_as_far_as_the_limit() -> None:
    """Over the limit only what costs less at the margin; the rest two seconds later, until it is done."""
    thin = Costs(latency_ms=0, half_spread_bps=1.0, impact_bps=100.0)
    found = replay(path_of([2000] * 3), setup_with(LIMITED, costs=thin), fills=True)
    assert found.fills["quantity_base"][0] * 2000 == pytest.approx(10 / 200 * 100_000, rel=1e-3)
    worst = 2000 * (1 - 11e-4)
    assert found.fills["price"].min() >= worst - 1e-9
    assert set(np.diff(found.fills["time_ms"])) == {2000}
    assert found.fills["quantity_base"].sum() == pytest.approx(25)


def test_funding_is_paid_at_its_hour_on_what_is_held_then() -> None:
    """Two payments on 25 BASE short, one before the start and one behind the end that are nobody's."""
    hours = [(-1000, 0.5), (90_000, 1e-4), (120_000, -2e-4), (999_000_000, 0.5)]
    found = replay(path_of([2000, 2000, 2100, 2100], funding=hours), setup_with({"delta_band_quote": 90_000}))
    assert found.trades == 0
    short = setup_with()
    found = replay(path_of([2000, 2000, 2000, 2000], funding=hours), short)
    assert float(found.parts.funding) == pytest.approx(25 * 2000 * (1e-4 - 2e-4), rel=1e-4)


def test_slices_are_spread_over_their_time() -> None:
    """50,000 QUOTE in twelve equal slices five seconds apart; nothing is left over."""
    twap = {"twap_over_quote": 1000, "twap_duration_seconds": 60, "twap_interval_seconds": 5, "urgent_band_multiple": 0}
    found = replay(path_of([2000] * 4), setup_with(twap), fills=True)
    assert found.trades == 12
    assert found.plans == 1
    assert (found.fills["time_ms"][-1] - START_MS) == 55_000
    assert found.fills["quantity_base"].sum() == pytest.approx(25)
    assert found.fills["quantity_base"].max() == pytest.approx(25 / 12, abs=0.001)


def test_what_a_setting_is_judged_by_knows_no_luck_of_slices() -> None:
    """The market runs away between slices: slippage tells it, the cost of trading is spread, impact and fee."""
    twap = {"twap_over_quote": 1000, "twap_duration_seconds": 60, "urgent_band_multiple": 0}
    costs = FREE._replace(taker_rate=0.0005, half_spread_bps=2.0)
    found = replay(path_of([1500, 1490, 1490]), setup_with(twap, costs=costs))  # below the range: the need stays
    turnover = float(found.parts.turnover)
    assert float(found.parts.slippage) < -3e-3 * turnover / 2
    assert found.trading_cost_quote == pytest.approx(turnover * 7e-4, rel=1e-3)


def test_a_plan_in_slices_does_less_when_less_is_needed() -> None:
    """The price rises while it runs: what is sold in the end fits the exposure of the end."""
    twap = {"twap_over_quote": 1000, "twap_duration_seconds": 60, "twap_interval_seconds": 5, "urgent_band_multiple": 0}
    found = replay(path_of([2000, 2200, 2200]), setup_with(twap), fills=True)
    sold = (found.fills["side"] * found.fills["quantity_base"]).sum()
    assert -sold == pytest.approx(13.9797829585, abs=0.2)
    assert -sold < 25


def test_a_quote_waits_for_the_market_to_come() -> None:
    """The price rises to the ask: sold as a maker at the ask quoted. Below the range, where the need stays as it is."""
    costs = FREE._replace(maker_rate=0.0002, half_spread_bps=5.0)
    quotes = {"order_type": "post_only", "urgent_band_multiple": 0}
    found = replay(path_of([1500, 1530, 1530]), setup_with(quotes, costs=costs), fills=True)
    assert found.fills["is_maker"].tolist() == [True]
    assert found.fills["price"][0] == pytest.approx(1500 * (1 + 5e-4))
    assert float(found.parts.slippage) > 0


@pytest.mark.parametrize(("fallback", "sold"), [("market", 25.0), ("none", 0.0)])
def test_a_quote_that_nobody_takes_has_its_time(fallback: str, sold: float) -> None:
    """The price falls away: after twenty seconds the rest is taken at the market, or given up."""
    quotes = {"order_type": "post_only", "fallback": fallback, "urgent_band_multiple": 0}
    found = replay(path_of([2000, 1990]), setup_with(quotes, costs=FREE._replace(half_spread_bps=1.0)), fills=True)
    assert found.fills["quantity_base"].sum() == pytest.approx(sold, abs=0.5)
    if sold:
        assert not found.fills["is_maker"].any()
        assert found.fills["time_ms"][0] - START_MS >= 20_000


def test_a_short_without_margin_is_liquidated_and_not_rebuilt_unasked() -> None:
    """At the bar's high; the fund takes its fee; hedging waits for a person to adopt what happened."""
    path = path_of([2000, 2000, 2000, 2000, 2000], high=[2000, 2000, 2600, 2000, 2000])
    lean = {"min_liquidation_distance_pct": 0, "deleverage_below_pct": 0}
    found = replay(path, setup_with(lean, balance=11_000, answer_s=-1), fills=True)
    assert found.risk.liquidations == 1
    assert 2000 < found.fills["price"][1] < 2600
    assert found.trades == 2
    assert float(found.parts.other) < 0
    assert found.reasons[Reason.POSITION_MISMATCH] == 2 * MINUTE_MS
    back = replay(path, setup_with(lean, balance=30_000, answer_s=60), fills=True)
    assert back.risk.margin_low_quote < 30_000


def test_a_question_waits_for_its_answer() -> None:
    """Ten minutes of AWAITING_APPROVAL, then the whole; with nobody there the exposure stays open."""
    asks = {"approval_over_quote": 1000, "approval_timeout_seconds": 3600}
    found = replay(path_of([2000] * 30), setup_with(asks, answer_s=600), fills=True)
    assert found.states[State.AWAITING_APPROVAL] == 600_000
    assert found.fills["time_ms"].tolist() == [START_MS + 600_000]
    nobody = replay(path_of([2000] * 30), setup_with(asks, answer_s=-1), fills=True)
    assert nobody.trades == 0
    assert nobody.exposure.rms_base == pytest.approx(25)


def test_a_look_comes_before_its_time_when_the_price_has_moved() -> None:
    """Polls an hour apart, and still the band is seen to be left within a minute; not when nothing stirs."""
    rare = setup_with({"poll_seconds": 3600})
    path = path_of([2000, 2000, 1900, 1900, 1900])
    assert replay(path, rare).trades == 2
    deaf = rare._replace(conduct=rare.conduct._replace(stirs=False))
    assert replay(path, deaf).trades == 1


def test_fees_come_by_share_and_part_of_the_way() -> None:
    """A tenth of the liquidity gets a tenth; of a bar half outside the range, half of that; APR only while inside."""
    path = path_of([2000, 2000, 2000])
    logs = np.log(np.array([2000.0, 2000.0, 2500.0]))
    path = path._replace(
        fee_quote=np.array([0.0, 100.0, 100.0]),
        pool_liquidity=np.full(3, 9 * POSITION.liquidity),
        pool_low=logs,
        pool_high=logs + np.array([0.0, 0.0, math.log(2)]),
    )
    found = replay(path, setup_with())
    assert float(found.parts.lp_fees) == pytest.approx(10.0)
    path = path._replace(pool_low=np.log(np.array([2000.0, 2000.0, 2250.0])))
    inside = math.log(2500 / 2250) / math.log(5000 / 2250)
    assert float(replay(path, setup_with()).parts.lp_fees) == pytest.approx(10 + 10 * inside)
    apr = replay(path_of([2000] * 1441), setup_with(costs=FREE._replace(fee_apr=0.365)))
    assert float(apr.parts.lp_fees) == pytest.approx(100_000 * 0.365 / 365, rel=1e-6)


def test_parts_of_a_path_keep_their_own_funding() -> None:
    """Two halves pay together what the whole pays."""
    path = walk(3, 2000)
    first, second = part_of(path, 0, 1000), part_of(path, 999, 2000)
    assert len(first.funding_ms) + len(second.funding_ms) == (path.funding_ms > path.time_ms[0]).sum()
    assert first.time_ms[-1] == second.time_ms[0]
