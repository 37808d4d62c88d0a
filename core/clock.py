"""The one place that reads a clock. Everything else is given a `Clock`."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

LEAST_LEAP = timedelta(seconds=5)
# Where there is one, the clock that goes on while the machine sleeps: what was true before is old when it wakes.
STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class Clock(Protocol):
    def now(self) -> datetime:
        """The wall clock, aware, UTC. It may jump."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never run backwards; only differences mean something."""
        ...

    async def sleep(self, seconds_s: float) -> None: ...


class SteadyTime:
    """The wall clock's time when this was made, and what has passed since: for durations within one process, however
    the wall clock is set meanwhile."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began, self._began_s = clock.now(), clock.monotonic_s()

    def now(self) -> datetime:
        return self._began + timedelta(seconds=self._clock.monotonic_s() - self._began_s)

    def at(self, wall: datetime) -> datetime:
        """The moment that the wall clock, as it is set now, calls `wall`."""
        return self.now() + (wall - self._clock.now())


class Leaps:
    """How the wall clock was set while this process ran. Shared by all whose times are compared with each other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._steady = SteadyTime(clock)
        self._total = timedelta(0)

    def total(self) -> timedelta:
        """How far it was set forward in all, back being negative. It changes by `LEAST_LEAP` or more, so that between
        two leaps what is moved by it keeps its time, and is of whole milliseconds."""
        ahead = self._clock.now() - self._steady.now()
        if abs(ahead - self._total) >= LEAST_LEAP:
            self._total = ahead - ahead % timedelta(milliseconds=1)
        return self._total


class NewLeaps:
    """Of these, how far the wall clock was set since it was last asked."""

    def __init__(self, leaps: Leaps) -> None:
        self._leaps = leaps
        self._known = leaps.total()

    def take(self) -> timedelta:
        known, self._known = self._known, self._leaps.total()
        return self._known - known


def at_ms(milliseconds: int) -> datetime:
    """The moment so long after the epoch, aware, UTC, to the millisecond."""
    return datetime.fromtimestamp(milliseconds // 1000, UTC) + timedelta(milliseconds=milliseconds % 1000)


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic_s(self) -> float:
        return time.clock_gettime(STEADY)

    async def sleep(self, seconds_s: float) -> None:
        await asyncio.sleep(seconds_s)


class PacedClock:
    """`speed_s` of its seconds pass in each one of `real`, from the moment `met` on, when it tells `start`. Sleeps are
    that much shorter.

    `met` None: now. Programs that are given the same three tell the same time, also after a restart.
    """

    def __init__(self, real: Clock, *, start: datetime, speed_s: float, met: datetime | None = None) -> None:
        if not speed_s > 0:
            raise ValueError(f"a speed must be above zero, was {speed_s}")
        self._real = real
        self._start = start
        self.speed_s = speed_s
        self._met = met or real.now()
        self._began_s = real.monotonic_s()

    def now(self) -> datetime:
        return self._start + (self._real.now() - self._met) * self.speed_s

    def monotonic_s(self) -> float:
        return (self._real.monotonic_s() - self._began_s) * self.speed_s

    async def sleep(self, seconds_s: float) -> None:
        await self._real.sleep(seconds_s / self.speed_s)

    def ahead_of_real(self) -> timedelta:
        return self.now() - self._real.now()


def speed_s(clock: Clock) -> float:
    """How many of its seconds pass in each one of the machine's."""
    return clock.speed_s if isinstance(clock, PacedClock) else 1.0


def network_s(clock: Clock, seconds_s: float) -> float:
    """By the clock, how long so many seconds of a network last: no network is faster where the clock is."""
    return seconds_s * speed_s(clock)


def real_s(clock: Clock, seconds_s: float) -> float:
    """The other way: how many of the machine's seconds pass meanwhile."""
    return seconds_s / speed_s(clock)


def ahead_of_system(clock: Clock) -> timedelta:
    """Of what a library reads of the system by itself."""
    return clock.ahead_of_real() if isinstance(clock, PacedClock) else timedelta(0)


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
