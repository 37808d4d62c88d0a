"""Runs that end by themselves, again and again: told once, and nothing rings again for what has rung."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import NoReturn

import structlog

from bot.daily_report import Notes
from bot.notifier import Notifier
from core.clock import Clock
from core.errors import ConfigurationError, Refused, Transient
from core.events import Event, EventKind

WITHIN = timedelta(hours=1)
MANY = 3
BY_FAULT = {"fault": "yes"}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Row:
    """Starts of runs that nobody ended, the newest last, at most `MANY`, all within an hour of the newest.

    `is_told`: the alarm of this row was given.
    """

    starts: tuple[datetime, ...] = ()
    is_told: bool = False

    @property
    def is_long(self) -> bool:
        return len(self.starts) == MANY

    def with_start(self, now: datetime) -> Row:
        """However long each run or the wait after it was: a row lasts while so many begin within an hour."""
        earlier = [at for at in self.starts if timedelta(0) <= now - at < WITHIN]
        starts = (*earlier, now)[-MANY:]
        return Row(starts, self.is_told and len(starts) == MANY)

    def to_text(self) -> str:
        return json.dumps({"starts": [at.isoformat() for at in self.starts], "told": self.is_told})


def row_of(text: str | None) -> Row:
    """What cannot be read, such as a note of another version, is no row."""
    try:
        note = json.loads(text or "{}")
        return Row(tuple(map(datetime.fromisoformat, note.get("starts", ()))), bool(note.get("told")))
    except (ValueError, TypeError, AttributeError):
        return Row()


class Runs:
    """The row of this scope's runs, kept as a note. A disk without room keeps no start back: the row is then shorter
    than it was."""

    def __init__(
        self,
        notes: Notes,
        scope: str,
        notifier: Notifier,
        clock: Clock,
        *,
        deliver: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        """`deliver` takes to people what waits for them: a start that fails may be followed by none that does not."""
        self._notes = notes
        self._key = f"runs:{scope}"
        self._notifier = notifier
        self._clock = clock
        self._deliver = deliver
        self._row = Row()

    @asynccontextmanager
    async def beginning(self) -> AsyncIterator[None]:
        """Around a start, as early as can be. One that is refused is none of the row; a signal amid it ends the row."""
        now = self._clock.now()
        before = await self._noted()
        await self._begin(before.with_start(now), now)
        try:
            yield
        except (ConfigurationError, Refused):
            await self._keep(replace(before, is_told=self._row.is_told))
            raise
        except asyncio.CancelledError:
            await self.ended()
            raise
        except Exception:
            if self._row.is_long and self._deliver is not None:
                await self._deliver()
            raise

    async def _noted(self) -> Row:
        """No row where the note cannot be read."""
        try:
            return row_of(await self._notes.get(self._key))
        except Transient:
            return Row()

    async def _begin(self, row: Row, now: datetime) -> None:
        """Of a long row the alarm is given, once, and repeats are hushed."""
        await self._keep(row)
        if not self._row.is_long:
            return
        if not self._row.is_told:
            await self._notifier.append(Event(EventKind.CRASH_LOOP, None, now, {"starts": str(MANY)}))
            await self._keep(Row(self._row.starts, is_told=True))
        self._notifier.hush_repeats(now + WITHIN)

    async def tell_start(self, data: Mapping[str, str]) -> None:
        """And show again what waits for an answer, unless that was shown by the runs before in this row."""
        await self._notifier.append(Event(EventKind.STARTED, None, self._clock.now(), data))
        if self._row.is_long:
            return
        try:
            await self._notifier.present_pending()
        except Transient as error:  # its earlier message still takes the answer
            log.warning("what waits for an answer was not shown again", why=str(error))

    async def tell_when_it_is_over(self) -> NoReturn:
        """Of a row whose alarm was given, once this run has lasted as long as a row does. Goes on for ever."""
        if self._row.is_told:
            await self._clock.sleep(WITHIN.total_seconds())
            await self._notifier.append(Event(EventKind.CRASH_LOOP_OVER, None, self._clock.now(), {}))
            await self._keep(Row())
        while True:
            await asyncio.Event().wait()

    async def ended(self) -> None:
        """By those who may: the row is over."""
        await self._keep(Row())

    async def _keep(self, row: Row) -> None:
        self._row = row
        try:
            await self._notes.set(self._key, row.to_text())
        except Transient as error:
            log.warning("this start could not be noted", why=str(error))
