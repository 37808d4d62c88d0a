"""Where the time axis is marked, in the operator's own time, days of 23 and 25 hours included."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from math import ceil

MOST_TICKS = 7
DAY_MINUTES = 1440
STEPS_MINUTES = (
    1,
    2,
    5,
    10,
    15,
    30,
    60,
    120,
    180,
    240,
    360,
    720,
    *(days * DAY_MINUTES for days in (1, 2, 3, 5, 7, 14)),
)


def ticks(start: datetime, end: datetime, zone: tzinfo) -> tuple[tuple[float, str], ...]:
    """Seconds since `start` and what is written there: round local hours, the date at midnight."""
    minutes = (end - start) / timedelta(minutes=1)
    months = DAY_MINUTES * 30
    longest = months * ceil(minutes / months / MOST_TICKS)
    step = next((each for each in STEPS_MINUTES if minutes / each <= MOST_TICKS), longest)
    return tuple(
        ((at - start).total_seconds(), _label(local, step))
        for local in _round_times(start.astimezone(zone).date(), end.astimezone(zone).date(), step, zone)
        if start <= (at := local.astimezone(UTC)) <= end
    )


def zone_label(at: datetime, zone: tzinfo) -> str:
    """Time, Europe/Berlin (CET)"""
    name, short = str(zone), f"{at.astimezone(zone):%Z}"
    return f"Time, {short}" if name.upper() == short.upper() else f"Time, {name} ({short})"


def _round_times(first: date, last: date, step: int, zone: tzinfo) -> Iterator[datetime]:
    """Hours that a change of clocks leaves out are left out."""
    for number in range(0, (last - first).days + 1, max(1, step // DAY_MINUTES)):
        day = first + timedelta(days=number)
        for minute in range(0, DAY_MINUTES, min(step, DAY_MINUTES)):
            local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
            if local.astimezone(UTC).astimezone(zone).hour == local.hour:
                yield local


def _label(local: datetime, step: int) -> str:
    is_midnight = local.hour == local.minute == 0
    return f"{local.day} {local:%b}" if is_midnight or step >= DAY_MINUTES else f"{local:%H:%M}"
