"""Keeps tasks alive: one that fails, hangs or ends is told, started again for ever, and told again when it works.

A task that is ended while it hangs is left as a kill of the program leaves it: what it had sent is in the journal, and
the journal decides what follows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import structlog

from core.cancellation import all_of, until_one_ends
from core.clock import Clock, real_s
from core.errors import InvariantBroken, LpHedgeError, Transient
from core.events import Event, EventKind
from core.hedging.states import Reason
from core.ports import EventLog

FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0
# Over its own pace, until a task that completes no turn counts as dead.
TURN_ALLOWANCE_S = 60.0
# Beyond what is allowed, of the machine's own time, until it is ended and started again: slow answers alone add up to
# less.
HUNG_AFTER_S = 120.0
# A database that hangs must not keep a task from being started again.
TELL_WITHIN_S = 10.0

Work = Callable[[], Awaitable[None]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that is to go on for ever.

    `every_s`: `work` is one turn, taken again so long after the last one; None: `work` goes on by itself.
    `allowed_s`: the age of the last completed turn at which it no longer counts as alive, read at each use; None: it
    waits for what may never come, and only has to run. Who works in turns of its own calls `Supervisor.worked`.
    `hedge`: whom its failure suspends.
    """

    name: str
    work: Work
    every_s: float | None = None
    allowed_s: Callable[[], float] | None = None
    hedge: str | None = None

    @property
    def allowance_s(self) -> float | None:
        if self.allowed_s is not None:
            return self.allowed_s()
        return None if self.every_s is None else self.every_s + TURN_ALLOWANCE_S


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


class Hung(Transient):
    """A task completed no turn for so long that it was ended."""


class Supervisor:
    """`halt` is called with the words of an InvariantBroken: what cannot be true ends all trading. Without one, as for
    tasks that keep no books, it is a failure as any other.

    `events` keeps what is appended from the first moment on, also when it takes long to write it down.
    """

    def __init__(self, *, events: EventLog, clock: Clock, halt: Callable[[str], Awaitable[None]] | None = None) -> None:
        self._events = events
        self._halt = halt
        self._clock = clock
        self._kept: dict[str, Task] = {}
        self._failing: dict[str, str] = {}
        self._told: set[str] = set()
        self._began_s: dict[str, float] = {}
        self._turned_s: dict[str, float] = {}

    def lives(self) -> tuple[TaskLife, ...]:
        """Every task that was started."""
        return tuple(map(self._life, self._kept.values()))

    def _life(self, task: Task) -> TaskLife:
        now_s, turned_s, allowed_s = self._clock.monotonic_s(), self._turned_s.get(task.name), task.allowance_s
        turn_age_s = None if turned_s is None or allowed_s is None else now_s - turned_s
        return TaskLife(task.name, now_s - self._began_s[task.name], turn_age_s, allowed_s, self.trouble(task.name))

    def trouble(self, name: str) -> str | None:
        """Why a task fails at present, a sentence without secrets; None while it works."""
        return self._failing.get(name)

    async def keep(self, task: Task) -> None:
        """Until cancelled. Waits 1, 2, 4 ... 60 s after failures; a minute of work begins the waits anew."""
        wait_s, self._kept[task.name] = FIRST_RETRY_S, task
        while True:
            began_s = self._began_s[task.name] = self._clock.monotonic_s()
            try:
                await until_one_ends(self._turns(task) if task.every_s is not None else task.work(), self._watch(task))
                await self._failed(task, RuntimeError("it ended, and was to go on for ever"))
            except Hung:
                pass  # told already
            except asyncio.CancelledError:
                if (me := asyncio.current_task()) is None or me.cancelling():
                    raise
                await self._failed(task, RuntimeError("it was cancelled by none of those who may"))
            except Exception as error:  # noqa: BLE001 - border: task supervisor
                await self._failed(task, error)
            if self._clock.monotonic_s() - began_s > LONGEST_RETRY_S:
                wait_s = FIRST_RETRY_S
            await self._clock.sleep(wait_s)
            wait_s = min(LONGEST_RETRY_S, wait_s * 2)

    async def worked(self, name: str) -> None:
        """The task got through one turn."""
        self._turned_s[name] = self._clock.monotonic_s()
        if self._failing.pop(name, None) is not None and name in self._told:
            self._told.remove(name)
            await self._tell(self._kept[name], None)

    async def _turns(self, task: Task) -> None:
        assert task.every_s is not None
        while True:
            await task.work()
            await self.worked(task.name)
            await self._clock.sleep(task.every_s)

    async def _watch(self, task: Task) -> None:
        """Raises Hung when turns stay away. A task without turns works again once it has run for a minute."""
        if task.allowance_s is None and task.name in self._failing:
            await self._clock.sleep(LONGEST_RETRY_S)
            await self.worked(task.name)
        while (allowance_s := task.allowance_s) is not None:
            seen_s, limit_s = self._turned_s.get(task.name), real_s(self._clock, allowance_s) + HUNG_AFTER_S
            # Of the event loop's time: a market's time may run faster than the answers to a request come.
            await asyncio.sleep(limit_s)
            if self._turned_s.get(task.name) == seen_s:
                hung = Hung(f"{task.name} got nowhere for {limit_s:.0f} s, and is started again")
                await self._failed(task, hung)  # told before its end, which may be long in coming
                if self._turned_s.get(task.name) == seen_s:  # or it has come through while that was told
                    raise hung
        await asyncio.Event().wait()

    async def _failed(self, task: Task, error: Exception) -> None:
        known, name = isinstance(error, LpHedgeError), task.name
        why = (
            str(error) if known else f"an unexpected failure in {name}, a fault of this program; the log has its trace"
        )
        log.error("task failed", task=name, why=why, exc_info=None if known else error)
        self._failing[name] = why
        try:
            async with asyncio.timeout(TELL_WITHIN_S):
                await all_of(self._consequences(task, error, why))
        except TimeoutError:
            log.error("the failure waits to be told", task=name)
        except LpHedgeError as second:
            log.error("the failure could not be told", task=name, why=str(second))

    def _consequences(self, task: Task, error: Exception, why: str) -> Iterator[Awaitable[None]]:
        """To be begun at once: that the stop cannot be written down must not keep anybody from hearing of it."""
        if isinstance(error, InvariantBroken) and self._halt is not None:
            yield self._halt(why)
        if task.name not in self._told:
            self._told.add(task.name)  # the log has it before it is written, and tells it however long that takes
            yield self._tell(task, why)

    async def _tell(self, task: Task, why: str | None) -> None:
        """`why`: it fails; None: it works again."""
        kinds = (EventKind.TASK_FAILED, EventKind.TASK_RECOVERED)
        data = {"task": task.name} | ({"detail": why} if why else {})
        if task.hedge is not None:
            kinds = (EventKind.SUSPENDED, EventKind.RECOVERED)
            data = {"reason": Reason.EVALUATION_FAILED.text, "detail": why or Reason.EVALUATION_FAILED.explanation}
        await self._events.append(Event(kinds[0] if why else kinds[1], task.hedge, self._clock.now(), data))
