"""How long to leave the venue alone after it did not take an order."""

from __future__ import annotations

from core.clock import Clock

LONGEST_S = 60.0
MOST_DOUBLINGS = 20


class BackOff:
    """Doubling waits that progress ends; by the monotonic clock, so that a jump of the wall clock changes nothing."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until_s: float | None = None
        self.failures = 0

    @property
    def waiting(self) -> bool:
        """Whether the pause after the last failure, or after the last progress, is not over yet."""
        return self._until_s is not None and self._clock.monotonic_s() < self._until_s

    def failed(self, first_s: float, *, asked_s: float | None = None) -> None:
        """Wait `first_s`, doubled with every failure in a row up to a minute, or what the venue asked for if longer."""
        wait_s = min(LONGEST_S, first_s * 2 ** min(self.failures, MOST_DOUBLINGS))
        self.failures += 1
        self._until_s = self._clock.monotonic_s() + max(wait_s, asked_s or 0.0)

    def progressed(self, pause_s: float = 0.0) -> None:
        """Failures are counted from zero again; the next try still waits for `pause_s`."""
        self.failures = 0
        self._until_s = self._clock.monotonic_s() + pause_s
