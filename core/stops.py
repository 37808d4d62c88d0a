"""Who is halted or paused: known and shown whatever else fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from core.hedge_memory import from_json
from core.hedging.kernel_types import Memory
from core.hedging.states import Reason, State
from core.ports import HedgeMemory
from core.status import HedgeStatus


class Stops:
    """A `HedgeMemory` that notes of every hedge's memory, as it is loaded and saved, whether it is stopped.

    A memory whose writing fails counts: the hedge that holds it is stopped all the same, also once it is built anew.
    """

    def __init__(self, memory: HedgeMemory) -> None:
        self._memory = memory
        self._of: dict[str, Reason] = {}
        # By hedge, the memory that stops it, while it could not be written; and when it came to be.
        self._unwritten: dict[str, tuple[str, datetime]] = {}

    async def load(self, hedge: str) -> str | None:
        """Noted as it is read; a stop that could not be written is written first. Raises Transient while it cannot be,
        InvariantBroken for a text that is no memory.
        """
        if unwritten := self._unwritten.get(hedge):
            await self.save(hedge, *unwritten)
        text = await self._memory.load(hedge)
        if text:
            self._of[hedge] = stop_of(from_json(text).kernel)
        return text

    async def save(self, hedge: str, memory: str, at: datetime) -> None:
        """Noted before it is written, so that a full disk hides no halt."""
        stop = self._of[hedge] = stop_of(from_json(memory).kernel)
        if stop is not Reason.NONE:
            self._unwritten[hedge] = memory, at
        await self._memory.save(hedge, memory, at)
        self._unwritten.pop(hedge, None)

    def of(self, hedge: str) -> Reason:
        """HALTED, PAUSED or NONE."""
        return self._of.get(hedge, Reason.NONE)


def stop_of(kernel: Memory) -> Reason:
    """HALTED, PAUSED or NONE."""
    if kernel.halted:
        return Reason.HALTED
    return Reason.PAUSED if kernel.paused else Reason.NONE


def shown_stopped(status: HedgeStatus, stop: Reason) -> HedgeStatus:
    """A suspended hedge that was stopped says so first; why it could not go on anyway is the detail.

    One that trades in spite of it, as /flatten does, is left as it is.
    """
    if stop is Reason.NONE or status.state != State.SUSPENDED.text or status.reason == stop.text:
        return status
    return replace(status, reason=stop.text, detail=status.detail or _explained(status.reason))


def _explained(reason: str) -> str:
    """In the program's own long words; a start is no trouble."""
    known = next((each for each in Reason if each.text == reason), Reason.NONE)
    return "" if known in (Reason.NONE, Reason.STARTING) else known.explanation
