"""Keeps loops alive: one that fails is told, tried again for ever, and told again when it works."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import structlog

from core.cancellation import until_one_ends
from core.clock import Clock
from core.errors import InvariantBroken, LpHedgeError
from core.events import Event, EventKind
from core.hedging.states import Reason
from core.ports import EventLog

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class TaskLife:
    """A kept task at one moment. `runs_for_s`: since its last start.

    Of a task that works in turns: `turn_age_s` since it last completed one, None before the first, and the age
    `allowed_s` at which it no longer counts as alive. Both None: it only has to run.
    """

    task: str
    runs_for_s: float
    turn_age_s: float | None = None
    allowed_s: float | None = None
    trouble: str | None = None

    @property
    def is_well(self) -> bool:
        age_s = self.runs_for_s if self.turn_age_s is None else self.turn_age_s
        return self.trouble is None and (self.allowed_s is None or age_s <= self.allowed_s)


class Supervisor:
    """`halt` is called with the words of an InvariantBroken: what cannot be true ends all trading."""

    def __init__(self, *, events: EventLog, halt: Callable[[str], Awaitable[None]], clock: Clock) -> None:
        self._events = events
        self._halt = halt
        self._clock = clock
        self._failing: dict[str, str] = {}
        self._began_s: dict[str, float] = {}
        self._turned_s: dict[str, float] = {}

    def lives(self, allowed_s: Mapping[str, float]) -> tuple[TaskLife, ...]:
        """Every task that was started; `allowed_s` of those that work in turns."""
        return tuple(self._life(task, allowed_s.get(task)) for task in self._began_s)

    def _life(self, task: str, allowed_s: float | None) -> TaskLife:
        now_s, turned_s = self._clock.monotonic_s(), self._turned_s.get(task)
        turn_age_s = None if turned_s is None or allowed_s is None else now_s - turned_s
        return TaskLife(task, now_s - self._began_s[task], turn_age_s, allowed_s, self._failing.get(task))

    def trouble(self, task: str) -> str | None:
        """Why a task fails at present, a sentence without secrets; None while it works."""
        return self._failing.get(task)

    async def keep(
        self, task: str, loop: Callable[[], Awaitable[None]], *, hedge: str | None, in_turns: bool = False
    ) -> None:
        """Until cancelled. Waits 1, 2, 4 ... 60 s after failures; a minute of work begins the waits anew.

        `in_turns`: the loop calls `worked` after each of its turns; one that does not has worked after such a minute.
        """
        wait_s = FIRST_RETRY_S
        while True:
            began_s = self._began_s[task] = self._clock.monotonic_s()
            try:
                await (loop() if in_turns or task not in self._failing else self._watched(task, loop, hedge))
            except Exception as error:  # noqa: BLE001 - border: task supervisor
                await self._failed(task, hedge, error)
            if self._clock.monotonic_s() - began_s > LONGEST_RETRY_S:
                wait_s = FIRST_RETRY_S
            await self._clock.sleep(wait_s)
            wait_s = min(LONGEST_RETRY_S, wait_s * 2)

    async def worked(self, task: str, *, hedge: str | None) -> None:
        """The task got through one turn."""
        self._turned_s[task] = self._clock.monotonic_s()
        if self._failing.pop(task, None) is not None:
            await self._tell(EventKind.RECOVERED, hedge, Reason.EVALUATION_FAILED.explanation)

    async def _watched(self, task: str, loop: Callable[[], Awaitable[None]], hedge: str | None) -> None:
        async def outlive() -> None:
            await self._clock.sleep(LONGEST_RETRY_S)
            await self.worked(task, hedge=hedge)
            await asyncio.Event().wait()

        await until_one_ends(loop(), outlive())

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
