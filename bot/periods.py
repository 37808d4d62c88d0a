"""Days, weeks and months as the operator's clock has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta, tzinfo

from bot.daily_report import MIDNIGHT, due_at

DAY = timedelta(days=1)
# Which local days begin a period.
BEGINS: Mapping[str, Callable[[date], bool]] = {
    "day": lambda _day: True,
    "week": lambda day: day.weekday() == 0,
    "month": lambda day: day.day == 1,
}


def cuts_between(start: datetime, end: datetime, by: str, zone: tzinfo) -> tuple[datetime, ...]:
    """The local midnights after `start` and before `end` at which a day, a week (Monday) or a month begins, in UTC."""
    first = start.astimezone(zone).date()
    days = (end.astimezone(zone).date() - first).days + 1
    beginnings = (first + number * DAY for number in range(days) if BEGINS[by](first + number * DAY))
    return tuple(cut for day in beginnings if start < (cut := due_at(day, MIDNIGHT, zone)) < end)
