"""The decision of one evaluation, in the design's order: each step answers, or passes to the next.

Kernel source, here and in `situation`, `headroom`, `verdict`, `gates`, `need`, `pace`, `permission`, `plan`: plain
scalars and named tuples, integer literals, + - * / // and comparisons; no clock, no exceptions, no objects, no dict.
The live engine runs it over Decimal, replay compiles the same source over machine numbers (`KERNEL_MODULES`).

**Latch.** A plan that starts (ADJUST) writes a latch: its side, its reason, and the perp position at which the whole
need of that moment, before any cap, would be met. While it stands the trade stays wanted inside the band, on that
side, for the smaller of what the plan still lacks and what is needed now; a need that has grown belongs to the next
plan. It ends when the perp has reached that position, when the need has changed sides, or when what is left is under
one lot or the effective minimum. It survives restarts, suspensions and cooldown. What is asked of the operator, waits
for cooldown or is refused for lack of margin writes no latch: nothing has begun.
"""

from __future__ import annotations

from core.hedging.gates import both_legs, gates
from core.hedging.kernel_types import Decision, Facts, Latch, Memory, Policy, Question, Since
from core.hedging.need import Need, find_need, moving, standing_latch, unwanted
from core.hedging.pace import pace, pause_between
from core.hedging.permission import pending, standing_question
from core.hedging.plan import plan
from core.hedging.situation import Situation, survey
from core.hedging.states import Action, LpState, Reason, State
from core.hedging.verdict import PASS, Verdict, passing

KERNEL_MODULES = ("situation", "headroom", "verdict", "gates", "need", "pace", "permission", "plan", "kernel")

_ADJUST = int(Action.ADJUST)
_ADJUSTING = int(State.ADJUSTING)
_LP_CLOSING = int(LpState.CLOSING)
_LP_NONE = int(LpState.NONE)
_LP_OPENING = int(LpState.OPENING)
_LP_OUT_OF_RANGE = int(LpState.OUT_OF_RANGE)
_NONE = int(Reason.NONE)
_NET_LEGS = int(Reason.NET_LEGS)
_OUT_OF_RANGE = int(Reason.OUT_OF_RANGE)


def decide(facts: Facts, policy: Policy, memory: Memory) -> Decision:
    """What to do now and why. The caller stores `memory` of the answer; nothing else is remembered."""
    clocked = _with_clocks(facts, memory)
    situation = survey(facts, policy, clocked)
    noted = _with_standing(facts, policy, clocked, situation)
    answer = gates(facts, policy, noted, situation)
    if answer.action == PASS:
        answer = _legs(facts, policy, noted)
    need = find_need(facts, policy, noted, situation)
    if answer.action == PASS:
        answer = _trade(facts, policy, noted, situation, need)
    return _decision(answer, situation, _remember(facts, noted, answer, need))


def _trade(facts: Facts, policy: Policy, memory: Memory, situation: Situation, need: Need) -> Verdict:
    """Steps 9 to 14."""
    answer = moving(facts, need)
    if answer.action == PASS:
        answer = pending(facts, situation, need)
    if answer.action == PASS:
        answer = unwanted(policy, situation, need)
    if answer.action == PASS:
        answer = pace(facts, policy, memory, situation, need)
    if answer.action == PASS:
        answer = plan(facts, policy, memory, situation, need)
    return answer


def _legs(facts: Facts, policy: Policy, memory: Memory) -> Verdict:
    """Step 8: both legs of hedge mode are open; the smaller is closed on both sides at once."""
    if not both_legs(facts):
        return passing()
    smaller = min(facts.long_steps, facts.short_steps)
    if smaller < max(policy.lot_steps, policy.min_steps):
        return passing()  # what is too small for an order stays
    answer = pause_between(facts, policy, memory, False, smaller)
    if answer.action != PASS:
        return answer
    return Verdict(_ADJUST, _ADJUSTING, _NET_LEGS, smaller, smaller, True, False, False, _NONE, 0)


def _with_clocks(facts: Facts, memory: Memory) -> Memory:
    """Since when out of range, since when without liquidity; a blind chain changes neither."""
    if facts.chain_problem != _NONE:
        return memory
    since = memory.since
    moving = facts.lp_state in (_LP_OPENING, _LP_CLOSING)
    out = facts.lp_state == _LP_OUT_OF_RANGE
    out_ms = since.out_ms if moving else _started(out, since.out_ms, facts.now_ms)
    none_ms = _started(facts.lp_state == _LP_NONE, since.none_ms, facts.now_ms)
    since = Since(out_ms, since.out_traded and out_ms > 0, none_ms)
    return _memory(memory, memory.state, memory.latch, since, memory.question)


def _started(now: bool, since_ms: int, now_ms: int) -> int:
    if not now:
        return 0
    return since_ms if since_ms > 0 else now_ms


def _with_standing(facts: Facts, policy: Policy, memory: Memory, situation: Situation) -> Memory:
    """Latch and question, as far as they still stand; figures with a problem end neither."""
    if facts.venue_problem != _NONE or facts.chain_problem != _NONE or facts.order_unknown or facts.price <= 0:
        return memory
    latch = standing_latch(facts, policy, memory, situation)
    question = standing_question(facts, policy, memory, situation)
    return _memory(memory, memory.state, latch, memory.since, question)


def _remember(facts: Facts, memory: Memory, answer: Verdict, need: Need) -> Memory:
    latch, since, question = memory.latch, memory.since, memory.question
    if answer.action == _ADJUST:
        latch = _begun(facts, latch, answer)
        since = Since(since.out_ms, since.out_traded or answer.reason == _OUT_OF_RANGE, since.none_ms)
        if answer.plan_steps != 0:
            question = _after_plan(question, answer, need)
    return _memory(memory, answer.state, latch, since, question)


def _begun(facts: Facts, latch: Latch, answer: Verdict) -> Latch:
    """The plan's own latch; deleveraging, netting and flattening leave none."""
    if answer.plan_steps == 0:
        return Latch(0, 0, _NONE, 0)
    side = 1 if answer.plan_steps > 0 else -1
    goes_on = latch.side == side and latch.reason == answer.reason
    at_ms = latch.at_ms if goes_on else facts.now_ms
    return Latch(side, facts.perp_steps + answer.plan_steps, answer.reason, at_ms)


def _after_plan(question: Question, answer: Verdict, need: Need) -> Question:
    """A person's word settles the question; a part just under the limit is made once."""
    if answer.approved:
        return Question(0, 0, 0, 0, 0)
    part = question.side == need.side and question.partial == 1 and answer.plan_steps != answer.wanted_steps
    return Question(question.side, question.steps, question.asked, question.again_ms, 2 if part else question.partial)


def _memory(memory: Memory, state: int, latch: Latch, since: Since, question: Question) -> Memory:
    return Memory(state, memory.halted, memory.paused, memory.last_rebalance_ms, latch, since, memory.snooze, question)


def _decision(answer: Verdict, situation: Situation, memory: Memory) -> Decision:
    return Decision(
        action=answer.action,
        state=answer.state,
        reason=answer.reason,
        quantity_steps=answer.quantity_steps,
        wanted_steps=answer.wanted_steps,
        reduce_only=answer.reduce_only,
        urgent=answer.urgent,
        approved=answer.approved,
        clipped_by=answer.clipped_by,
        target_base=situation.target_base,
        gap_base=situation.gap_base,
        gap_quote=situation.gap_quote,
        band_quote=situation.band_quote,
        hysteresis_quote=situation.hysteresis_quote,
        approval_quote=situation.approval_quote,
        alert_quote=situation.alert_quote,
        basis_bps=situation.basis_bps,
        memory=memory,
    )
