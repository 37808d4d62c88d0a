"""Starts that follow each other too soon: told once, and nothing rings again for what has rung."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from bot.notifier import Notifier
from core.clock import Clock
from core.events import Event, EventKind
from storage.history import SqliteEventLog

SOON = timedelta(seconds=60)
MANY = 3
# Of the whole program: a start writes a handful of them.
LOOKED_BACK = 50
BY_FAULT = {"fault": "yes"}


async def tell_start(notifier: Notifier, log: SqliteEventLog, clock: Clock, data: Mapping[str, str]) -> None:
    """And show again what waits for an answer, unless that was shown a moment ago."""
    now = clock.now()
    in_a_row = starts_in_a_row(await log.recent_of_the_program(LOOKED_BACK), now)
    start = Event(EventKind.STARTED, None, now, data)
    if in_a_row < MANY:
        await notifier.append(start)
        await notifier.present_pending()
        return
    await log.append(start)
    if in_a_row == MANY:
        await notifier.append(Event(EventKind.CRASH_LOOP, None, now, {"starts": str(in_a_row)}))
    notifier.hush_repeats(now + SOON)


def starts_in_a_row(earlier: Iterable[Event], now: datetime) -> int:
    """The one at `now` included, each soon after the one before it and none of them stopped by anybody. `earlier`:
    newest first."""
    count, later = 1, now
    for event in earlier:
        if event.kind is EventKind.STOPPED and not BY_FAULT.items() <= event.data.items():
            break
        if event.kind is EventKind.STARTED:
            if not timedelta(0) <= later - event.at < SOON:
                break
            count, later = count + 1, event.at
    return count
