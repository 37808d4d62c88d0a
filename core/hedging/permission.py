"""Step 14: which plans a person must approve, and what happens to a question. Kernel source (see `kernel`)."""

from __future__ import annotations

from core.hedging.kernel_types import Facts, Memory, Number, Policy, Question
from core.hedging.need import Need, by_the_clock, within_limits
from core.hedging.pace import is_snoozed, outgrew_snooze
from core.hedging.situation import UNLIMITED, Situation, lots_for_quote, side_of
from core.hedging.states import Action, Reason, State
from core.hedging.verdict import Verdict, passing, resting, wanting

_ASK = int(Action.ASK)
_HOLD = int(Action.HOLD)
_KEEP_ASKING = int(Action.KEEP_ASKING)
_SUPERSEDE = int(Action.SUPERSEDE)
_AWAITING = int(State.AWAITING_APPROVAL)
_READY = int(State.READY)
_NONE = int(Reason.NONE)
_AWAITING_APPROVAL = int(Reason.AWAITING_APPROVAL)
_SUPERSEDED = int(Reason.SUPERSEDED)
_UNANSWERED = int(Reason.UNANSWERED)


def pending(facts: Facts, situation: Situation, need: Need) -> Verdict:
    """A proposal stands until the side flips or the need falls under half of it; growth does not void it."""
    if facts.pending_side == 0 or need.commanded:
        return passing()
    needed = situation.to_target_steps * facts.pending_side
    if 2 * needed < facts.pending_steps and not situation.between:
        return resting(_SUPERSEDE, _READY, _SUPERSEDED)
    return wanting(_KEEP_ASKING, _AWAITING, _AWAITING_APPROVAL, situation.to_target_steps, _NONE)


def permission(facts: Facts, policy: Policy, memory: Memory, situation: Situation, need: Need) -> tuple[Verdict, int]:
    """(PASS and the size that may be planned now, or the question that comes first and 0).

    Whether to ask follows from the whole need, so that no limit slips a part of it past a person; asked for is what
    the limits leave of it. What is sent as one plan cuts no question: one approval covers all parts.
    """
    if need.covered:
        return passing(), UNLIMITED
    question = memory.question
    size, cut_by = within_limits(facts, policy, need)
    waiting = _is_waiting(facts, question, need, size)
    unanswered = wanting(_HOLD, _AWAITING, _UNANSWERED, need.side * need.size_steps, _NONE)
    if not _must_ask(facts, policy, memory, situation, need):
        return (unanswered, 0) if waiting and question.partial == 2 else (passing(), UNLIMITED)
    if not waiting:
        asked, wanted = need.side * size, need.side * need.size_steps
        return Verdict(_ASK, _AWAITING, need.reason, asked, wanted, False, False, False, cut_by, 0), 0
    due = question.partial == 1 and not is_snoozed(facts, memory, need)
    part = _just_under(facts, policy, situation, need) if due else 0
    if part >= (situation.min_increase_steps if need.increase else policy.lot_steps):
        return passing(), part
    return unanswered, 0


def standing_question(facts: Facts, policy: Policy, memory: Memory, situation: Situation) -> Question:
    """Forgotten once the need it asked for has changed sides, or is within the hysteresis and the clock wants none."""
    question = memory.question
    wanted = situation.gap_quote > situation.hysteresis_quote or by_the_clock(facts, policy, memory) != _NONE
    same = question.side == side_of(situation.gap_base) and wanted
    return question if same or situation.between else Question(0, 0, 0, 0, 0)


def _must_ask(facts: Facts, policy: Policy, memory: Memory, situation: Situation, need: Need) -> bool:
    if not policy.approvals:
        return False
    limit = situation.approval_quote
    recent = _unapproved_quote(facts, need) + need.quote
    return need.quote >= limit or recent >= 5 * limit or outgrew_snooze(facts, policy, memory, need)


def _is_waiting(facts: Facts, question: Question, need: Need, size_steps: int) -> bool:
    """The same need was asked for, nobody answered, and neither its time has come nor has what may be asked for grown
    by half."""
    if question.side != need.side or facts.now_ms >= question.again_ms:
        return False
    return 2 * size_steps < 3 * question.steps


def _just_under(facts: Facts, policy: Policy, situation: Situation, need: Need) -> int:
    """The largest size that would need no approval."""
    limit = situation.approval_quote
    below = min(limit, 5 * limit - _unapproved_quote(facts, need))
    size = lots_for_quote(below, facts.price, policy)
    if size * policy.step_base * facts.price >= below:
        size -= policy.lot_steps
    return min(size, need.size_steps)


def _unapproved_quote(facts: Facts, need: Need) -> Number:
    return facts.unapproved_sell_quote if need.side < 0 else facts.unapproved_buy_quote
