"""Steps 10 and 11: not on a side that was just rejected, not too soon, not too often. Kernel source (see `kernel`)."""

from __future__ import annotations

from core.hedging.kernel_types import Facts, Memory, Policy
from core.hedging.need import Need, within_limits
from core.hedging.situation import Situation
from core.hedging.states import Action, Reason, State
from core.hedging.verdict import Verdict, passing, wanting

_HOLD = int(Action.HOLD)
_COOLDOWN_STATE = int(State.COOLDOWN)
_READY = int(State.READY)
_SUSPENDED = int(State.SUSPENDED)
_NONE = int(Reason.NONE)
_COOLDOWN = int(Reason.COOLDOWN)
_MAX_PER_HOUR = int(Reason.MAX_PER_HOUR)
_SNOOZED = int(Reason.SNOOZED)


def pace(facts: Facts, policy: Policy, memory: Memory, situation: Situation, need: Need) -> Verdict:
    """PASS, or why a wanted trade waits: a fresh rejection, cooldown, the hourly limit. A command waits for none."""
    if need.commanded:
        return passing()
    wanted = need.side * need.size_steps
    if is_snoozed(facts, memory, need) and not outgrew_snooze(facts, policy, memory, need):
        return wanting(_HOLD, _READY, _SNOOZED, wanted, _NONE)
    exempt = need.latched or situation.urgent or not need.increase or situation.closing != _NONE or need.covered
    return pause_between(facts, policy, memory, exempt, wanted)


def pause_between(facts: Facts, policy: Policy, memory: Memory, exempt: bool, wanted_steps: int) -> Verdict:
    """What is exempt from cooldown and the hourly limit still has a ceiling at twice that limit.

    A rebalance in the future is one before the clock was set back: nothing waits until that hour comes again.
    """
    if not exempt and 0 <= facts.now_ms - memory.last_rebalance_ms < policy.cooldown_ms:
        return wanting(_HOLD, _COOLDOWN_STATE, _COOLDOWN, wanted_steps, _NONE)
    limit = 2 * policy.max_per_hour if exempt else policy.max_per_hour
    if policy.max_per_hour > 0 and facts.rebalances_last_hour >= limit:
        return wanting(_HOLD, _SUSPENDED, _MAX_PER_HOUR, wanted_steps, _NONE)
    return passing()


def is_snoozed(facts: Facts, memory: Memory, need: Need) -> bool:
    """A rejection on this side is still fresh, and no later word of the operator overrules it."""
    return memory.snooze.side == need.side and facts.now_ms < memory.snooze.until_ms and not need.covered


def outgrew_snooze(facts: Facts, policy: Policy, memory: Memory, need: Need) -> bool:
    """Twice what was rejected could be asked for now: that asks again."""
    if not is_snoozed(facts, memory, need):
        return False
    return within_limits(facts, policy, need)[0] >= 2 * memory.snooze.steps
