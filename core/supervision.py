"""Keeps loops alive: one that fails is told, tried again for ever, and told again when it works."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from core.clock import Clock
from core.errors import InvariantBroken, LpHedgeError
from core.events import Event, EventKind
from core.hedging.states import Reason
from core.ports import EventLog

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0

log = structlog.get_logger(__name__)


class Supervisor:
    """`halt` is called with the words of an InvariantBroken: what cannot be true ends all trading."""

    def __init__(self, *, events: EventLog, halt: Callable[[str], Awaitable[None]], clock: Clock) -> None:
        self._events = events
        self._halt = halt
        self._clock = clock
        self._failing: dict[str, str] = {}

    def trouble(self, task: str) -> str | None:
        """Why a task fails at present, a sentence without secrets; None while it works."""
        return self._failing.get(task)

    async def keep(self, task: str, loop: Callable[[], Awaitable[None]], *, hedge: str | None) -> None:
        """Until cancelled. Waits 1, 2, 4 ... 60 s after failures; a minute of work begins the waits anew."""
        wait_s = FIRST_RETRY_S
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await loop()
            except Exception as error:  # noqa: BLE001 - border: task supervisor
                await self._failed(task, hedge, error)
            if self._clock.monotonic_s() - began_s > LONGEST_RETRY_S:
                wait_s = FIRST_RETRY_S
            await self._clock.sleep(wait_s)
            wait_s = min(LONGEST_RETRY_S, wait_s * 2)

    async def worked(self, task: str, *, hedge: str | None) -> None:
        """The task got through one turn."""
        if self._failing.pop(task, None) is not None:
            await self._tell(EventKind.RECOVERED, hedge, Reason.EVALUATION_FAILED.explanation)

    async def _failed(self, task: str, hedge: str | None, error: Exception) -> None:
        known = isinstance(error, LpHedgeError)
        why = (
            str(error) if known else f"an unexpected failure in {task}, a fault of this program; the log has its trace"
        )
        log.error("task failed", task=task, why=why, exc_info=None if known else error)
        first = task not in self._failing
        self._failing[task] = why
        try:
            if isinstance(error, InvariantBroken):
                await self._halt(why)
            if first:
                await self._tell(EventKind.SUSPENDED, hedge, why)
        except LpHedgeError as second:
            log.error("the failure could not be told", task=task, why=str(second))

    async def _tell(self, kind: EventKind, hedge: str | None, detail: str) -> None:
        data = {"reason": Reason.EVALUATION_FAILED.text, "detail": detail}
        await self._events.append(Event(kind, hedge, self._clock.now(), data))
