"""Steps 1 to 8 of the decision: what stands before any thought of a trade."""

from __future__ import annotations

import pytest

from core.hedging.kernel_types import Latch, Since
from core.hedging.states import Action, LpState, Reason, Request, State
from tests.hedging.givens import MINUTE_MS, NOW_MS, decide, done, facts, gap, memory, policy, said

SELLING = {"executor_running": True, "running_side": -1, "running_left_steps": 2000, "running_reason": 33}


def test_halted_stops_everything():
    """Halted sends no order however large the gap."""
    decision = decide(gap("-10"), policy(), memory(halted=True))
    assert (said(decision), done(decision)) == ("SUSPENDED(halted)", Action.HOLD)


def test_halt_cancels_what_is_at_work():
    """A halt cancels the executor at work."""
    assert done(decide(gap("-2", **SELLING), policy(), memory(halted=True))) is Action.CANCEL


def test_only_flatten_passes_a_halt():
    """/flatten closes the exact position even when halted, reduce-only, without asking."""
    decision = decide(facts(request=int(Request.FLATTEN)), policy(), memory(halted=True))
    assert (said(decision), decision.quantity_steps) == ("ADJUSTING(operator_flatten)", 25_000)
    assert decision.reduce_only and decision.approved


def test_flatten_goes_on_until_flat_and_then_the_halt_speaks():
    """While it is at work flatten continues; once flat, halted is halted."""
    wished = {"request": int(Request.FLATTEN)}
    running = facts(executor_running=True, running_side=1, running_reason=int(Reason.OPERATOR_FLATTEN), **wished)
    assert done(decide(running, policy(), memory(halted=True))) is Action.CONTINUE
    assert said(decide(facts(perp=0, request=2), policy(), memory(halted=True))) == "SUSPENDED(halted)"


def test_flatten_waits_for_an_unknown_order():
    """Not even /flatten sends while an order's outcome is unknown."""
    decision = decide(facts(request=2, order_unknown=True), policy(), memory(halted=True))
    assert (said(decision), decision.quantity_steps) == ("SUSPENDED(outcome_unknown)", 0)


def test_flatten_first_takes_the_place_of_another_plan():
    """/flatten cancels a running hedge before it begins."""
    assert done(decide(gap("-2", request=2, **SELLING), policy(), memory())) is Action.CANCEL


def test_flatten_needs_no_chain():
    """A blind chain does not keep the operator from closing the perp."""
    decision = decide(facts(request=2, chain_problem=int(Reason.STALE_CHAIN)), policy(), memory())
    assert said(decision) == "ADJUSTING(operator_flatten)"


def test_paused_keeps_the_short():
    """Paused starts no plan, and does not close either."""
    assert said(decide(gap("-10"), policy(), memory(paused=True))) == "SUSPENDED(paused)"


def test_halt_comes_before_pause_and_unknown():
    """The list is in order: halted is named first."""
    assert said(decide(facts(order_unknown=True), policy(), memory(halted=True, paused=True))) == "SUSPENDED(halted)"


def test_an_unknown_outcome_holds():
    """Nothing is ordered while it is unknown whether an order was filled, nor is its executor cut off."""
    decision = decide(gap("-10", order_unknown=True, **SELLING), policy(), memory())
    assert (said(decision), done(decision)) == ("SUSPENDED(outcome_unknown)", Action.HOLD)


@pytest.mark.parametrize(
    "problem",
    [
        Reason.NO_PRICE,
        Reason.STALE_VENUE,
        Reason.IMPLAUSIBLE_READ,
        Reason.POSITION_MISMATCH,
        Reason.VENUE_DISLOCATED,
    ],
)
def test_a_doubtful_venue_suspends(problem: Reason):
    """No trade on a venue fact that is missing, old or doubted; a running executor cancels."""
    assert said(decide(gap("-10", venue_problem=int(problem)), policy(), memory())) == f"SUSPENDED({problem.text})"
    assert done(decide(gap("-2", venue_problem=int(problem), **SELLING), policy(), memory())) is Action.CANCEL


@pytest.mark.parametrize("problem", [Reason.STALE_CHAIN, Reason.IMPLAUSIBLE_READ, Reason.STARTING])
def test_a_doubtful_chain_suspends(problem: Reason):
    """No trade on a chain fact that is missing, old or doubted; a running executor cancels."""
    assert said(decide(gap("-10", chain_problem=int(problem)), policy(), memory())) == f"SUSPENDED({problem.text})"
    assert done(decide(gap("-2", chain_problem=int(problem), **SELLING), policy(), memory())) is Action.CANCEL


def test_a_price_of_zero_is_no_price():
    """A zero price never reaches a division or a decision."""
    assert said(decide(gap("-10", price="0"), policy(), memory())) == "SUSPENDED(no_price)"


def test_a_mismatch_still_shows_target_and_gap():
    """`status` tells target and gap while the position is in doubt."""
    decision = decide(gap("-10", venue_problem=int(Reason.POSITION_MISMATCH)), policy(), memory())
    assert (decision.target_base, decision.gap_base) == (-25, -10)


def test_an_executor_goes_on_while_its_trade_is_needed():
    """A growing gap continues the running plan and does not extend it."""
    decision = decide(gap("-9", **SELLING), policy(), memory())
    assert (said(decision), done(decision)) == ("ADJUSTING(executing)", Action.CONTINUE)


def test_an_executor_shrinks_to_what_is_left_to_do():
    """A smaller gap shrinks the running plan to it."""
    decision = decide(gap("-1.5", **SELLING), policy(), memory())
    assert (done(decision), decision.quantity_steps) == (Action.SHRINK, -1500)


def test_an_executor_is_cancelled_when_the_side_flips():
    """A need on the other side cancels the running plan."""
    assert done(decide(gap("3", **SELLING), policy(), memory())) is Action.CANCEL


def test_an_executor_does_not_pass_a_cap():
    """A running increase shrinks to the room under the largest position."""
    decision = decide(gap("-2", **SELLING), policy(max_position_quote="48000"), memory())
    assert (done(decision), decision.quantity_steps) == (Action.SHRINK, -1000)


def test_a_running_increase_stops_when_liquidity_moves():
    """While liquidity moves an increase is cancelled."""
    assert done(decide(gap("-2", lp_state=int(LpState.CLOSING), **SELLING), policy(), memory())) is Action.CANCEL


def test_disabled_holds_the_short():
    """Disabled without close: no trade, the short stays."""
    assert said(decide(gap("-10"), policy(enabled=False), memory())) == "DISABLED(disabled)"


def test_close_on_disable_closes_exactly():
    """Disabled with close: the target is 0 and the exact position is bought back, inside any band."""
    decision = decide(facts(perp="-0.003"), policy(enabled=False, close_on_disable=True), memory())
    assert (said(decision), decision.quantity_steps) == ("ADJUSTING(close_on_disable)", 3)
    assert decision.reduce_only


def test_close_on_disable_rests_when_flat():
    """Once flat, disabled is disabled."""
    assert said(decide(facts(perp=0), policy(enabled=False, close_on_disable=True), memory())) == "DISABLED(disabled)"


def test_a_hedge_switched_on_looks_once_before_it_acts():
    """From DISABLED the first evaluation only looks."""
    first = decide(gap("-10"), policy(), memory(state=int(State.DISABLED)))
    assert said(first) == "SUSPENDED(starting)"
    assert said(decide(gap("-10"), policy(), first.memory)) == "ADJUSTING(band_exceeded)"


@pytest.mark.parametrize("state", [LpState.OPENING, LpState.CLOSING])
def test_moving_liquidity_allows_reductions_only(state: LpState):
    """While liquidity rises or falls the short may shrink and not grow."""
    assert said(decide(gap("-10", lp_state=int(state)), policy(), memory())) == "SUSPENDED(lp_moving)"
    assert said(decide(facts(lp_state=int(state)), policy(), memory())) == "SUSPENDED(lp_moving)"
    assert said(decide(gap("10", lp_state=int(state)), policy(), memory())) == "ADJUSTING(band_exceeded)"


def test_no_liquidity_holds_through_the_grace():
    """Right after the liquidity went nothing is closed."""
    decision = decide(facts(lp_state=int(LpState.NONE), net="0", lp_value_quote="0"), policy(), memory())
    assert (said(decision), decision.memory.since.none_ms) == ("SUSPENDED(no_lp)", NOW_MS)


def test_no_liquidity_closes_after_the_grace():
    """Nothing left for `no_lp_grace_seconds`: the short is closed exactly."""
    gone = memory(since=Since(none_ms=NOW_MS - 5 * MINUTE_MS))
    decision = decide(facts(lp_state=int(LpState.NONE), net="0", lp_value_quote="0"), policy(), gone)
    assert (said(decision), decision.quantity_steps) == ("ADJUSTING(no_lp_close)", 25_000)


@pytest.mark.parametrize(("net", "closes"), [("25", True), ("0", False)])
def test_no_liquidity_holds_while_base_remains_or_closing_is_off(net: str, closes: bool):
    """After the grace: with BASE left in the exposure, or with `close_when_no_lp` off, hold."""
    gone = memory(since=Since(none_ms=NOW_MS - 5 * MINUTE_MS))
    seen = facts(lp_state=int(LpState.NONE), net=net)
    assert said(decide(seen, policy(close_when_no_lp=closes), gone)) == "SUSPENDED(no_lp)"


def test_no_liquidity_and_flat_rests():
    """Nothing to hedge and no short: nothing to do."""
    gone = memory(since=Since(none_ms=NOW_MS - 5 * MINUTE_MS))
    assert said(decide(facts(lp_state=int(LpState.NONE), net="0", perp=0), policy(), gone)) == "SUSPENDED(no_lp)"


def test_liquidity_that_returns_ends_the_clock():
    """The grace begins anew after liquidity was seen."""
    assert decide(facts(), policy(), memory(since=Since(none_ms=5))).memory.since.none_ms == 0


def test_two_open_legs_are_netted_first():
    """Hedge mode with both legs open: the smaller is closed on both sides before the gap is looked at."""
    seen = facts(hedge_mode=True, perp_steps=-20_000, long_steps=5_000, short_steps=25_000)
    decision = decide(seen, policy(), memory())
    assert (said(decision), decision.quantity_steps) == ("ADJUSTING(net_legs)", 5_000)
    assert decision.reduce_only and decision.memory.latch.side == 0


def test_deleverage_buys_back_to_twice_the_distance():
    """At 4 % from liquidation the short is bought back, urgently and reduce-only, until it is 10 % away."""
    seen = facts(liquidation_price="2080")
    decision = decide(seen, policy(), memory())
    assert (said(decision), decision.reduce_only, decision.urgent) == ("ADJUSTING(deleverage)", True, True)
    kept_base = (25_000 - decision.quantity_steps) * policy().step_base
    equity = 25 * (seen.liquidation_price * (1 + seen.maintenance_rate) - seen.mark_price)
    liquidation_then = (equity + kept_base * seen.mark_price) / (kept_base * (1 + seen.maintenance_rate))
    assert 2200 <= liquidation_then < 2201


def test_deleverage_does_not_wait_for_a_gap_or_the_chain():
    """Being liquidated does not ask whether the chain can be read."""
    seen = facts(liquidation_price="2080", chain_problem=int(Reason.STALE_CHAIN))
    assert said(decide(seen, policy(), memory())) == "ADJUSTING(deleverage)"


@pytest.mark.parametrize("price", ["0", "2100", "3000"])
def test_no_deleverage_when_far_or_none(price: str):
    """A liquidation price of 0 means none; 5 % away is far enough."""
    assert said(decide(facts(liquidation_price=price), policy(), memory())) == "READY(within_band)"


def test_deleverage_respects_halt_pause_and_doubt():
    """Halted, paused, unknown or doubtful: not even deleveraging."""
    near = facts(liquidation_price="2080")
    for stopped in (memory(halted=True), memory(paused=True)):
        assert decide(near, policy(), stopped).quantity_steps == 0
    for doubtful in (near._replace(order_unknown=True), near._replace(venue_problem=int(Reason.STALE_VENUE))):
        assert decide(doubtful, policy(), memory()).quantity_steps == 0


def test_a_flatten_that_was_taken_back_stops():
    """Neither halted nor wished any more: what is left of its plan would only be bought to be sold again."""
    running = facts(
        executor_running=True, running_side=1, running_left_steps=9000, running_reason=int(Reason.OPERATOR_FLATTEN)
    )
    assert done(decide(running, policy(), memory())) is Action.CANCEL


def test_what_is_under_a_lot_is_flat_enough():
    """It cannot be closed by an order, so a flatten does not try for ever."""
    rest = facts(perp_steps=-5, short_steps=5, request=int(Request.FLATTEN))
    assert said(decide(rest, policy(lot_steps=10), memory(halted=True))) == "SUSPENDED(halted)"


def test_a_commanded_plan_does_not_outlive_the_word_for_it():
    """/hedge sent a part and was cut off for longer than an approval lasts: the rest is a need like any other."""
    at_work = gap("-4", executor_running=True, running_side=-1, running_left_steps=4000)
    running = at_work._replace(running_reason=int(Reason.OPERATOR_HEDGE))
    rules = policy(approvals=True, approval_over_quote="5000")
    for minutes, action in ((5, Action.CONTINUE), (7, Action.CANCEL)):
        latch = Latch(-1, -25_000, int(Reason.OPERATOR_HEDGE), NOW_MS - minutes * MINUTE_MS)
        assert done(decide(running, rules, memory(latch=latch))) is action


def test_a_close_does_not_ride_on_an_earlier_command():
    """Three of a confirmed /hedge were left when the liquidity went: closing all 25 is another question."""
    latch = Latch(1, -22_000, int(Reason.OPERATOR_HEDGE), NOW_MS - MINUTE_MS)
    gone = facts(lp_state=int(LpState.NONE), net="0")
    mind = memory(latch=latch, since=Since(none_ms=NOW_MS - 10 * MINUTE_MS))
    decision = decide(gone, policy(approvals=True, approval_over_quote="5000"), mind)
    assert said(decision) == "AWAITING_APPROVAL(no_lp_close)"
