"""When a hedge was suspended, out of its events."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from bot.charts.hedge_history import Stop
from core.events import Event, EventKind


def stops_in(events: Iterable[Event], end: datetime) -> tuple[Stop, ...]:
    """`events` of one hedge and of the program, oldest first. One that goes on lasts until `end`.

    A program that ended amid a suspension says nothing of its end: the next one begins without, and tells its own.
    """
    found: list[Stop] = []
    begun: tuple[datetime, str] | None = None
    for event in events:
        if event.kind not in (EventKind.SUSPENDED, EventKind.RECOVERED, EventKind.STARTED):
            continue
        if begun is not None:
            found.append(Stop(begun[0], event.at, begun[1]))
        is_stop = event.kind is EventKind.SUSPENDED
        begun = (event.at, event.data.get("reason", "")) if is_stop else None
    if begun is not None:
        found.append(Stop(begun[0], end, begun[1]))
    return tuple(found)
