"""What one step of the list answers: a verdict, or PASS to the next step. Kernel source (see `kernel`)."""

from __future__ import annotations

from typing import NamedTuple

from core.hedging.kernel_types import Facts
from core.hedging.states import Action, Reason, State

PASS = -1
_HOLD = int(Action.HOLD)
_CANCEL = int(Action.CANCEL)
_CONTINUE = int(Action.CONTINUE)
_ADJUSTING = int(State.ADJUSTING)
_SUSPENDED = int(State.SUSPENDED)
_NONE = int(Reason.NONE)


class Verdict(NamedTuple):
    """As in `Decision`; `plan_steps` is the signed whole of a plan that starts, to be latched, 0 for none."""

    action: int
    state: int
    reason: int
    quantity_steps: int
    wanted_steps: int
    reduce_only: bool
    urgent: bool
    approved: bool
    clipped_by: int
    plan_steps: int


def passing() -> Verdict:
    """This step has nothing to say: the next one decides."""
    return Verdict(PASS, PASS, _NONE, 0, 0, False, False, False, _NONE, 0)


def resting(action: int, state: int, reason: int) -> Verdict:
    """Nothing new is traded."""
    return Verdict(action, state, reason, 0, 0, False, False, False, _NONE, 0)


def wanting(action: int, state: int, reason: int, wanted_steps: int, clipped_by: int) -> Verdict:
    """Nothing is traded now although `wanted_steps` is wanted."""
    return Verdict(action, state, reason, 0, wanted_steps, False, False, False, clipped_by, 0)


def stopping(facts: Facts, reason: int) -> Verdict:
    """SUSPENDED: an executor at work sends nothing further and cancels what rests."""
    return resting(_CANCEL if facts.executor_running else _HOLD, _SUSPENDED, reason)


def continuing(reason: int, urgent: bool) -> Verdict:
    """The executor at work goes on with its plan as it is."""
    return Verdict(_CONTINUE, _ADJUSTING, reason, 0, 0, False, urgent, False, _NONE, 0)


def cancelling(reason: int) -> Verdict:
    """The executor at work stops, to make room or because nothing is left to do."""
    return resting(_CANCEL, _ADJUSTING, reason)
