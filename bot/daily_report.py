"""The daily report at its hour of the operator's day: once, also over restarts and changes of the clocks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

import structlog

from bot.live_config import LiveConfig
from core.clock import Clock
from core.ports import Outbox, OutboxMessage

TURN_S = 60.0
# A program that was off at the hour reports when it is back within so long.
CATCH_UP = timedelta(hours=6)
DAY = timedelta(days=1)
MIDNIGHT = "00:00"

log = structlog.get_logger(__name__)

WriteReport = Callable[[datetime, datetime], Awaitable[str]]


class Notes(Protocol):
    """Small notes that survive a restart, by name."""

    async def get(self, key: str) -> str | None:
        """None when it was never set."""
        ...

    async def set(self, key: str, value: str) -> None:
        """In place of what it was; durable when it returns."""
        ...


class DailyReport:
    """`write` puts the time from one hour to the next into words. `scope`: whose note of the last day it is."""

    def __init__(
        self,
        *,
        write: WriteReport,
        outbox: Outbox,
        notes: Notes,
        scope: str,
        config: LiveConfig,
        clock: Clock,
        zone: tzinfo,
        poke: Callable[[], None],
    ) -> None:
        self._write = write
        self._outbox = outbox
        self._notes = notes
        self._key = f"daily_report:{scope}"
        self._config = config
        self._clock = clock
        self._zone = zone
        self._poke = poke

    async def turn(self) -> None:
        """The newest report that is due and was not given; before the first start there was nothing to report."""
        at = self._config.now.daily_report_at
        if at == "off":
            return
        now = self._clock.now()
        day = newest_day(now, at, self._zone)
        last = await self._notes.get(self._key)
        if last is not None and date.fromisoformat(last) >= day:
            return
        due = due_at(day, at, self._zone)
        if last is not None and now - due <= CATCH_UP:
            await self._report(day, due_at(day - DAY, at, self._zone), due, now)
        await self._notes.set(self._key, day.isoformat())

    async def _report(self, day: date, start: datetime, end: datetime, now: datetime) -> None:
        """The row first: after a crash in between, the same key is the same message."""
        text = await self._write(start, end)
        key = f"{self._key}:{day.isoformat()}"
        await self._outbox.put(OutboxMessage(key, text, html=True, priority=1, silent=True, created_at=now))
        self._poke()
        log.info("daily report", day=day.isoformat())


def due_at(day: date, at: str, zone: tzinfo) -> datetime:
    """The hour of that local day in UTC: where it comes twice the first, where it is skipped as if it were not."""
    return datetime.combine(day, time.fromisoformat(at), zone).astimezone(UTC)


def newest_day(now: datetime, at: str, zone: tzinfo) -> date:
    """The last local day whose hour has come."""
    today = now.astimezone(zone).date()
    return today if due_at(today, at, zone) <= now else today - DAY
