"""What a person's word allows right now: the hedge's live approval, kept honest against time and the journal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.approval_desk import LIVE_STATES, ApprovalDesk
from core.config import HedgeConfig
from core.hedging import memory
from core.hedging.afterwards import unanswered
from core.hedging.approval_rules import covers_until, failed_to_start
from core.hedging.kernel_types import Memory
from core.kernel_facts import milliseconds, to_steps
from core.ports import Approval, ApprovalState, EventLog


@dataclass(frozen=True, slots=True)
class Word:
    """What people said, or did not say. `live`: the approval that counts now; `silent`: one that just expired."""

    live: Approval | None = None
    rejected: Approval | None = None
    silent: Approval | None = None


class Grants:
    """For one hedge: `refresh` asks the desk, `taken_in` tells the kernel's memory, without a moment between."""

    def __init__(self, hedge: str, *, desk: ApprovalDesk, events: EventLog, step_base: Decimal) -> None:
        self._hedge = hedge
        self._desk = desk
        self._events = events
        self._step_base = step_base

    async def refresh(self, config: HedgeConfig, now: datetime, *, stopped: str) -> Word:
        """`stopped`: "halted", "paused" or "switched off", which void whatever was asked or granted; else empty."""
        approval = await self._desk.latest(self._hedge)  # nothing is asked while one is live, so no other can be
        if approval is None:
            return Word()
        if approval.state is ApprovalState.REJECTED:
            return Word(rejected=approval)
        if approval.state not in LIVE_STATES:
            return Word()
        if stopped:
            ended = await self._desk.void(approval, stopped)
            return Word() if ended else await self.refresh(config, now, stopped=stopped)
        return await self._in_time(approval, config, now)

    def taken_in(self, mind: Memory, word: Word, config: HedgeConfig, now: datetime) -> Memory:
        """The memory with a rejection or a silence in it that it did not know of; nothing is awaited."""
        mind = self._with_rejection(mind, word.rejected, config, now)
        return mind if word.silent is None else self._with_silence(mind, word.silent, config, now)

    async def _in_time(self, approval: Approval, config: HedgeConfig, now: datetime) -> Word:
        await self._desk.make_sure_it_was_shown(approval)
        if await self._desk.expire(approval):
            return Word(silent=approval)
        return Word() if await self._overdue(approval, config, now) else Word(live=approval)

    async def _overdue(self, approval: Approval, config: HedgeConfig, now: datetime) -> bool:
        """An approved plan starts within a minute or fails; a started one ends when its time is used up."""
        if approval.state is ApprovalState.APPROVED and failed_to_start(approval, now):
            return await self._desk.fail(approval, "it could not start within 60 s", events=self._events)
        cover = covers_until(approval, timedelta(seconds=config.twap_duration_seconds))
        if approval.state is ApprovalState.EXECUTING and now > cover:
            return await self._desk.finish(approval, "its time was used up", events=self._events)
        return False

    def _with_rejection(self, mind: Memory, rejected: Approval | None, config: HedgeConfig, now: datetime) -> Memory:
        """Worked out anew from the row each time, so that a crash after the tap forgets nothing."""
        if rejected is None or rejected.decided_at is None:
            return mind
        at_ms, snooze_ms = milliseconds(rejected.decided_at), config.reject_snooze_seconds * 1000
        if mind.snooze.until_ms >= at_ms + snooze_ms or milliseconds(now) >= at_ms + snooze_ms:
            return mind
        size = to_steps(rejected.quantity_base, self._step_base)
        return memory.rejected(mind, side=rejected.side.sign, size_steps=size, now_ms=at_ms, snooze_ms=snooze_ms)

    def _with_silence(self, mind: Memory, approval: Approval, config: HedgeConfig, now: datetime) -> Memory:
        return unanswered(
            mind,
            side=approval.side.sign,
            size_steps=to_steps(approval.quantity_base, self._step_base),
            now_ms=milliseconds(now),
            partial=config.approval_on_timeout == "partial",
        )
