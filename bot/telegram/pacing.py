"""How fast a chat may be written to: a few messages at once, then at Telegram's pace."""

from __future__ import annotations

from collections.abc import Sequence

from core.clock import Clock

# Telegram allows a group 20 messages a minute, a private chat about one a second.
GROUP_FACTOR = 3


class Buckets:
    """A token bucket for each chat. `refill_s`: for one message to a private chat; 0: no limit."""

    def __init__(self, clock: Clock, *, burst: int, refill_s: float) -> None:
        self._clock = clock
        self._burst = float(burst)
        self._refill_s = refill_s
        self._levels: dict[int, tuple[float, float]] = {}

    def wait_s(self, chats: Sequence[int]) -> float:
        """Until each of them may have one more."""
        if not self._refill_s:
            return 0.0
        return max((self._wait_s(chat_id) for chat_id in chats), default=0.0)

    def take(self, chats: Sequence[int]) -> None:
        """One message for each, whether or not there was room for it."""
        if self._refill_s:
            for chat_id in chats:
                self._levels[chat_id] = (self._level(chat_id) - 1, self._clock.monotonic_s())

    def _wait_s(self, chat_id: int) -> float:
        return max(0.0, (1 - self._level(chat_id)) * self._pace_s(chat_id))

    def _level(self, chat_id: int) -> float:
        level, at_s = self._levels.get(chat_id, (self._burst, self._clock.monotonic_s()))
        return min(self._burst, level + (self._clock.monotonic_s() - at_s) / self._pace_s(chat_id))

    def _pace_s(self, chat_id: int) -> float:
        return self._refill_s * (GROUP_FACTOR if chat_id < 0 else 1)
