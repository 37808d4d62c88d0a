"""How late the event loop wakes its sleepers: what everything here waits for when one part does not let go."""

from __future__ import annotations

from collections import deque

from core.clock import Clock

BEAT_S = 1.0
BEATS_KEPT = 60


class LoopLag:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._late_s: deque[float] = deque(maxlen=BEATS_KEPT)

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            due_s = self._clock.monotonic_s() + BEAT_S
            await self._clock.sleep(BEAT_S)
            self._late_s.append(max(0.0, self._clock.monotonic_s() - due_s))

    def worst_s(self) -> float | None:
        """The latest of the last minute's; None before the first."""
        return max(self._late_s, default=None)
