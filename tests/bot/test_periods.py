"""Where days, weeks and months begin for the operator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from bot.periods import cuts_between

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)


def test_days_weeks_and_months_are_the_operators() -> None:
    """Midnights of the place: 23 hours where the clocks go forward, weeks from Monday, months from the first."""
    start, end = datetime(2026, 3, 27, 12, tzinfo=UTC), datetime(2026, 4, 7, 12, tzinfo=UTC)
    days = cuts_between(start, end, "day", BERLIN)
    assert len(days) == 11 and days[0] == datetime(2026, 3, 27, 23, tzinfo=UTC)
    assert {later - earlier for earlier, later in pairwise(days)} == {24 * HOUR, 23 * HOUR}
    assert cuts_between(start, end, "week", BERLIN) == (
        datetime(2026, 3, 29, 22, tzinfo=UTC),
        datetime(2026, 4, 5, 22, tzinfo=UTC),
    )
    assert cuts_between(start, end, "month", BERLIN) == (datetime(2026, 3, 31, 22, tzinfo=UTC),)
    assert cuts_between(days[0], days[1], "day", BERLIN) == ()
