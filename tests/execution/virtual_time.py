"""Time that passes only when everything waits for it, so that a history of hours is exact, quick and repeatable.

The event loop's own timers run on it: what is slept, a request's time limit and an answer that never comes all take
their full time, and none of it is waited for.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

# Any moment will do, as long as it is always the same.
START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """For what needs neither sockets nor threads: when nothing is ready, the next timer's hour has come."""

    elapsed_s = 0.0

    def __init__(self) -> None:
        super().__init__(_Leap(self))

    def time(self) -> float:
        return self.elapsed_s


class _Leap(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits for something that will never come")
        self._loop.elapsed_s += max(0.0, timeout)
        return []


class VirtualClock:
    """A `core.clock.Clock` over the loop's time; `wall_offset_s` is by how much this machine's clock is wrong."""

    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop
        self.wall_offset_s = 0.0

    def true_now(self) -> datetime:
        return START + timedelta(seconds=self._loop.elapsed_s)

    def now(self) -> datetime:
        return self.true_now() + timedelta(seconds=self.wall_offset_s)

    def monotonic_s(self) -> float:
        return self._loop.elapsed_s

    async def sleep(self, seconds_s: float) -> None:
        await asyncio.sleep(seconds_s)

    async def pass_time(self, seconds_s: float) -> None:
        await asyncio.sleep(seconds_s)

    def skip(self, seconds_s: float) -> None:
        """As when the machine was asleep: timers that were due meanwhile are late."""
        self._loop.elapsed_s += seconds_s


def run_on(loop: VirtualLoop, work: Coroutine[Any, Any, T]) -> T:
    """To its end, and what it left running goes on the next time."""
    return loop.run_until_complete(work)


def wind_up(loop: VirtualLoop) -> None:
    """Everything that still waits is told to end, then the loop is closed."""
    waiting = asyncio.all_tasks(loop)
    for task in waiting:
        task.cancel()
    if waiting:
        loop.run_until_complete(asyncio.gather(*waiting, return_exceptions=True))
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
