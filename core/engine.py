"""The engine: one loop per hedge, one for the operator's commands, all supervised."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import structlog

from core.clock import Clock
from core.command_desk import CommandDesk
from core.errors import InvariantBroken
from core.hedge import Hedge
from core.status import HedgeStatus

COMMAND_POLL_S = 0.4
SHORTEST_PAUSE_S = 1.0
FIRST_RETRY_S = 1.0
LONGEST_RETRY_S = 60.0

log = structlog.get_logger(__name__)


class Engine:
    """Evaluates every hedge at its own pace, at once when woken by an operator, else at most once a second."""

    def __init__(self, *, runners: Mapping[str, Hedge], commands: CommandDesk, clock: Clock) -> None:
        self._runners = runners
        self._commands = commands
        self._clock = clock
        self._woken = {name: asyncio.Event() for name in runners}
        self._commands_woken = asyncio.Event()

    def hedge_names(self) -> tuple[str, ...]:
        return tuple(self._runners)

    def statuses(self) -> tuple[HedgeStatus, ...]:
        return tuple(runner.status() for runner in self._runners.values())

    def wake(self, hedge: str | None = None) -> None:
        self._commands_woken.set()
        for name, woken in self._woken.items():
            if hedge in (None, name):
                woken.set()

    def stalled(self, allowance_s: float) -> tuple[str, ...]:
        """Hedges that completed no evaluation within their own pace and this allowance."""
        now_s = self._clock.monotonic_s()
        return tuple(
            name
            for name, runner in self._runners.items()
            if runner.evaluated_at_s is None or now_s - runner.evaluated_at_s > runner.pause_s() + allowance_s
        )

    async def run(self) -> None:
        """Until cancelled. A loop that fails is tried again for ever; the others go on meanwhile."""
        # A halt that was written while nothing ran counts before the first look.
        await self._commands.consume()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._supervise("commands", self._run_commands))
            for runner in self._runners.values():
                tasks.create_task(self._supervise(f"hedge {runner.name}", partial(self._run_hedge, runner)))

    async def cycle(self) -> None:
        """One evaluation of everything, in turn: for a driver that owns the time."""
        await self._commands.consume()
        for runner in self._runners.values():
            await runner.evaluate()

    async def _run_hedge(self, runner: Hedge) -> None:
        woken = self._woken[runner.name]
        while True:
            woken.clear()
            await runner.evaluate()
            await self._pause(woken, max(SHORTEST_PAUSE_S, runner.pause_s()))

    async def _run_commands(self) -> None:
        while True:
            self._commands_woken.clear()
            for hedge in await self._commands.consume():
                self._woken[hedge].set()
            await self._pause(self._commands_woken, COMMAND_POLL_S)

    async def _pause(self, woken: asyncio.Event, seconds_s: float) -> None:
        waits = [asyncio.ensure_future(woken.wait()), asyncio.ensure_future(self._clock.sleep(seconds_s))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _supervise(self, name: str, loop: Callable[[], Awaitable[None]]) -> None:
        """A border where anything may arrive: it is logged with its trace, shown, and the loop begins again."""
        wait_s = FIRST_RETRY_S
        while True:
            began_s = self._clock.monotonic_s()
            try:
                await loop()
            except InvariantBroken as broken:
                log.critical("invariant broken", task=name, error=str(broken))
                await self._commands.halt_all(f"{broken}")
            except Exception as error:
                log.exception("task failed", task=name, error=type(error).__name__, retry_s=wait_s)
            if self._clock.monotonic_s() - began_s > LONGEST_RETRY_S:
                wait_s = FIRST_RETRY_S
            await self._clock.sleep(wait_s)
            wait_s = min(LONGEST_RETRY_S, wait_s * 2)
