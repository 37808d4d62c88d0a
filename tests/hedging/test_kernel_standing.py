"""What the decision never does to what already stands: orders at work, a question, a yes, a no, an unanswered need."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import assume, given, settings

from core.hedging.headroom import position_headroom
from core.hedging.kernel import decide
from core.hedging.kernel_types import Decision, Facts, Memory, Policy, Snooze
from core.hedging.states import Action, LpState, Reason, Request, State, transition
from tests.hedging.givens import MINUTE_MS, NOW_MS, facts, memory, policy
from tests.hedging.moments import CLOSES, TO_ITS_END, Moment, moments

# What is carried out whatever was asked, granted or rejected: the operator's other word, the margin's, the legs'.
PAST_QUESTIONS = (Reason.OPERATOR_HEDGE, Reason.OPERATOR_FLATTEN, Reason.DELEVERAGE, Reason.NET_LEGS)
NEW_TRADES = (Action.ADJUST, Action.ASK, Action.KEEP_ASKING, Action.SUPERSEDE)


def at_work(moment: Moment) -> Moment:
    seen = moment.seen
    running = (
        seen if seen.executor_running else seen._replace(executor_running=True, running_side=-1, running_left_steps=9)
    )
    return moment._replace(seen=running)


@given(moment=moments())
def test_one_plan_at_a_time(moment: Moment):
    """While an executor is at work nothing else starts and nothing is asked; without one nothing goes on or stops."""
    running, idle = at_work(moment), moment._replace(seen=moment.seen._replace(executor_running=False))
    assert decide(*running).action not in NEW_TRADES
    assert decide(*idle).action not in (Action.CONTINUE, Action.SHRINK, Action.CANCEL)


@given(moment=moments())
def test_a_running_plan_is_never_extended_or_turned(moment: Moment):
    """SHRINK is for less than was left, on the side of the plan; CONTINUE adds nothing to it."""
    running = at_work(moment)
    decision = decide(*running)
    if decision.action == Action.SHRINK:
        size = decision.quantity_steps * running.seen.running_side
        assert 0 < size < running.seen.running_left_steps
    else:
        assert decision.quantity_steps == 0


@given(moment=moments())
def test_a_running_plan_goes_on_only_as_far_as_it_is_needed(moment: Moment):
    """What it may still trade is missing on its side, and with a short that grows it stays within every limit of size.

    The balance is not among them: what the running orders hold is missing there already.
    """
    seen, rules, _ = running = at_work(moment)
    decision = decide(*running)
    if decision.action not in (Action.CONTINUE, Action.SHRINK) or seen.running_reason in TO_ITS_END:
        return
    left = abs(decision.quantity_steps) if decision.action == Action.SHRINK else seen.running_left_steps
    assert left * rules.step_base <= decision.gap_base * seen.running_side or left == 0
    if seen.running_side < 0 and left > seen.perp_steps:
        assert left <= max(seen.perp_steps, 0) + position_headroom(seen, rules)[0]
        assert seen.lp_state not in (LpState.OPENING, LpState.CLOSING)


@given(moment=moments())
def test_a_running_plan_stops_when_it_may_not_begin(moment: Moment):
    """Switched off, without liquidity, between two prices, in doubt: what is at work for the gap is cancelled."""
    seen, rules, _ = running = at_work(moment)
    decision = decide(*running)
    closing = (not rules.enabled and rules.close_on_disable) or (
        seen.lp_state == LpState.NONE and rules.close_when_no_lp
    )
    if seen.running_reason in TO_ITS_END or closing or seen.order_unknown:
        return
    if not rules.enabled or seen.lp_state == LpState.NONE or seen.chain_problem or seen.venue_problem:
        assert decision.action == Action.CANCEL


@given(moment=moments())
def test_one_question_at_a_time(moment: Moment):
    """While one stands nothing is traded but on another word or for the margin, and no second one is asked."""
    seen = moment.seen
    decision = decide(*moment)
    if seen.pending_side == 0:
        assert decision.action not in (Action.KEEP_ASKING, Action.SUPERSEDE)
    elif decision.action == Action.ADJUST:
        commanded = seen.request == Request.HEDGE and decision.approved
        assert decision.reason in PAST_QUESTIONS or commanded
    else:
        assert decision.action != Action.ASK


@given(moment=moments())
def test_a_question_falls_only_when_its_side_or_half_of_it_is_gone(moment: Moment):
    """At half of what was asked it stands, a step under half it falls; growth leaves it alone."""
    seen, rules, _ = moment
    decision = decide(*moment)
    needed = int(decision.gap_base * seen.pending_side / rules.step_base / rules.lot_steps) * rules.lot_steps
    if decision.action == Action.SUPERSEDE:
        assert 2 * needed < seen.pending_steps
    elif decision.action == Action.KEEP_ASKING:
        kept = 2 * decision.wanted_steps * seen.pending_side >= seen.pending_steps
        assert kept or decision.basis_bps > rules.max_basis_bps > 0


@given(moment=moments())
def test_a_yes_is_for_its_side_and_its_size(moment: Moment):
    """A trade that claims a person's word has it: granted on that side and for that much, or commanded."""
    seen, rules, mind = moment
    decision = decide(*moment)
    if decision.action != Action.ADJUST or not decision.approved or decision.reason in TO_ITS_END:
        return
    commanded = seen.request == Request.HEDGE and seen.request_side * decision.quantity_steps >= 0
    goes_on = mind.latch.reason == Reason.OPERATOR_HEDGE and seen.now_ms - mind.latch.at_ms <= rules.approval_cover_ms
    size = abs(decision.quantity_steps)
    if not commanded and not goes_on:
        assert seen.granted_side * decision.quantity_steps > 0
        assert size <= seen.granted_left_steps
    if decision.reason == Reason.APPROVED:
        assert size <= seen.granted_left_steps
    if commanded and seen.request_side != 0:
        assert size <= max(seen.request_steps, seen.granted_left_steps)


@given(moment=moments())
def test_under_a_grant_no_more_than_is_left_of_it(moment: Moment):
    """Whatever else stands: only a command, the margin and a plan of less worth than asks go beyond a yes."""
    seen = moment.seen
    decision = decide(*moment)
    if decision.action != Action.ADJUST or seen.granted_side * decision.quantity_steps <= 0 or not decision.approved:
        return
    if decision.reason not in PAST_QUESTIONS and seen.granted_left_steps > 0:
        assert abs(decision.quantity_steps) <= seen.granted_left_steps


@given(moment=moments())
def test_a_large_trade_has_been_asked_for(moment: Moment):
    """What reaches the approval limit by itself, or with the hour's unapproved fills, trades only on somebody's word;
    the part that silence allows stays under both limits."""
    seen, rules, _ = moment
    decision = decide(*moment)
    if decision.action != Action.ADJUST or decision.approved or not rules.approvals:
        return
    if decision.reason in (Reason.DELEVERAGE, Reason.NET_LEGS):
        return
    worth = abs(decision.quantity_steps) * rules.step_base * seen.price
    recent = seen.unapproved_sell_quote if decision.quantity_steps < 0 else seen.unapproved_buy_quote
    assert worth < decision.approval_quote
    assert worth + recent < 5 * decision.approval_quote


@given(moment=moments())
def test_a_rejected_side_rests(moment: Moment):
    """Until the snooze ends nothing trades there by itself, and a question comes only for twice what was rejected."""
    seen, _, mind = moment
    decision = decide(*moment)
    side = 1 if decision.wanted_steps > 0 else -1
    if mind.snooze.side != side or seen.now_ms >= mind.snooze.until_ms or decision.reason in PAST_QUESTIONS:
        return
    if decision.action == Action.ASK or (decision.action == Action.ADJUST and not decision.approved):
        asked_steps = decision.quantity_steps if decision.action == Action.ASK else decision.wanted_steps
        assert abs(asked_steps) >= 2 * mind.snooze.steps


@given(moment=moments())
def test_an_unanswered_need_is_not_asked_again_before_its_time(moment: Moment):
    """Only when its time has come, it has grown by half, or turned."""
    seen, _, mind = moment
    decision = decide(*moment)
    question = mind.question
    if decision.action != Action.ASK or question.side * decision.wanted_steps <= 0 or seen.now_ms >= question.again_ms:
        return
    grown = 2 * abs(decision.quantity_steps) >= 3 * question.steps
    assert grown or decision.memory.question.side == 0


@given(moment=moments())
def test_not_too_soon_and_not_too_often(moment: Moment):
    """Cooldown and hourly limit hold back every increase that nobody asked for, that was not begun and is not urgent;
    twice the hourly limit holds back all but a command and the margin."""
    seen, rules, mind = moment
    decision = decide(*moment)
    if decision.action != Action.ADJUST or decision.reason in PAST_QUESTIONS:
        return
    if rules.max_per_hour and not (seen.request == Request.HEDGE and decision.approved):
        assert seen.rebalances_last_hour < 2 * rules.max_per_hour
    begun = mind.latch.side * decision.quantity_steps > 0
    if decision.reduce_only or decision.approved or decision.urgent or begun or decision.reason in CLOSES:
        return
    assert seen.now_ms - mind.last_rebalance_ms >= rules.cooldown_ms
    assert rules.max_per_hour == 0 or seen.rebalances_last_hour < rules.max_per_hour


@pytest.mark.parametrize(
    ("stands", "perp"),
    [
        ({"question": {"pending_side": -1, "pending_steps": 3000}}, -25_000),
        ({"snooze": Snooze(1, NOW_MS + MINUTE_MS, 20_000)}, -25_000),
        ({}, -5),
    ],
    ids=["a question to withdraw", "a rejected purchase", "less than an order"],
)
def test_a_close_begins_where_it_was_disabled(stands: dict[str, Any], perp: int):
    """`close_on_disable` set later, on a hedge that is DISABLED already and holds a short: whatever stood before, its
    next state is one that may follow."""
    seen = facts(perp_steps=perp, short_steps=-perp, **stands.get("question", {}))
    mind = memory(state=int(State.DISABLED), snooze=stands.get("snooze", Snooze()))
    rules = policy(enabled=False, close_on_disable=True, min_steps=10, approvals=True)
    decision = decide(seen, rules, mind)
    assert transition(State.DISABLED, State(decision.state)) == decision.memory.state


class Life(NamedTuple):
    """What the world makes of decisions, when every order fills whole and nobody answers."""

    seen: Facts
    mind: Memory

    def after(self, decision: Decision) -> Life:
        seen, mind = self.seen._replace(now_ms=self.seen.now_ms + MINUTE_MS), decision.memory
        match Action(decision.action):
            case Action.ADJUST if decision.reason == Reason.NET_LEGS:
                netted = decision.quantity_steps
                seen = seen._replace(long_steps=seen.long_steps - netted, short_steps=seen.short_steps - netted)
            case Action.ADJUST:
                seen = used(filled(seen, decision.quantity_steps), decision)
            case Action.CONTINUE:
                seen = ended(filled(seen, seen.running_side * seen.running_left_steps))
            case Action.SHRINK:
                seen = ended(filled(seen, decision.quantity_steps))
            case Action.CANCEL:
                seen = ended(seen)
            case Action.ASK:
                side = 1 if decision.quantity_steps > 0 else -1
                seen = seen._replace(
                    pending_side=side, pending_steps=abs(decision.quantity_steps), granted_left_steps=0
                )
            case Action.SUPERSEDE:
                seen = seen._replace(pending_side=0, pending_steps=0)
        return Life(seen, mind)


def filled(seen: Facts, steps: int) -> Facts:
    """One-way, or on the leg that a trade of this side belongs to."""
    perp = seen.perp_steps + steps
    moved = seen._replace(perp_steps=perp, liquidation_price=seen.liquidation_price * 0)
    return moved._replace(short_steps=max(-perp, 0), long_steps=max(perp, 0))


def ended(seen: Facts) -> Facts:
    return seen._replace(executor_running=False, running_side=0, running_left_steps=0, running_reason=0)


def used(seen: Facts, decision: Decision) -> Facts:
    """A command is carried out once; of a grant is left what the trade did not use."""
    left = seen.granted_left_steps - abs(decision.quantity_steps)
    if not decision.approved or seen.request:
        left = seen.granted_left_steps
    return seen._replace(request=0, request_side=0, request_steps=0, granted_left_steps=max(left, 0))


@settings(max_examples=150)
@given(moment=moments())
def test_it_comes_to_rest(moment: Moment):
    """Carrying out what is decided, again and again at unchanged prices, ends in the same answer for ever; nothing is
    traded back and forth, but for what was at work, the margin and /flatten."""
    seen, rules, mind = moment
    assume(not seen.executor_running or seen.running_reason not in TO_ITS_END)
    rules, life, sides = calm(rules), Life(seen._replace(rebalances_last_hour=0), mind), []
    decisions: list[Decision] = []
    for _ in range(200):
        decision = decide(life.seen, rules, life.mind)
        if decisions and decision == decisions[-1]._replace(memory=decision.memory) == decisions[-2 % len(decisions)]:
            break
        if decision.action == Action.ADJUST and decision.reason not in TO_ITS_END:
            sides.append(decision.quantity_steps > 0)
        decisions.append(decision)
        life = life.after(decision)
    else:
        raise AssertionError(f"never at rest: {[(each.action, each.reason) for each in decisions[-6:]]}")
    assert decision.action in (Action.HOLD, Action.KEEP_ASKING)
    relieved = any(each.reason in TO_ITS_END for each in decisions)
    assert len(set(sides)) <= 1 or relieved or seen.executor_running


def calm(rules: Policy) -> Policy:
    """Without what the passing of time alone brings up again."""
    return rules._replace(max_per_hour=0, force_ms=0, out_of_range_ms=0, cooldown_ms=0)
