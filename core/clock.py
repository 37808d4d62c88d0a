"""The one place that reads a clock. Everything else is given a `Clock`."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, aware, UTC. It may jump."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never run backwards; only differences mean something."""
        ...

    async def sleep(self, seconds_s: float) -> None: ...


def at_ms(milliseconds: int) -> datetime:
    """The moment so long after the epoch, aware, UTC, to the millisecond."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds_s: float) -> None:
        await asyncio.sleep(seconds_s)


class ManualClock:
    """Time that stands still until `advance`, for tests and for the fast demo.

    A sleeper wakes when time is moved past its hour. With `sleep_advances` a sleep moves the time itself and
    returns: right for one sequential driver, wrong for several concurrent sleepers.
    """

    def __init__(self, start: datetime, *, sleep_advances: bool = False) -> None:
        self._start = start
        self._now = start
        self._sleep_advances = sleep_advances
        self._sleepers: list[tuple[datetime, asyncio.Event]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic_s(self) -> float:
        return (self._now - self._start).total_seconds()

    async def sleep(self, seconds_s: float) -> None:
        if self._sleep_advances:
            self._now += timedelta(seconds=max(0.0, seconds_s))
            await asyncio.sleep(0)
            return
        woken = asyncio.Event()
        self._sleepers.append((self._now + timedelta(seconds=seconds_s), woken))
        await woken.wait()

    async def advance(self, seconds_s: float) -> None:
        """Move the time forward, waking each sleeper at its own hour and letting it run."""
        end = self._now + timedelta(seconds=seconds_s)
        while due := sorted((s for s in self._sleepers if s[0] <= end), key=lambda s: s[0]):
            at, woken = due[0]
            self._sleepers.remove(due[0])
            self._now = max(self._now, at)
            woken.set()
            await asyncio.sleep(0)
        self._now = end
        await asyncio.sleep(0)
