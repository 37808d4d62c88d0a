"""Where a person's word is asked for and kept. The database decides who was first; nothing here executes."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from core.approval_ports import Approvals
from core.approval_times import ApprovalTimes
from core.clock import Clock, Leaps
from core.events import Event, EventKind
from core.ports import Approval, ApprovalState, EventLog
from core.traded import Traded, traded

ID_BYTES = 4
LIVE_STATES = (ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.EXECUTING)


@dataclass(frozen=True, slots=True)
class Answer:
    """`won`: this call decided it. `approval`: as it stands now, None when the id is unknown."""

    won: bool
    approval: Approval | None

    @property
    def lacks_a_reason(self) -> bool:
        """It was rejected and nobody has said why yet, so that one may ask."""
        approval = self.approval
        return approval is not None and approval.state is ApprovalState.REJECTED and approval.note is None


class ApprovalDesk:
    def __init__(
        self, *, approvals: Approvals, events: EventLog, clock: Clock, wake: Callable[[str | None], None]
    ) -> None:
        self._approvals = approvals
        self._events = events
        self._clock = clock
        self.leaps = Leaps(clock)
        self._times = ApprovalTimes(self.leaps)
        self._wake = wake
        self._unshown: set[str] = set()

    @staticmethod
    def new_id() -> str:
        """Opaque and hard to guess, short enough to type."""
        return secrets.token_hex(ID_BYTES)

    async def ask(self, approval: Approval) -> bool:
        """False when this hedge has a live one already."""
        if not await self._approvals.propose(approval):
            return False
        self._times.restated(approval)
        self._unshown.add(approval.approval_id)
        await self.make_sure_it_was_shown(approval)
        return True

    async def make_sure_it_was_shown(self, approval: Approval) -> None:
        """A question whose message could not be written is no question: the message is tried again."""
        if approval.approval_id in self._unshown:
            await self._announce(EventKind.APPROVAL_ASKED, approval)
            self._unshown.remove(approval.approval_id)

    async def answer(self, approval_id: str, *, approve: bool, by: str, note: str | None) -> Answer:
        """Decide a pending proposal; the first caller in time wins."""
        asked = await self._approvals.get(approval_id)
        leapt = self._times.leapt_since_asked(asked) if asked else timedelta(0)
        won, approval = await self._approvals.decide(
            approval_id, approve=approve, by=by, note=note, now=self._clock.now(), leapt=leapt
        )
        if won and approval is not None:
            self._times.restated(approval)
            await self._announce(EventKind.APPROVAL_APPROVED if approve else EventKind.APPROVAL_REJECTED, approval)
            self._wake(approval.hedge)
        return Answer(won, approval)

    async def explain(self, approval_id: str, *, by: str, why: str) -> Answer:
        """Why it was rejected, said afterwards. `won`: it is kept now; the first reason stands."""
        note = why
        if (before := await self._approvals.get(approval_id)) is not None and before.decided_by != by:
            note = f"{by.partition(' (')[0]}: {why}"
        won = await self._approvals.annotate(approval_id, note, self._clock.now())
        approval = await self._approvals.get(approval_id)
        if won and approval is not None:
            await self._announce(EventKind.APPROVAL_EXPLAINED, approval)
        return Answer(won, approval)

    async def traded(self, approval_id: str) -> Traded | None:
        """Under it so far; None: nothing."""
        return traded(await self._approvals.fills(approval_id))

    async def live(self, hedge: str) -> Approval | None:
        """The one that is pending, approved or executing: the database lets a hedge have one at most."""
        found = await self._approvals.live(hedge)
        return self._times.restated(found[0]) if found else None

    async def latest(self, hedge: str) -> Approval | None:
        """The newest in whatever state; None when this hedge never asked."""
        newest = await self._approvals.latest(hedge)
        return self._times.restated(newest) if newest else None

    async def expire(self, approval: Approval) -> bool:
        """True when it was still pending and its time is up."""
        if approval.state is not ApprovalState.PENDING or self._clock.now() < approval.expires_at:
            return False
        return await self._move(approval, ApprovalState.EXPIRED, EventKind.APPROVAL_EXPIRED, None)

    async def supersede(self, approval: Approval, why: str) -> bool:
        """Another question will take its place, or the need is gone. False when it changed since it was read."""
        return await self._move(approval, ApprovalState.SUPERSEDED, EventKind.APPROVAL_SUPERSEDED, why)

    async def void(self, approval: Approval, why: str) -> bool:
        """Halt, pause: whatever was asked or granted no longer counts."""
        return await self._move(approval, ApprovalState.VOIDED, EventKind.APPROVAL_VOIDED, why)

    async def start(self, approval: Approval) -> bool:
        """From approved to executing: the one who gets True may trade under it, once."""
        return await self._approvals.move(
            approval.approval_id, frm=ApprovalState.APPROVED, to=ApprovalState.EXECUTING, now=self._clock.now()
        )

    async def finish(self, approval: Approval, why: str, *, events: EventLog) -> bool:
        """`events`: those of its hedge, so that the end is told behind the trades that came before it."""
        return await self._move(approval, ApprovalState.DONE, EventKind.APPROVAL_DONE, why, events)

    async def fail(self, approval: Approval, why: str, *, events: EventLog) -> bool:
        """Granted, and not carried out. `events` as in `finish`; False when it changed since it was read."""
        return await self._move(approval, ApprovalState.FAILED, EventKind.APPROVAL_FAILED, why, events)

    async def _move(
        self,
        approval: Approval,
        to: ApprovalState,
        kind: EventKind,
        why: str | None,
        events: EventLog | None = None,
    ) -> bool:
        """Not from a state other than the one seen: a tap that came between keeps its word."""
        moved = await self._approvals.move(
            approval.approval_id, frm=approval.state, to=to, now=self._clock.now(), note=why
        )
        if moved:
            await self._announce(kind, approval, why, events)
        return moved

    async def _announce(
        self, kind: EventKind, approval: Approval, detail: str | None = None, events: EventLog | None = None
    ) -> None:
        data = {"approval_id": approval.approval_id}
        if approval.decided_by:
            data["by"] = approval.decided_by
        if note := detail or approval.note:
            data["detail"] = note
        await (events or self._events).append(Event(kind, approval.hedge, self._clock.now(), data))
