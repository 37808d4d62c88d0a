"""Step 9: is a trade wanted, why, and how much of it. Kernel source (see `kernel`, which states the latch)."""

from __future__ import annotations

from typing import NamedTuple

from core.hedging.gates import destination, is_moving
from core.hedging.headroom import increase_headroom
from core.hedging.kernel_types import Facts, Latch, Memory, Number, Policy
from core.hedging.situation import Situation, in_lots, side_of
from core.hedging.states import Action, LpState, Reason, Request, State
from core.hedging.verdict import Verdict, passing, resting, wanting

_HOLD = int(Action.HOLD)
_READY = int(State.READY)
_SUSPENDED = int(State.SUSPENDED)
_LP_OUT_OF_RANGE = int(LpState.OUT_OF_RANGE)
_REQUEST_HEDGE = int(Request.HEDGE)
_NONE = int(Reason.NONE)
_APPROVED = int(Reason.APPROVED)
_BAND_EXCEEDED = int(Reason.BAND_EXCEEDED)
_BELOW_MIN_NOTIONAL = int(Reason.BELOW_MIN_NOTIONAL)
_BELOW_STEP = int(Reason.BELOW_STEP)
_FORCE_INTERVAL = int(Reason.FORCE_INTERVAL)
_LP_MOVING = int(Reason.LP_MOVING)
_OPERATOR_HEDGE = int(Reason.OPERATOR_HEDGE)
_OUT_OF_RANGE = int(Reason.OUT_OF_RANGE)
_WITHIN_BAND = int(Reason.WITHIN_BAND)
_WITHIN_BASIS = int(Reason.WITHIN_BASIS)


class Need(NamedTuple):
    """`reason` 0: no trade is wanted. `quote`: its worth before rounding to steps.

    `increase`: it enlarges the position. `latched`: the rest of a plan already begun. `granted`: under a live approval.
    `commanded`: by a /hedge that was confirmed for this side. `covered`: a person stands behind it.
    """

    reason: int
    side: int
    size_steps: int
    quote: Number
    increase: bool
    latched: bool
    granted: bool
    covered: bool
    commanded: bool


def standing_latch(facts: Facts, policy: Policy, memory: Memory, situation: Situation) -> Latch:
    """The latch as it was, or an empty one when its plan is complete, overtaken, or too small to go on with."""
    latch = memory.latch
    left = _latch_left(facts, policy, latch, situation)
    closing = situation.closing != _NONE
    smallest = policy.lot_steps if closing else situation.min_increase_steps
    return latch if left >= smallest else Latch(0, 0, _NONE, 0)


def find_need(facts: Facts, policy: Policy, memory: Memory, situation: Situation) -> Need:
    """`memory.latch` must be the standing one."""
    side = side_of(situation.gap_base)
    latched = memory.latch.side != 0 and memory.latch.side == side
    timed = _timed(facts, policy, memory, situation, latched)
    commanded = _is_commanded(facts, side)
    granted = _is_granted(facts, policy, situation, side, latched or timed != _NONE)
    reason = _why(memory, situation, commanded, timed, granted, latched)
    signed = destination(situation, policy, reason)
    full_size = abs(signed)
    size = _limited(facts, policy, memory, situation, commanded, granted, reason, full_size)
    whole = (
        situation.gap_quote if signed == situation.to_target_steps else situation.gap_quote - situation.hysteresis_quote
    )
    return Need(
        reason=reason,
        side=side_of(signed),
        size_steps=size,
        quote=whole if size == full_size else size * policy.step_base * facts.price,
        increase=signed < 0 and facts.perp_steps < policy.lot_steps,
        latched=latched,
        granted=granted,
        covered=commanded
        or granted
        or (reason == _OPERATOR_HEDGE and _goes_on_by_command(facts, policy, memory, latched)),
        commanded=commanded,
    )


def within_limits(facts: Facts, policy: Policy, need: Need) -> tuple[int, int]:
    """(the part of the size that the limits of step 12 leave, the Reason of the one that cuts it, 0 for none).

    A long position in the way may always be closed.
    """
    if need.side >= 0:
        return need.size_steps, _NONE
    room, tightest = increase_headroom(facts, policy)
    most = in_lots(max(facts.perp_steps, 0), policy) + room
    return (most, tightest) if most < need.size_steps else (need.size_steps, _NONE)


def moving(facts: Facts, need: Need) -> Verdict:
    """Step 7's second half: while liquidity moves only reductions pass."""
    if is_moving(facts) and (need.reason == _NONE or need.increase or need.size_steps == 0):
        return wanting(_HOLD, _SUSPENDED, _LP_MOVING, need.side * need.size_steps, _NONE)
    return passing()


def unwanted(policy: Policy, situation: Situation, need: Need) -> Verdict:
    """Why nothing is done although every gate is open, or PASS when a trade is wanted."""
    wanted = need.side * need.size_steps
    if situation.between:
        return resting(_HOLD, _READY, _WITHIN_BASIS)
    if need.reason == _NONE:
        return resting(_HOLD, _READY, _WITHIN_BAND)
    smallest = policy.lot_steps if need.increase else max(policy.lot_steps, policy.min_steps)
    too_small = need.size_steps < smallest or (need.increase and need.size_steps < situation.min_increase_steps)
    if too_small and need.reason in (_OUT_OF_RANGE, _FORCE_INTERVAL):
        return resting(_HOLD, _READY, _WITHIN_BAND)
    if need.size_steps < smallest:
        return resting(_HOLD, _READY, _BELOW_STEP)
    if too_small:
        return wanting(_HOLD, _READY, _BELOW_MIN_NOTIONAL, wanted, _NONE)
    return passing()


def _why(memory: Memory, situation: Situation, commanded: bool, timed: int, granted: bool, latched: bool) -> int:
    if commanded:
        return _OPERATOR_HEDGE
    if situation.closing != _NONE:
        return situation.closing
    if granted:
        return timed if timed != _NONE else _APPROVED
    if latched:
        return memory.latch.reason
    return _BAND_EXCEEDED if situation.exceeded else timed


def _timed(facts: Facts, policy: Policy, memory: Memory, situation: Situation, latched: bool) -> int:
    """The clock's reason where it is the clock that wants the trade, now or since the plan began."""
    if latched:
        return memory.latch.reason if memory.latch.reason in (_OUT_OF_RANGE, _FORCE_INTERVAL) else _NONE
    return _NONE if situation.exceeded else by_the_clock(facts, policy, memory)


def by_the_clock(facts: Facts, policy: Policy, memory: Memory) -> int:
    """Out of range for the configured time, once per excursion; the longest time between two hedges is over."""
    out = facts.lp_state == _LP_OUT_OF_RANGE and policy.out_of_range_ms > 0 and not memory.since.out_traded
    if out and facts.now_ms - memory.since.out_ms >= policy.out_of_range_ms:
        return _OUT_OF_RANGE
    if policy.force_ms > 0 and facts.now_ms - memory.last_rebalance_ms >= policy.force_ms:
        return _FORCE_INTERVAL
    return _NONE


def _is_granted(facts: Facts, policy: Policy, situation: Situation, side: int, wanted_inside: bool) -> bool:
    """An approval begins while the gap is above the hysteresis. `wanted_inside`: it does not matter, for what was begun
    may be finished, and the clock asks about gaps inside as well."""
    if facts.granted_left_steps < policy.lot_steps or facts.granted_side != side:
        return False
    return wanted_inside or situation.closing != _NONE or situation.gap_quote > situation.hysteresis_quote


def _is_commanded(facts: Facts, side: int) -> bool:
    """A need that has turned since the question is not what was confirmed."""
    return facts.request == _REQUEST_HEDGE and facts.request_side in (0, side)


def _goes_on_by_command(facts: Facts, policy: Policy, memory: Memory, latched: bool) -> bool:
    """For as long as an approval would last, the rest of the plan that a /hedge began."""
    if not latched or memory.latch.reason != _OPERATOR_HEDGE:
        return False
    return facts.now_ms - memory.latch.at_ms <= policy.approval_cover_ms


def _limited(
    facts: Facts,
    policy: Policy,
    memory: Memory,
    situation: Situation,
    commanded: bool,
    granted: bool,
    reason: int,
    size: int,
) -> int:
    """A plan begun is not extended, neither an approval nor a confirmation exceeded; closes are for the whole."""
    if commanded:
        return size if facts.request_side == 0 else min(size, in_lots(facts.request_steps, policy))
    if granted:
        return min(size, in_lots(facts.granted_left_steps, policy))
    if situation.closing == _NONE and memory.latch.side != 0 and reason == memory.latch.reason:
        return min(size, _latch_left(facts, policy, memory.latch, situation))
    return size


def _latch_left(facts: Facts, policy: Policy, latch: Latch, situation: Situation) -> int:
    """Size that the plan lacks and that is needed now; not above zero when it is complete or overtaken."""
    lacking = (latch.to_steps - facts.perp_steps) * latch.side
    needed = destination(situation, policy, latch.reason) * latch.side
    return in_lots(min(lacking, needed), policy)
