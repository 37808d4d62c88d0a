"""The queue behind getUpdates: confirmation by offset, sticky filter, one poller at a time, 24 hours of memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tests.rigs.telegram.errors import ApiError

_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_NOT_BY_DEFAULT = {"chat_member", "message_reaction", "message_reaction_count"}
KEPT_S = 86_400.0


class UpdateQueue:
    """All methods are called with `changed` held; `poll` lets go of it while it waits."""

    def __init__(self, changed: threading.Condition) -> None:
        self._changed = changed
        self._pending: list[dict[str, object]] = []
        self._next_id = 700_000_001
        self._allowed: set[str] = set()
        self._newest_poll = 0
        self.polls = 0
        self.confirmed = 0
        self.delivered: set[int] = set()
        self.dropped = 0

    def push(self, kind: str, content: object, *, age_s: float = 0.0) -> int:
        """Queues an update unless the bot's filter or Telegram's 24 hours exclude it; its id is returned either way."""
        update_id = self._next_id
        self._next_id += 1
        if self._wanted(kind) and age_s < KEPT_S:
            self._pending.append({"update_id": update_id, kind: content})
            self._changed.notify_all()
        return update_id

    def repeat(self, update: dict[str, object]) -> None:
        """Delivers an already confirmed update again, as happens rarely after a server's failure."""
        self._pending.insert(0, update)
        self._changed.notify_all()

    def drop_all(self) -> None:
        self.dropped += len(self._pending)
        self._pending.clear()

    def allow(self, kinds: object) -> None:
        if isinstance(kinds, list):
            self._allowed = {str(kind) for kind in kinds}

    def pending(self) -> list[dict[str, object]]:
        return list(self._pending)

    def poll(self, offset: int, limit: int, timeout_s: float, broken: Callable[[], bool]) -> list[dict[str, object]]:
        """Waits for updates; ends early when `broken` says so, with 409 when a newer poll has arrived."""
        self.polls += 1
        self._newest_poll = mine = self._newest_poll + 1
        self._changed.notify_all()
        self._confirm(offset)
        deadline = time.monotonic() + timeout_s
        while not self._pending and not broken():
            if mine != self._newest_poll:
                raise ApiError(409, _CONFLICT)
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                break
            self._changed.wait(left_s)
        if mine != self._newest_poll:
            raise ApiError(409, _CONFLICT)
        found = self._pending[: max(1, min(limit, 100))]
        self.delivered.update(int(str(update["update_id"])) for update in found)
        return found

    def _wanted(self, kind: str) -> bool:
        return kind in self._allowed if self._allowed else kind not in _NOT_BY_DEFAULT

    def _confirm(self, offset: int) -> None:
        if offset < 0:
            kept = self._pending[offset:]
        else:
            kept = [update for update in self._pending if int(str(update["update_id"])) >= offset]
        self.confirmed += len(self._pending) - len(kept)
        self._pending = kept
