"""One limit of Binance's: how much may be sent in an interval, counted before it leaves."""

from __future__ import annotations

from collections import deque

from core.clock import Clock

SHORTEST_WAIT_S = 0.1


class Budget:
    """Reserved here first, so that requests that leave together cannot overshoot together; then corrected.

    The exchange counts by fixed intervals and sees what other programs of the same address or account send. We see
    what is under way. `used` is never less than our own sum over the last interval, wherever its intervals begin.
    """

    def __init__(self, interval_s: int, limit: int, clock: Clock) -> None:
        self.limit = limit
        self._length_s = interval_s
        self._clock = clock
        self._sent_at_s: deque[tuple[float, int]] = deque()
        self._under_way = 0
        self._interval = 0
        self._counted = 0

    @property
    def used(self) -> int:
        """The larger of two: the exchange's count with what is under way, and our own sum of the last interval."""
        return max(self._theirs(), self._ours())

    def wait_s(self, amount: int, share_pct: int = 100) -> float:
        """Until `amount` more may fit into that share of the limit; 0 when it does now."""
        waits_s = [0.0]
        if self._is_over(self._theirs() + amount, share_pct):
            waits_s.append(self._to_next_interval_s())
        if self._is_over(self._ours() + amount, share_pct):
            waits_s.append(self._to_oldest_gone_s())
        return max(waits_s)

    def reserve(self, amount: int) -> None:
        """It leaves now; every reservation is settled, however its request ends."""
        self._sent_at_s.append((self._clock.monotonic_s(), amount))
        self._under_way += amount

    def settle(self, amount: int, counted: int | None) -> None:
        """Its request ended. `counted`: the exchange's figure in the answer; without one it is taken to have counted.

        Answers overtake each other, so within an interval the figure only grows.
        """
        self._under_way -= amount
        known = self._known()
        self._interval, self._counted = self._present(), max(known, counted) if counted is not None else known + amount

    def _theirs(self) -> int:
        return self._known() + self._under_way

    def _ours(self) -> int:
        horizon_s = self._clock.monotonic_s() - self._length_s
        while self._sent_at_s and self._sent_at_s[0][0] <= horizon_s:
            self._sent_at_s.popleft()
        return sum(amount for _, amount in self._sent_at_s)

    def _known(self) -> int:
        return self._counted if self._interval == self._present() else 0

    def _present(self) -> int:
        return int(self._clock.now().timestamp()) // self._length_s

    def _is_over(self, amount: int, share_pct: int) -> bool:
        return amount * 100 > self.limit * share_pct

    def _to_next_interval_s(self) -> float:
        return max(SHORTEST_WAIT_S, (self._present() + 1) * self._length_s - self._clock.now().timestamp())

    def _to_oldest_gone_s(self) -> float:
        if not self._sent_at_s:
            return float(self._length_s)
        return max(SHORTEST_WAIT_S, self._sent_at_s[0][0] + self._length_s - self._clock.monotonic_s())
