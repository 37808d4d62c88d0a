"""What a person's word allows right now: the hedge's live approval, kept honest against time and the journal."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal

from core.approval_desk import ApprovalDesk
from core.config import HedgeConfig
from core.hedging import memory
from core.hedging.kernel_types import Memory
from core.kernel_facts import milliseconds, to_steps
from core.ports import Approval, ApprovalState

START_WITHIN = timedelta(seconds=60)


class Grants:
    """For one hedge. `refresh` answers with what the kernel's memory must learn of it."""

    def __init__(self, hedge: str, *, desk: ApprovalDesk, step_base: Decimal) -> None:
        self._hedge = hedge
        self._desk = desk
        self._step_base = step_base

    async def refresh(self, mind: Memory, config: HedgeConfig, now: datetime) -> tuple[Approval | None, Memory]:
        """The live approval, if any still is, and the memory with rejections and silence taken in."""
        mind = self._with_rejection(mind, await self._desk.latest(self._hedge), config, now)
        approval = await self._desk.live(self._hedge)
        if approval is None:
            return None, mind
        if mind.halted or mind.paused:
            ended = await self._desk.void(approval, "halted" if mind.halted else "paused")
            return (None, mind) if ended else await self.refresh(mind, config, now)
        if await self._desk.expire(approval):
            return None, self._with_silence(mind, approval, config, now)
        if await self._overdue(approval, config, now):
            return None, mind
        return approval, mind

    async def _overdue(self, approval: Approval, config: HedgeConfig, now: datetime) -> bool:
        """An approved plan starts within a minute or fails; a started one ends when its time is used up."""
        if approval.state is ApprovalState.APPROVED and approval.decided_at is not None:
            if now > approval.decided_at + START_WITHIN:
                return await self._desk.fail(approval, "it could not start within 60 s")
        if approval.state is ApprovalState.EXECUTING:
            if now > approval.expires_at + timedelta(seconds=config.twap_duration_seconds):
                return await self._desk.finish(approval, "its time was used up")
        return False

    def _with_rejection(self, mind: Memory, latest: Approval | None, config: HedgeConfig, now: datetime) -> Memory:
        """Worked out anew from the row each time, so that a crash after the tap forgets nothing."""
        if latest is None or latest.state is not ApprovalState.REJECTED or latest.decided_at is None:
            return mind
        at_ms, snooze_ms = milliseconds(latest.decided_at), config.reject_snooze_seconds * 1000
        if mind.snooze.until_ms >= at_ms + snooze_ms or milliseconds(now) >= at_ms + snooze_ms:
            return mind
        size = to_steps(latest.quantity_base, self._step_base)
        return memory.rejected(mind, side=latest.side.sign, size_steps=size, now_ms=at_ms, snooze_ms=snooze_ms)

    def _with_silence(self, mind: Memory, approval: Approval, config: HedgeConfig, now: datetime) -> Memory:
        return memory.unanswered(
            mind,
            side=approval.side.sign,
            size_steps=to_steps(approval.quantity_base, self._step_base),
            now_ms=milliseconds(now),
            partial=config.approval_on_timeout == "partial",
        )
