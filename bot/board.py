"""What the pinned message shows now, stamped so that its age can be seen."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

from bot.live_config import LiveConfig
from bot.rendering.board import board_text
from bot.rendering.markup import italic, lines
from bot.rendering.numbers import hour, span
from bot.replies import Reply
from core.clock import Clock
from core.ports import EngineView
from core.status import HedgeStatus

# An unchanged board is stamped anew this often, as a sign of life.
STAMP_EVERY = timedelta(minutes=10)


class BoardContent:
    """Called for each refresh; gives the very same reply as long as nothing but the time has changed."""

    def __init__(self, engine: EngineView, config: LiveConfig, clock: Clock, zone: tzinfo, *, mode: str) -> None:
        self._engine = engine
        self._config = config
        self._clock = clock
        self._zone = zone
        self._mode = mode
        self._body = ""
        self._changed_at: datetime | None = None
        self._stamped_at: datetime | None = None
        self._shown: Reply | None = None
        self._stopped = False

    def stop(self) -> None:
        """The program ends: what stays pinned must not say that it runs."""
        self._stopped = True

    def __call__(self) -> Reply | None:
        """None until one hedge has something to tell."""
        statuses = self._engine.statuses()
        if all(status.reason == "starting" for status in statuses):
            return None
        now, body = self._clock.now(), self._text(statuses)
        if self._is_news(body, now):
            self._body, self._changed_at = body, now
        elif self._is_freshly_stamped(now):
            return self._shown
        self._stamped_at, self._shown = now, Reply(lines(body, italic(self._stamp(now))), True)
        return self._shown

    def _text(self, statuses: tuple[HedgeStatus, ...]) -> str:
        old = {status.name: self._old(status) for status in statuses}
        return board_text(statuses, mode=self._mode, waiting=_waiting(statuses), old=old, stopped=self._stopped)

    def _old(self, status: HedgeStatus) -> tuple[str, ...]:
        """What is older than it ever gets while looks follow their pace."""
        config = self._config.now.hedges.get(status.name)
        if config is None:
            return ()
        late_s = 2 * float(config.poll_seconds)
        limits = (
            ("chain", status.chain_age_s, late_s + config.max_chain_age_seconds),
            ("exchange", status.venue_age_s, late_s + config.max_price_age_seconds),
        )
        return tuple(f"{name} is {span(age_s)} old" for name, age_s, most_s in limits if (age_s or 0.0) > most_s)

    def _is_news(self, body: str, now: datetime) -> bool:
        """So is all after the clock was set back, or nothing would be stamped until it is as late again."""
        return body != self._body or self._changed_at is None or now < self._changed_at

    def _is_freshly_stamped(self, now: datetime) -> bool:
        return self._stamped_at is not None and now - self._stamped_at < STAMP_EVERY

    def _stamp(self, now: datetime) -> str:
        if self._changed_at is None or self._changed_at == now:
            return f"Updated {hour(now, self._zone)}"
        return f"Updated {hour(now, self._zone)}, unchanged since {hour(self._changed_at, self._zone)}"


def _waiting(statuses: tuple[HedgeStatus, ...]) -> int:
    return sum(1 for status in statuses if status.awaits_answer)
