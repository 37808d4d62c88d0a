"""A clock that runs faster than another: an hour of the demo in a minute."""

from __future__ import annotations

from datetime import datetime

from core.clock import Clock


class PacedClock:
    """`speed` times as fast as `real`, from `start` on, counted from its making. Sleeps are that much shorter."""

    def __init__(self, real: Clock, *, start: datetime, speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"a speed must be above zero, was {speed}")
        self._real = real
        self._start = start
        self._speed = speed
        self._began = real.now()
        self._began_s = real.monotonic_s()

    def now(self) -> datetime:
        """A step of the real wall clock is multiplied too."""
        return self._start + (self._real.now() - self._began) * self._speed

    def monotonic_s(self) -> float:
        """Paced seconds since it was made."""
        return (self._real.monotonic_s() - self._began_s) * self._speed

    async def sleep(self, seconds_s: float) -> None:
        """For so many paced seconds."""
        await self._real.sleep(seconds_s / self._speed)
