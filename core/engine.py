"""The engine: one loop per hedge, one for the operator's commands, all supervised."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from core.cancellation import until_one_ends, until_one_fails
from core.clock import Clock, network_s
from core.command_desk import CommandDesk
from core.errors import LpHedgeError
from core.facts import Market
from core.hedge import Hedge
from core.hedging.states import Reason, State
from core.outlook import Outlook
from core.ports import EventLog
from core.status import HedgeStatus
from core.stops import shown_stopped
from core.supervision import TURN_ALLOWANCE_S, Supervisor, Task, TaskLife

COMMAND_POLL_S = 0.4
SHORTEST_PAUSE_S = 1.0
TAKE_BACK_WITHIN_S = 2.5
COMMANDS = "commands"


class Engine:
    """Evaluates every hedge at its own pace, at once when woken by an operator, else at most once a second."""

    def __init__(
        self,
        *,
        runners: Mapping[str, Hedge],
        commands: CommandDesk,
        events: EventLog,
        clock: Clock,
        beside: Sequence[Task] = (),
        stop_of: Callable[[str], Reason] = lambda _hedge: Reason.NONE,
        evaluated: Callable[[], None] = lambda: None,
    ) -> None:
        """`beside`: what else is to be kept running. `stop_of`: HALTED, PAUSED or NONE of a hedge now.
        `evaluated`: called after each evaluation of a hedge.
        """
        self._runners = runners
        self._beside = tuple(beside)
        self._stop_of = stop_of
        self._evaluated = evaluated
        self._commands = commands
        self._clock = clock
        self._woken = {name: asyncio.Event() for name in runners}
        self._stirred = {name: asyncio.Event() for name in runners}
        self._commands_woken = asyncio.Event()
        self._commands_read = asyncio.Event()
        self._supervisor = Supervisor(events=events, halt=commands.halt_all, clock=clock)

    @property
    def beside(self) -> tuple[Task, ...]:
        """For a driver that owns the time: what is to run beside its cycles."""
        return self._beside

    def hedge_names(self) -> tuple[str, ...]:
        return tuple(self._runners)

    def statuses(self) -> tuple[HedgeStatus, ...]:
        return tuple(self._status(runner) for runner in self._runners.values())

    def outlook(self, hedge: str) -> Outlook | None:
        return self._runners[hedge].outlook() if hedge in self._runners else None

    def wake(self, hedge: str | None = None) -> None:
        self._commands_woken.set()
        for name, woken in self._woken.items():
            if hedge in (None, name):
                woken.set()

    async def halt(self, words: Sequence[str], by: str) -> str:
        return await self._commands.halt_without_a_row(words, by)

    def stir(self, hedge: str) -> None:
        """Something moved: look at this hedge now, or a second after its last look, at all that moved meanwhile."""
        self._stirred[hedge].set()

    def is_concerned(self, hedge: str, market: Market) -> bool:
        return self._runners[hedge].is_moved_by(market)

    def stalled(self, allowance_s: float) -> tuple[str, ...]:
        """Hedges that completed no evaluation within their own pace and this allowance, and what fails by our fault."""
        now_s = self._clock.monotonic_s()
        late = (
            name
            for name, runner in self._runners.items()
            if runner.evaluated_at_s is None or now_s - runner.evaluated_at_s > runner.pause_s() + allowance_s
        )
        failing = (name for name in (COMMANDS, *self._runners) if self._supervisor.trouble(name) is not None)
        return tuple(dict.fromkeys((*late, *failing)))

    def lives(self) -> tuple[TaskLife, ...]:
        """Every task that `run` keeps, once it has begun. A hedge has completed no turn before it has evaluated once,
        however often its exchange was asked in vain.
        """
        idle = {name for name, runner in self._runners.items() if runner.evaluated_at_s is None}
        return tuple(replace(life, turn_age_s=None) if life.task in idle else life for life in self._supervisor.lives())

    async def run(self) -> None:
        """Until cancelled. A task that fails is tried again for ever; the others go on meanwhile."""
        commands = Task(COMMANDS, self._run_commands, allowed_s=lambda: network_s(self._clock, TURN_ALLOWANCE_S))
        hedges = (self._task_of(runner) for runner in self._runners.values())
        await until_one_fails(*map(self._supervisor.keep, (commands, *self._beside, *hedges)))

    def _task_of(self, runner: Hedge) -> Task:
        def allowed_s() -> float:
            return runner.pause_s() + network_s(self._clock, TURN_ALLOWANCE_S)

        return Task(runner.name, partial(self._run_hedge, runner), allowed_s=allowed_s, hedge=runner.name)

    async def take_back(self) -> tuple[str, ...]:
        """Before the end, once `run` has ended: take back what rests. The hedges of which something may rest still."""
        took_back = await asyncio.gather(*(self._took_back(runner) for runner in self._runners.values()))
        return tuple(name for name, done in zip(self._runners, took_back, strict=True) if not done)

    async def _took_back(self, runner: Hedge) -> bool:
        try:
            async with asyncio.timeout(TAKE_BACK_WITHIN_S):
                return await runner.take_back()
        except (LpHedgeError, TimeoutError):
            return False

    async def cycle(self) -> None:
        """One evaluation of everything, in turn: for a driver that owns the time."""
        await self.carry_out_commands()
        for runner in self._runners.values():
            await runner.evaluate()

    async def carry_out_commands(self) -> None:
        """What waits in the queue, for such a driver."""
        await self._commands.consume()

    async def carry_out_halts(self) -> None:
        """Of what waits, that alone."""
        await self._commands.consume_halts()

    def _status(self, runner: Hedge) -> HedgeStatus:
        """A hedge whose evaluation fails does not go on showing its last decision; a stop is shown before all else."""
        status, trouble = runner.status(), self._supervisor.trouble(runner.name)
        if trouble is not None:
            status = replace(status, state=State.SUSPENDED.text, reason=Reason.EVALUATION_FAILED.text, detail=trouble)
        return shown_stopped(status, self._stop_of(runner.name))

    async def _run_hedge(self, runner: Hedge) -> None:
        # A halt that was written while nothing ran counts before the first look.
        await self._commands_read.wait()
        woken, stirred = self._woken[runner.name], self._stirred[runner.name]
        while True:
            woken.clear()
            stirred.clear()
            await runner.evaluate()
            self._evaluated()
            await self._supervisor.worked(runner.name)
            due_s = self._next_turn_s(runner.pause_s())
            await self._pause(SHORTEST_PAUSE_S, woken)
            if not woken.is_set() and (left_s := due_s - self._clock.monotonic_s()) > 0:
                await self._pause(left_s, woken, stirred)

    def _next_turn_s(self, pause_s: float) -> float:
        """When a hedge of this pace is looked at next: hedges of one pace take their turns together, and so share one
        read of their chain, whatever made one of them look in between."""
        now_s = self._clock.monotonic_s()
        if pause_s <= SHORTEST_PAUSE_S:
            return now_s
        return math.ceil((now_s + SHORTEST_PAUSE_S) / pause_s) * pause_s

    async def _run_commands(self) -> None:
        while True:
            self._commands_woken.clear()
            await self._consume()
            self._commands_read.set()
            await self._supervisor.worked(COMMANDS)
            await self._pause(COMMAND_POLL_S, self._commands_woken)

    async def _consume(self) -> None:
        """While a command takes its time, halts that come meanwhile are carried out."""
        working = asyncio.create_task(self._commands.consume())
        await until_one_ends(working, self._watch_for_halts())
        self._look_again(working.result())

    async def _watch_for_halts(self) -> tuple[str, ...]:
        while True:
            await self._clock.sleep(COMMAND_POLL_S)
            self._look_again(await self._commands.consume_halts())

    def _look_again(self, hedges: Iterable[str]) -> None:
        for hedge in hedges:
            self._woken[hedge].set()

    async def _pause(self, seconds_s: float, *or_until: asyncio.Event) -> None:
        waits: list[asyncio.Future[object]] = [asyncio.ensure_future(event.wait()) for event in or_until]
        waits.append(asyncio.ensure_future(self._clock.sleep(seconds_s)))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
