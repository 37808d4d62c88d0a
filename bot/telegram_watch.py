"""Telegram's own blindness as an event: what cannot be told there is in the log, in `/history` and for the terminal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.alerting import Episode, Pace
from core.clock import Clock, SteadyTime
from core.events import Event, EventKind
from core.ports import EventLog

if TYPE_CHECKING:
    from bot.telegram.frontend import TelegramHealth

LOOK_EVERY_S = 5.0
# A connection is built anew now and then; that is no blindness.
SETTLE = timedelta(seconds=30)


class TelegramWatch:
    """`health`: how the front end hears at this moment. Its end is told in the chat by the front end itself."""

    def __init__(self, health: Callable[[], TelegramHealth], events: EventLog, clock: Clock) -> None:
        self._health = health
        self._events = events
        self._clock = clock
        self._steady = SteadyTime(clock)
        self._episode = Episode(Pace(SETTLE))

    async def look(self) -> None:
        """One event when it has been deaf or mute for SETTLE, and one when that is over."""
        health, now = self._health(), self._steady.now()
        if health.hearing.value == "listening":
            lasted_s = self._episode.lasted_s(now)
            if self._episode.end():
                await self._tell(EventKind.TELEGRAM_BACK, {"lasted_s": f"{lasted_s:.0f}"})
            return
        self._episode.arise(now)
        if self._episode.due(now, timedelta(0)) is not None:
            self._episode.was_said(now)
            await self._tell(EventKind.TELEGRAM_LOST, {"detail": health.detail or "it has not answered yet"})

    async def _tell(self, kind: EventKind, data: dict[str, str]) -> None:
        await self._events.append(Event(kind, None, self._clock.now(), data))
