"""Step 9: is a trade wanted, and step 13: how much of it."""

from __future__ import annotations

import pytest

from core.hedging.kernel_types import Latch, Since
from core.hedging.states import LpState, Reason, Request
from tests.hedging.givens import MINUTE_MS, NOW_MS, after_fill, decide, facts, gap, memory, policy, said


def test_nothing_missing_nothing_done():
    """No gap: ready."""
    decision = decide(facts(), policy(), memory())
    assert (said(decision), decision.quantity_steps, decision.gap_base) == ("READY(within_band)", 0, 0)


def test_the_larger_band_decides():
    """Every band must be exceeded: 2 % of the LP value is 2000 here, the 50 QUOTE band alone starts nothing."""
    assert said(decide(gap("-0.999"), policy(), memory())) == "READY(within_band)"
    decision = decide(gap("-1"), policy(), memory())
    assert (said(decision), decision.quantity_steps) == ("ADJUSTING(band_exceeded)", -1000)
    assert decision.band_quote == 2000


def test_the_threshold_in_base_is_exceeded_strictly():
    """`hedge_threshold` is passed, not met; the bands in QUOTE are met."""
    only = policy(threshold_base="1", band_quote="0", band_pct="0")
    assert said(decide(gap("-1"), only, memory())) == "READY(within_band)"
    assert said(decide(gap("-1.001"), only, memory())) == "ADJUSTING(band_exceeded)"


def test_a_short_too_large_is_bought_back():
    """A positive gap buys, reduce-only."""
    decision = decide(gap("2"), policy(), memory())
    assert (decision.quantity_steps, decision.reduce_only) == (2000, True)


def test_the_target_is_taken_on_the_exposure_before_the_hedge():
    """With a ratio of 0.5 the short is half the exposure and stays there: the perp is not inside the target."""
    half = policy(hedge_ratio="0.5")
    first = decide(facts(perp=0), half, memory())
    assert first.quantity_steps == -12_500
    assert said(decide(after_fill(facts(perp=0), first), half, first.memory)) == "READY(within_band)"


def test_the_hedge_never_goes_long():
    """A negative exposure calls for no short at all, not for a long."""
    decision = decide(facts(net="-5"), policy(), memory())
    assert (decision.target_base, decision.quantity_steps) == (0, 25_000)


def test_a_capped_plan_stays_wanted_inside_the_band():
    """Latch: capped parts follow each other, without cooldown, until the plan is complete."""
    capped = policy(max_plan_quote="3000")
    now, mind, sold = gap("-2"), memory(), []
    for _ in range(4):
        decision = decide(now, capped, mind)
        sold.append(decision.quantity_steps)
        now = after_fill(now, decision)
        mind = decision.memory._replace(last_rebalance_ms=now.now_ms)
    assert sold == [-1500, -500, 0, 0]
    assert said(decision) == "READY(within_band)"


def test_a_latched_plan_is_not_extended():
    """What grew after the plan began is the next plan's; what shrank is left out."""
    begun = memory(latch=Latch(side=-1, to_steps=-24_800, reason=int(Reason.BAND_EXCEEDED), at_ms=NOW_MS))
    assert decide(gap("-1.9"), policy(), begun).quantity_steps == -1700
    assert decide(facts(perp="-24.5", net="24.9"), policy(), begun).quantity_steps == -300
    assert decide(facts(perp="-24.5", net="24.6"), policy(), begun).quantity_steps == -100


@pytest.mark.parametrize(
    ("latch_to", "base"),
    [(-24_500, "-0.5"), (-26_000, "0.5"), (-26_000, "-0.004"), (-24_504, "-0.5")],
    ids=["complete", "side flipped", "gap under minimum", "rest under minimum"],
)
def test_the_latch_ends(latch_to: int, base: str):
    """The latch ends when complete, overtaken, or too small to go on with; then the band rules again."""
    begun = memory(latch=Latch(side=-1, to_steps=latch_to, reason=int(Reason.BAND_EXCEEDED), at_ms=NOW_MS))
    decision = decide(gap(base), policy(), begun)
    assert (said(decision), decision.memory.latch.side) == ("READY(within_band)", 0)


def test_the_latch_survives_doubt():
    """Facts with a problem end no plan."""
    begun = memory(latch=Latch(side=-1, to_steps=-26_000, reason=int(Reason.BAND_EXCEEDED), at_ms=NOW_MS))
    doubtful = gap("9", chain_problem=int(Reason.STALE_CHAIN))
    assert decide(doubtful, policy(), begun).memory.latch == begun.latch


def test_no_latch_before_a_plan_begins():
    """A gap that waits in cooldown and goes back within the band is not traded later."""
    fresh = memory(last_rebalance_ms=NOW_MS - 1000)
    waiting = decide(gap("-1.5"), policy(), fresh)
    assert (said(waiting), waiting.memory.latch.side) == ("COOLDOWN(cooldown)", 0)
    later = gap("-0.5", now_ms=NOW_MS + MINUTE_MS)
    assert said(decide(later, policy(), waiting.memory)) == "READY(within_band)"


def test_rebalancing_to_the_edge_leaves_the_hysteresis():
    """`rebalance_to = "edge"` trades back to half the band by default, or to the configured hysteresis."""
    assert decide(gap("-2"), policy(to_edge=True), memory()).quantity_steps == -1500
    assert decide(gap("-2"), policy(to_edge=True, hysteresis_quote="400"), memory()).quantity_steps == -1800


def test_the_edge_is_a_resting_point():
    """After the trade to the edge nothing more is wanted."""
    to_edge = policy(to_edge=True)
    decision = decide(gap("-2"), to_edge, memory())
    assert said(decide(after_fill(gap("-2"), decision), to_edge, decision.memory)) == "READY(within_band)"


def test_force_after_the_interval():
    """`force_rebalance_seconds` after the last rebalance a gap inside the band is closed, to the target."""
    hourly = policy(force_ms=60 * MINUTE_MS, to_edge=True)
    assert said(decide(gap("-0.5"), hourly, memory(last_rebalance_ms=NOW_MS - MINUTE_MS))) == "READY(within_band)"
    decision = decide(gap("-0.5"), hourly, memory())
    assert (said(decision), decision.quantity_steps) == ("ADJUSTING(force_interval)", -500)


def test_out_of_range_trades_once_per_excursion():
    """All positions out of range for the configured time: one trade, then none until the price was back in range."""
    out = {"lp_state": int(LpState.OUT_OF_RANGE)}
    since = memory(since=Since(out_ms=NOW_MS - 5 * MINUTE_MS))
    first = decide(gap("-0.5", **out), policy(), since)
    assert (said(first), first.quantity_steps) == ("ADJUSTING(out_of_range)", -500)
    again = decide(gap("-0.5", now_ms=NOW_MS + MINUTE_MS, **out), policy(), first.memory._replace(latch=Latch()))
    assert said(again) == "READY(within_band)"
    back = decide(facts(), policy(), again.memory)
    assert (back.memory.since.out_ms, back.memory.since.out_traded) == (0, False)


def test_out_of_range_waits_its_time():
    """Just left the range: the clock starts, nothing is traded."""
    decision = decide(gap("-0.5", lp_state=int(LpState.OUT_OF_RANGE)), policy(), memory())
    assert (said(decision), decision.memory.since.out_ms) == ("READY(within_band)", NOW_MS)


def test_moving_liquidity_keeps_the_excursion():
    """An increase of liquidity during an excursion does not start its clock anew."""
    out = memory(since=Since(out_ms=5, out_traded=True))
    assert decide(facts(lp_state=int(LpState.OPENING)), policy(), out).memory.since == out.since


def test_the_clock_alone_does_not_make_crumbs_worth_naming():
    """Out of range or overdue with nothing worth trading: within the band, as it is."""
    out = facts(lp_state=int(LpState.OUT_OF_RANGE), net="0", perp=0)
    since = memory(since=Since(out_ms=NOW_MS - 5 * MINUTE_MS))
    assert said(decide(out, policy(), since)) == "READY(within_band)"
    assert said(decide(gap("-0.004"), policy(force_ms=1), memory())) == "READY(within_band)"


PUSHED = {"pool_price": "2100", "net_base_pool": "20", "net_base_mark": "25"}


def test_a_pushed_pool_alone_trades_nothing():
    """Pool and mark disagree beyond the limit: a short between the two targets holds."""
    decision = decide(facts(**PUSHED), policy(), memory())
    assert (said(decision), decision.basis_bps) == ("READY(within_basis)", 500)
    assert said(decide(facts(perp=-22, **PUSHED), policy(), memory())) == "READY(within_basis)"


def test_a_crash_is_still_hedged_to_the_nearer_end():
    """Outside both targets the trade goes to the nearer one."""
    assert decide(facts(perp=-15, **PUSHED), policy(), memory()).quantity_steps == -5_000
    assert decide(facts(perp=-30, **PUSHED), policy(), memory()).quantity_steps == 5_000


def test_within_the_basis_limit_the_pool_decides():
    """An ordinary basis changes nothing."""
    near = facts(perp=-25, pool_price="2010", net_base_pool="22", net_base_mark="25")
    assert decide(near, policy(), memory()).quantity_steps == 3_000


def test_increases_need_the_effective_minimum():
    """What grows the short must be worth the minimum; a reduction need not."""
    fine = policy(band_quote="1", band_pct="0")
    assert said(decide(gap("-0.004"), fine, memory())) == "READY(below_min_notional)"
    assert decide(gap("-0.005"), fine, memory()).quantity_steps == -5
    assert decide(gap("0.004"), fine, memory()).quantity_steps == 4


def test_the_venues_smallest_quantity_counts():
    """An increase under the smallest quantity is below the minimum, a reduction under it below the step."""
    fine = policy(band_quote="1", band_pct="0", min_steps=100)
    assert said(decide(gap("-0.05"), fine, memory())) == "READY(below_min_notional)"
    assert said(decide(gap("0.05"), fine, memory())) == "READY(below_step)"


def test_less_than_a_step_is_left():
    """What rounds to no step is not traded."""
    fine = policy(band_quote="1", band_pct="0", step_base="0.01")
    assert said(decide(facts(perp_steps=-2500, net="25.0099"), fine, memory())) == "READY(below_step)"


def test_quantities_round_toward_less_trade():
    """Neither a sale nor a purchase is rounded up, and lots are whole."""
    assert decide(facts(net="27.0009"), policy(), memory()).quantity_steps == -2000
    assert decide(facts(net="22.9991"), policy(), memory()).quantity_steps == 2000
    assert decide(facts(net="27.009"), policy(lot_steps=10), memory()).quantity_steps == -2000


def test_a_long_is_closed_before_a_short_is_opened():
    """No trade crosses zero: an adopted long goes first, reduce-only, the short follows as the rest of the plan."""
    seen = facts(perp=5)
    first = decide(seen, policy(), memory())
    assert (first.quantity_steps, first.reduce_only) == (-5000, True)
    assert Reason(first.clipped_by) is Reason.ZERO_CROSSING
    then = decide(after_fill(seen, first), policy(), first.memory)
    assert (then.quantity_steps, then.reduce_only) == (-25_000, False)


def test_hedge_now_ignores_the_band_only():
    """/hedge trades to the target inside the band, through cooldown, hourly limit and snooze, but not past doubt."""
    asked = gap("-0.5", request=int(Request.HEDGE), rebalances_last_hour=99)
    decision = decide(asked, policy(to_edge=True), memory(last_rebalance_ms=NOW_MS))
    assert (said(decision), decision.quantity_steps, decision.approved) == ("ADJUSTING(operator_hedge)", -500, True)
    stale = asked._replace(chain_problem=int(Reason.STALE_CHAIN))
    assert said(decide(stale, policy(), memory())) == "SUSPENDED(stale_chain)"


@pytest.mark.parametrize(
    ("limits", "sold", "why"),
    [
        ({"max_plan_quote": "3000"}, -1500, Reason.MAX_PLAN),
        ({"max_steps": 700}, -700, Reason.MAX_ORDER),
        ({"max_plan_quote": "3000", "max_steps": 1600}, -1500, Reason.MAX_PLAN),
    ],
)
def test_caps_clip_and_say_so(limits: dict[str, object], sold: int, why: Reason):
    """A cap cuts the plan and never blocks it; the whole need stays visible."""
    decision = decide(gap("-2"), policy(**limits), memory())
    assert (decision.quantity_steps, decision.wanted_steps, Reason(decision.clipped_by)) == (sold, -2000, why)
