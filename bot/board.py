"""What the pinned message shows now, stamped so that its age can be seen."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from bot.rendering.board import board_text
from bot.rendering.markup import italic, lines
from bot.rendering.numbers import hour
from bot.replies import Reply
from core.clock import Clock
from core.ports import EngineView
from core.status import HedgeStatus

# An unchanged board is stamped anew this often, as a sign of life.
STAMP_EVERY = timedelta(minutes=10)


class BoardContent:
    """Called for each refresh; gives the very same reply as long as nothing but the time has changed."""

    def __init__(self, engine: EngineView, *, mode: str, clock: Clock, zone: tzinfo) -> None:
        self._engine = engine
        self._mode = mode
        self._clock = clock
        self._zone = zone
        self._body = ""
        self._changed_at: datetime | None = None
        self._stamped_at: datetime | None = None
        self._shown: Reply | None = None

    def __call__(self) -> Reply | None:
        """None until there is something to tell."""
        statuses = self._engine.statuses()
        if not statuses:
            return None
        now, body = self._clock.now(), board_text(statuses, mode=self._mode, waiting=_waiting(statuses))
        if body != self._body or self._changed_at is None or now < self._changed_at:
            self._body, self._changed_at = body, now
        elif self._stamped_at is not None and now - self._stamped_at < STAMP_EVERY:
            return self._shown
        self._stamped_at, self._shown = now, Reply(lines(body, italic(self._stamp(now))), True)
        return self._shown

    def _stamp(self, now: datetime) -> str:
        if self._changed_at is None or self._changed_at == now:
            return f"Updated {hour(now, self._zone)}"
        return f"Updated {hour(now, self._zone)}, unchanged since {hour(self._changed_at, self._zone)}"


def _waiting(statuses: tuple[HedgeStatus, ...]) -> int:
    return sum(1 for status in statuses if status.reason == "awaiting_approval")
