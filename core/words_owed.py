"""What happened just before a kill is told by the next process.

The words of a turn are written at its end, after its deeds: telling delays no trade, and a kill between the two takes
the words. The deeds are in the journal, so that what nobody was told of can be told from there. Each word is written
once: killed again amid this, the process after it finds what is still missing.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from core.events import Event, EventKind
from core.execution import plan_words
from core.execution.bookkeeping import foreign_trade
from core.last_deeds import LastApproval, LastDeeds, LastPlan, UntoldTrade
from core.ports import Approval, ApprovalState, EventLog, Journal, PlanState

# In the data of a word that comes this late.
AFTER_A_KILL = {"late": "true"}
ENDS: Mapping[ApprovalState, EventKind] = {
    ApprovalState.EXPIRED: EventKind.APPROVAL_EXPIRED,
    ApprovalState.SUPERSEDED: EventKind.APPROVAL_SUPERSEDED,
    ApprovalState.VOIDED: EventKind.APPROVAL_VOIDED,
    ApprovalState.DONE: EventKind.APPROVAL_DONE,
    ApprovalState.FAILED: EventKind.APPROVAL_FAILED,
}


async def tell_what_is_owed(deeds: LastDeeds, journal: Journal, events: EventLog) -> None:
    """Once a process, before anything happens in it. In the order in which it happened."""
    owed = [_of_trade(each) for each in await deeds.untold_trades()]
    for plan in await deeds.plans():
        owed += _untold(await _of_plan(plan, journal), plan.told)
    for approval in await deeds.approvals():
        owed += _untold(_of_approval(approval), approval.told)
    for event in sorted(owed, key=lambda each: each.at):
        await events.append(event)


def _untold(words: Iterable[Event], told: Container[EventKind]) -> list[Event]:
    return [event for event in words if event.kind not in told]


def _of_trade(untold: UntoldTrade) -> Event:
    return foreign_trade(untold.hedge or None, untold.trade, untold.origin, untold.booked_at)


async def _of_plan(last: LastPlan, journal: Journal) -> list[Event]:
    """A failure after which another plan was made is over, and would ring for nothing."""
    plan, hedge = last.plan, last.plan.hedge
    words = [Event(EventKind.PLAN_OPENED, hedge, plan.created_at, plan_words.opened(plan))]
    if last.closed_at is None:
        return words
    if fills := await journal.plan_fills(plan.plan_id):
        data = plan_words.executed(plan, fills) | AFTER_A_KILL
        words.append(Event(EventKind.HEDGE_EXECUTED, hedge, last.closed_at, data))
    elif plan.state is PlanState.FAILED and last.is_newest:
        orders = await journal.plan_orders(plan.plan_id)
        data = plan_words.failed(plan, orders[-1].detail if orders else "")
        words.append(Event(EventKind.PLAN_FAILED, hedge, last.closed_at, data))
    return words


def _of_approval(last: LastApproval) -> list[Event]:
    approval, asked = last.approval, {"approval_id": last.approval.approval_id}
    words = [Event(EventKind.APPROVAL_ASKED, approval.hedge, approval.created_at, asked)]
    said = asked | ({"by": approval.decided_by} if approval.decided_by else {})
    noted = said | ({"detail": approval.note} if approval.note else {})
    end = ENDS.get(approval.state)
    if approval.decided_at is not None:
        # The note of an end took the place of the person's.
        words.append(Event(_answer(approval), approval.hedge, approval.decided_at, said if end else noted))
    if end is not None:
        words.append(Event(end, approval.hedge, last.changed_at, noted))
    return words


def _answer(decided: Approval) -> EventKind:
    rejected = decided.state is ApprovalState.REJECTED
    return EventKind.APPROVAL_REJECTED if rejected else EventKind.APPROVAL_APPROVED
