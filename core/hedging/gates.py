"""Steps 1 to 8: what stands before any thought of a trade. Kernel source (see `kernel`).

Deleveraging stands here and not with the other margin rules: it does not ask whether the gap calls for a trade. It
needs the venue's figures only, so a blind chain does not stop it; halt, pause, an unknown order or a doubtful venue do.
"""

from __future__ import annotations

from core.hedging.headroom import position_headroom, relief_steps
from core.hedging.kernel_types import Facts, Memory, Policy
from core.hedging.situation import Situation
from core.hedging.states import Action, LpState, Reason, Request, State
from core.hedging.verdict import PASS, Verdict, cancelling, continuing, passing, resting, stopping

_ADJUST = int(Action.ADJUST)
_HOLD = int(Action.HOLD)
_SHRINK = int(Action.SHRINK)
_ADJUSTING = int(State.ADJUSTING)
_DISABLED_STATE = int(State.DISABLED)
_SUSPENDED = int(State.SUSPENDED)
_LP_NONE = int(LpState.NONE)
_LP_OPENING = int(LpState.OPENING)
_LP_CLOSING = int(LpState.CLOSING)
_REQUEST_FLATTEN = int(Request.FLATTEN)
_NONE = int(Reason.NONE)
_APPROVED = int(Reason.APPROVED)
_BAND_EXCEEDED = int(Reason.BAND_EXCEEDED)
_DELEVERAGE = int(Reason.DELEVERAGE)
_DISABLED = int(Reason.DISABLED)
_EXECUTING = int(Reason.EXECUTING)
_HALTED = int(Reason.HALTED)
_NET_LEGS = int(Reason.NET_LEGS)
_NO_LP = int(Reason.NO_LP)
_NO_PRICE = int(Reason.NO_PRICE)
_OPERATOR_HEDGE = int(Reason.OPERATOR_HEDGE)
_OPERATOR_FLATTEN = int(Reason.OPERATOR_FLATTEN)
_OUTCOME_UNKNOWN = int(Reason.OUTCOME_UNKNOWN)
_PAUSED = int(Reason.PAUSED)
_STARTING = int(Reason.STARTING)
_VENUE_DISLOCATED = int(Reason.VENUE_DISLOCATED)
_WRONG_SYMBOL = int(Reason.WRONG_SYMBOL)


def gates(facts: Facts, policy: Policy, memory: Memory, situation: Situation) -> Verdict:
    """The first answer in the order of the list; PASS when nothing stands before a trade."""
    answer = _word_and_venue(facts, memory, _flattening(facts, policy))
    if answer.action == PASS:
        answer = _relief(facts, policy)
    if answer.action == PASS and facts.chain_problem != _NONE:
        answer = stopping(facts, facts.chain_problem)
    if answer.action == PASS and facts.executor_running:
        answer = _at_work(facts, policy, memory, situation)
    if answer.action == PASS:
        answer = _switch(facts, policy, memory, situation)
    if answer.action == PASS:
        answer = _liquidity(facts, situation)
    return answer


def _word_and_venue(facts: Facts, memory: Memory, flattening: bool) -> Verdict:
    """What the operator said last, and whether the venue lets it be done."""
    answer = passing() if flattening else _operator(facts, memory)
    if answer.action == PASS:
        answer = _venue(facts, flattening)
    return _flatten(facts) if answer.action == PASS and flattening else answer


def is_flat(facts: Facts) -> bool:
    """Two legs that cancel each other out are not."""
    return facts.perp_steps == 0 and not both_legs(facts)


def both_legs(facts: Facts) -> bool:
    """LONG and SHORT at once, a step each at least; only in hedge mode."""
    return facts.hedge_mode and facts.long_steps > 0 and facts.short_steps > 0


def is_moving(facts: Facts) -> bool:
    """Liquidity is coming or going: the short may be reduced, not enlarged."""
    return facts.lp_state in (_LP_OPENING, _LP_CLOSING)


def destination(situation: Situation, policy: Policy, reason: int) -> int:
    """Signed steps to where a plan of this reason leads: the edge for what the band began, if so configured."""
    if policy.to_edge and (reason in (_BAND_EXCEEDED, _APPROVED)):
        return situation.to_edge_steps
    return situation.to_target_steps


def _flattening(facts: Facts, policy: Policy) -> bool:
    """Only while it is wished: once that was taken back, what is left of its plan is judged like any other."""
    if facts.request != _REQUEST_FLATTEN:
        return False
    return facts.executor_running or both_legs(facts) or abs(facts.perp_steps) >= policy.lot_steps


def _operator(facts: Facts, memory: Memory) -> Verdict:
    if memory.halted:
        return stopping(facts, _HALTED)
    if memory.paused:
        return stopping(facts, _PAUSED)
    return passing()


def _venue(facts: Facts, flattening: bool) -> Verdict:
    """An executor whose order is in doubt is itself the one that asks, so it is neither stopped nor fed."""
    if facts.order_unknown:
        return resting(_HOLD, _SUSPENDED, _OUTCOME_UNKNOWN)
    if facts.venue_problem in (_VENUE_DISLOCATED, _WRONG_SYMBOL) and flattening:
        return passing()
    if facts.venue_problem != _NONE:
        return stopping(facts, facts.venue_problem)
    if facts.price <= 0 or facts.mark_price <= 0:
        return stopping(facts, _NO_PRICE)
    return passing()


def _flatten(facts: Facts) -> Verdict:
    if facts.executor_running:
        ours = facts.running_reason in (_OPERATOR_FLATTEN, _NET_LEGS)
        return continuing(_OPERATOR_FLATTEN, True) if ours else cancelling(_OPERATOR_FLATTEN)
    if both_legs(facts):
        smaller = min(facts.long_steps, facts.short_steps)
        return _urgent_reduction(_NET_LEGS, smaller, approved=True)
    return _urgent_reduction(_OPERATOR_FLATTEN, 0 - facts.perp_steps, approved=True)


def _relief(facts: Facts, policy: Policy) -> Verdict:
    if facts.executor_running and facts.running_reason == _DELEVERAGE:
        return continuing(_DELEVERAGE, True)
    relief = relief_steps(facts, policy)
    if relief == 0:
        return passing()
    if facts.executor_running:
        return cancelling(_DELEVERAGE)
    return _urgent_reduction(_DELEVERAGE, relief, approved=False)


def _urgent_reduction(reason: int, quantity_steps: int, approved: bool) -> Verdict:
    return Verdict(_ADJUST, _ADJUSTING, reason, quantity_steps, quantity_steps, True, True, approved, _NONE, 0)


def _at_work(facts: Facts, policy: Policy, memory: Memory, situation: Situation) -> Verdict:
    """From fresh facts: go on, do less, or stop. A larger gap never extends a running plan."""
    if facts.running_reason == _NET_LEGS:
        return continuing(_EXECUTING, situation.urgent)
    needed = _still_needed(facts, policy, situation)
    if needed == 0 or _outlived_its_word(facts, policy, memory):
        return cancelling(_EXECUTING)
    if needed >= facts.running_left_steps:
        return continuing(_EXECUTING, situation.urgent)
    signed = facts.running_side * needed
    increase = facts.running_side < 0 and facts.perp_steps <= 0
    return Verdict(_SHRINK, _ADJUSTING, _EXECUTING, signed, signed, not increase, situation.urgent, False, _NONE, 0)


def _outlived_its_word(facts: Facts, policy: Policy, memory: Memory) -> bool:
    """A /hedge covers its plan as long as an approval would; what is left after that is a new need."""
    if not policy.approvals or facts.running_reason != _OPERATOR_HEDGE:
        return False
    return memory.latch.reason != _OPERATOR_HEDGE or facts.now_ms - memory.latch.at_ms > policy.approval_cover_ms


def _still_needed(facts: Facts, policy: Policy, situation: Situation) -> int:
    """Size on the running side. The balance is not asked again: it already lacks what the running orders hold."""
    nothing_to_hedge = not policy.enabled or facts.lp_state == _LP_NONE
    if situation.closing == _NONE and (nothing_to_hedge or situation.between):
        return 0
    needed = max(destination(situation, policy, facts.running_reason) * facts.running_side, 0)
    if facts.running_side < 0:
        room = 0 if is_moving(facts) else position_headroom(facts, policy)[0]
        needed = min(needed, max(facts.perp_steps, 0) + room)
    return needed


def _switch(facts: Facts, policy: Policy, memory: Memory, situation: Situation) -> Verdict:
    if policy.enabled or (situation.closing != _NONE and not is_flat(facts)):
        return stopping(facts, _STARTING) if memory.state == _DISABLED_STATE else passing()
    return resting(_HOLD, _DISABLED_STATE, _DISABLED)


def _liquidity(facts: Facts, situation: Situation) -> Verdict:
    if facts.lp_state == _LP_NONE and (situation.closing == _NONE or is_flat(facts)):
        return stopping(facts, _NO_LP)
    return passing()
