"""Steps 10 to 12: snooze, cooldown, the hourly limit, and the room that margin and caps leave."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.hedging.kernel_types import Latch, Snooze
from core.hedging.states import Action, Reason
from tests.hedging.givens import MINUTE_MS, NOW_MS, decide, done, facts, gap, memory, policy, said

JUST_NOW = memory(last_rebalance_ms=NOW_MS - 29_999)
SNOOZED = memory(snooze=Snooze(side=-1, until_ms=NOW_MS + MINUTE_MS, steps=1500))


def test_cooldown_after_a_rebalance():
    """Within the cooldown an ordinary gap waits."""
    assert said(decide(gap("-1.5"), policy(), JUST_NOW)) == "COOLDOWN(cooldown)"
    assert said(decide(gap("-1.5", now_ms=NOW_MS + 1), policy(), JUST_NOW)) == "ADJUSTING(band_exceeded)"


@pytest.mark.parametrize(
    "exempt",
    [
        gap("1.5"),
        gap("-3"),
        gap("-1.5", granted_side=-1, granted_left_steps=1500),
    ],
    ids=["a reduction", "an urgent gap", "what was approved"],
)
def test_what_does_not_wait_for_cooldown_or_the_hourly_limit(exempt):
    """Reductions, urgent gaps and approved plans pass both, up to twice the hourly limit."""
    assert said(decide(exempt._replace(rebalances_last_hour=59), policy(), JUST_NOW)).startswith("ADJUSTING")
    assert said(decide(exempt._replace(rebalances_last_hour=60), policy(), JUST_NOW)) == "SUSPENDED(max_per_hour)"


def test_the_rest_of_a_plan_does_not_wait():
    """Cooldown does not hold up an unfinished plan."""
    begun = JUST_NOW._replace(latch=Latch(-1, -26_000, int(Reason.BAND_EXCEEDED), NOW_MS))
    assert decide(gap("-1"), policy(), begun).quantity_steps == -1000


def test_closes_do_not_wait():
    """A close on disable is not held up by cooldown or the hourly limit."""
    closing = policy(enabled=False, close_on_disable=True)
    assert said(decide(gap("0", rebalances_last_hour=59), closing, JUST_NOW)) == "ADJUSTING(close_on_disable)"


def test_the_hourly_limit():
    """As many rebalances as allowed within the hour: suspended; 0 means no limit."""
    assert said(decide(gap("-1.5", rebalances_last_hour=30), policy(), memory())) == "SUSPENDED(max_per_hour)"
    assert said(decide(gap("-1.5", rebalances_last_hour=29), policy(), memory())) == "ADJUSTING(band_exceeded)"
    assert said(decide(gap("-1.5", rebalances_last_hour=99), policy(max_per_hour=0), memory())).startswith("ADJUSTING")


def test_nothing_is_urgent_when_urgency_is_off():
    """`urgent_band_multiple = 0` exempts nothing."""
    assert said(decide(gap("-20"), policy(urgent_multiple="0"), JUST_NOW)) == "COOLDOWN(cooldown)"


def test_a_rejected_side_rests():
    """After a rejection that side is not traded until the snooze ends; the other side is."""
    assert said(decide(gap("-1.5"), policy(), SNOOZED)) == "READY(snoozed)"
    assert said(decide(gap("-1.5", now_ms=NOW_MS + MINUTE_MS), policy(), SNOOZED)) == "ADJUSTING(band_exceeded)"
    assert said(decide(gap("1.5"), policy(), SNOOZED)) == "ADJUSTING(band_exceeded)"


def test_twice_what_was_rejected_asks_again():
    """The snooze ends early at twice the rejected size, and then it asks even below the approval limit."""
    asking = policy(approvals=True, approval_over_quote="100000")
    assert said(decide(gap("-2.999"), asking, SNOOZED)) == "READY(snoozed)"
    assert done(decide(gap("-3"), asking, SNOOZED)) is Action.ASK


def test_the_available_balance_limits_an_increase():
    """An increase takes initial margin and fee from what is free above the reserves."""
    poor = gap("-10", available_quote="1510", reserved_quote="300")
    decision = decide(poor, policy(min_available_quote="200"), memory())
    assert (decision.quantity_steps, Reason(decision.clipped_by)) == (-10_000, Reason.NONE)
    poorer = poor._replace(available_quote=poor.available_quote - 510)
    decision = decide(poorer, policy(min_available_quote="200"), memory())
    assert (decision.quantity_steps, Reason(decision.clipped_by)) == (-4950, Reason.LOW_MARGIN)


def test_no_margin_suspends():
    """Nothing free: suspended, and the decision says how much was wanted."""
    decision = decide(gap("-10", available_quote="0"), policy(), memory())
    assert (said(decision), decision.wanted_steps) == ("SUSPENDED(low_margin)", -10_000)


def test_an_increase_keeps_its_distance_from_liquidation():
    """The largest short is the one whose liquidation price stays `min_liquidation_distance_pct` above the mark."""
    seen = gap("-10", margin_balance_quote="7000", maintenance_margin_quote="150")
    decision = decide(seen, policy(), memory())
    assert Reason(decision.clipped_by) is Reason.LOW_LIQUIDATION_DISTANCE
    size = -(seen.perp_steps + decision.quantity_steps) * policy().step_base
    equity = seen.margin_balance_quote + decision.quantity_steps * policy().step_base * 2000 * seen.fee_rate
    liquidation = (equity + size * 2000) / (size * (1 + seen.maintenance_rate))
    assert 2300 <= liquidation < 2301


def test_the_venues_own_liquidation_price_counts():
    """The venue says it is nearer than allowed: no increase; a price of 0 means none."""
    assert said(decide(gap("-10", liquidation_price="2290"), policy(), memory())) == "SUSPENDED(low_margin)"
    assert decide(gap("-10", liquidation_price="0"), policy(), memory()).quantity_steps == -10_000


ISOLATED = {"isolated": True, "liquidation_price": "2089.55"}  # 2100 / 1.005: leverage 20 at 2000


def test_an_isolated_short_is_not_bought_back_for_nothing():
    """A part closed frees its own margin, and the rest is liquidated where it was: only added margin helps."""
    near = facts(**ISOLATED)
    assert done(decide(near, policy(deleverage_pct="10"), memory())) is Action.HOLD
    assert done(decide(near._replace(isolated=False), policy(deleverage_pct="10"), memory())) is Action.ADJUST


def test_an_isolated_increase_brings_its_own_margin():
    """At leverage 5 any size is far enough away; at 20 as much as what is put aside already can back at 15 %."""
    assert (
        decide(
            gap("-10", **ISOLATED | {"initial_rate": "0.2", "liquidation_price": "2400"}), policy(), memory()
        ).quantity_steps
        == -10_000
    )
    assert said(decide(gap("-10", **ISOLATED), policy(), memory())) == "SUSPENDED(low_margin)"
    added = -decide(gap("-10", **ISOLATED | {"liquidation_price": "2350"}), policy(), memory()).quantity_steps
    short, more = Decimal(15), added * policy().step_base
    each = (short * (Decimal(2350) * Decimal("1.005") - 2000) + more * 100) / (short + more)
    assert 0 < added < 10_000
    assert 2300 <= (2000 + each) / Decimal("1.005") < Decimal("2300.1")


def test_increase_and_deleverage_cannot_alternate():
    """An increase never goes nearer than where deleveraging would stop, whatever the configuration says."""
    loose = policy(min_liquidation_pct="0", deleverage_pct="10")
    decision = decide(gap("-10", liquidation_price="2390"), loose, memory())
    assert said(decision) == "SUSPENDED(low_margin)"


def test_the_largest_position_clips_then_holds():
    """`max_position_notional` fills what is left of it and then suspends."""
    decision = decide(gap("-10"), policy(max_position_quote="32000"), memory())
    assert (decision.quantity_steps, Reason(decision.clipped_by)) == (-1000, Reason.AT_CAP)
    assert said(decide(gap("-10"), policy(max_position_quote="30000"), memory())) == "SUSPENDED(at_cap)"


def test_the_short_never_exceeds_what_the_liquidity_could_need():
    """Whatever the facts claim, the short stays within 1.02 times the BASE at the lower edges."""
    decision = decide(gap("0", net_base_pool="60", net_base_mark="60", edge_base="30"), policy(), memory())
    assert (decision.quantity_steps, Reason(decision.clipped_by)) == (-5600, Reason.LP_LIMIT)


def test_caps_and_margin_never_stop_a_reduction():
    """Over every limit at once, the short can still be bought back."""
    crowded = gap("10", available_quote="-5", margin_balance_quote="1", liquidation_price="2150", edge_base="0")
    assert decide(crowded, policy(max_position_quote="10"), memory()).quantity_steps == 10_000
