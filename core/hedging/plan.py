"""Steps 12 and 13: what of a wanted trade fits the limits and is sent as one plan. Kernel source (see `kernel`)."""

from __future__ import annotations

from core.hedging.headroom import increase_headroom
from core.hedging.kernel_types import Facts, Memory, Policy
from core.hedging.need import Need
from core.hedging.permission import permission
from core.hedging.situation import UNLIMITED, Situation, in_lots, lots_for_quote
from core.hedging.states import Action, Reason, State
from core.hedging.verdict import PASS, Verdict, wanting

_ADJUST = int(Action.ADJUST)
_ASK = int(Action.ASK)
_HOLD = int(Action.HOLD)
_ADJUSTING = int(State.ADJUSTING)
_SUSPENDED = int(State.SUSPENDED)
_NONE = int(Reason.NONE)
_AT_CAP = int(Reason.AT_CAP)
_LOW_LIQUIDATION_DISTANCE = int(Reason.LOW_LIQUIDATION_DISTANCE)
_LOW_MARGIN = int(Reason.LOW_MARGIN)
_MAX_ORDER = int(Reason.MAX_ORDER)
_MAX_PLAN = int(Reason.MAX_PLAN)
_ZERO_CROSSING = int(Reason.ZERO_CROSSING)


def plan(facts: Facts, policy: Policy, memory: Memory, situation: Situation, need: Need) -> Verdict:
    """The ADJUST that is sent, or SUSPENDED or a question where a limit leaves no room or a person has to agree."""
    smallest = situation.min_increase_steps if need.increase else policy.lot_steps
    room, tightest = increase_headroom(facts, policy) if need.increase else (UNLIMITED, _NONE)
    if room < smallest:
        return _no_room(need, tightest)
    answer, permitted = permission(facts, policy, memory, situation, need)
    if answer.action != PASS:
        return _worth_asking(facts, policy, situation, need, answer)
    size = min(need.size_steps, permitted)
    planned = size
    clipped_by = _NONE
    if room < size:
        size, clipped_by = room, tightest
    cap, capped_by = _cap(facts, policy)
    if cap < size:
        size, clipped_by = max(cap, policy.lot_steps), capped_by
    if size < smallest:
        return _no_room(need, clipped_by)
    # A long position is closed first; the short is opened by the rest of the plan.
    if need.side < 0 and policy.lot_steps <= facts.perp_steps < size:
        size, clipped_by = in_lots(facts.perp_steps, policy), _ZERO_CROSSING
    return Verdict(
        action=_ADJUST,
        state=_ADJUSTING,
        reason=need.reason,
        quantity_steps=need.side * size,
        wanted_steps=need.side * need.size_steps,
        reduce_only=not need.increase,
        urgent=situation.urgent,
        approved=need.covered,
        clipped_by=clipped_by,
        plan_steps=need.side * planned,
    )


def _worth_asking(facts: Facts, policy: Policy, situation: Situation, need: Need, answer: Verdict) -> Verdict:
    """The answer of `permission`, but SUSPENDED in place of a question for less than half a band of a need that is cut.

    The limits' room moves with the price. Of a sliver half as much again and twice as much are there within minutes,
    and neither a no nor a silence would hold. A long position in the way may always be closed.
    """
    if answer.action != _ASK or answer.clipped_by == _NONE or not need.increase:
        return answer
    asked_quote = abs(answer.quantity_steps) * policy.step_base * facts.price
    return _no_room(need, answer.clipped_by) if 2 * asked_quote < situation.band_quote else answer


def _no_room(need: Need, tightest: int) -> Verdict:
    """SUSPENDED for want of margin or at a cap; `clipped_by` names which limit it is."""
    short_of_margin = tightest in (_LOW_MARGIN, _LOW_LIQUIDATION_DISTANCE)
    reason = _LOW_MARGIN if short_of_margin else _AT_CAP
    return wanting(_HOLD, _SUSPENDED, reason, need.side * need.size_steps, tightest)


def _cap(facts: Facts, policy: Policy) -> tuple[int, int]:
    """(largest size sent as one plan, the Reason of that limit)."""
    cap, reason = UNLIMITED, _NONE
    if policy.max_plan_quote > 0:
        cap, reason = lots_for_quote(policy.max_plan_quote, facts.price, policy), _MAX_PLAN
    if 0 < policy.max_steps < cap:
        cap, reason = in_lots(policy.max_steps, policy), _MAX_ORDER
    return cap, reason
