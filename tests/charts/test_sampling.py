"""Fewer points, the same picture."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.charts.sampling import Point, split, thinned, with_gaps
from bot.charts.time_axis import ticks, zone_label

VALUES = st.lists(st.one_of(st.none(), st.floats(-1e9, 1e9)), min_size=1, max_size=3000)
BERLIN = ZoneInfo("Europe/Berlin")


@given(VALUES)
def test_no_peak_and_no_gap_is_lost(values: list[float | None]) -> None:
    """The highest, the lowest, first and last, and a gap, if there is any, stay; order and number are kept to."""
    points: list[Point] = [(float(x), y) for x, y in enumerate(values)]
    kept = thinned(points, most=90)
    known = [y for _, y in kept if y is not None]
    given_known = [y for y in values if y is not None]
    assert len(kept) <= max(90, 1) + 5
    assert [x for x, _ in kept] == sorted({x for x, _ in kept})
    assert set(kept) <= set(points)
    assert (None in values) == any(y is None for _, y in kept)
    assert (min(known), max(known)) == (min(given_known), max(given_known)) if given_known else not known
    assert kept[-1] == points[-1]


def test_a_pause_is_a_gap() -> None:
    """Nothing is drawn across it; an unknown value is a gap too."""
    points = [(0.0, 1.0), (60.0, 2.0), (600.0, 3.0), (660.0, None)]
    assert list(with_gaps(points, longest_s=200.0)) == [*points[:2], (260.0, None), *points[2:]]
    assert split(points) == ((0.0, 60.0, 600.0, 660.0), (1.0, 2.0, 3.0, None))


@pytest.mark.parametrize("hours", [1, 2, 6, 24, 48, 168, 720, 8760, 87_840])
@pytest.mark.parametrize("zone", [UTC, BERLIN, ZoneInfo("Asia/Kathmandu")])
def test_ticks_are_few_and_in_order(hours: int, zone: ZoneInfo) -> None:
    """Enough to read a time by, not so many that they cover each other."""
    start = datetime(2026, 3, 28, 7, 23, tzinfo=UTC)
    found = ticks(start, start + timedelta(hours=hours), zone)
    places = [at for at, _ in found]
    assert 2 <= len(found) <= 8
    assert places == sorted(set(places))
    assert places[0] >= 0 and places[-1] <= hours * 3600


def test_ticks_stand_at_local_hours_over_a_change_of_clocks() -> None:
    """29 March 2026 has 23 hours in Berlin: 02:00 does not exist, midnight is named by its date."""
    start = datetime(2026, 3, 28, 22, 0, tzinfo=UTC)
    found = ticks(start, start + timedelta(hours=6), BERLIN)
    shown = {label: (start + timedelta(seconds=at)).astimezone(BERLIN) for at, label in found}
    assert "29 Mar" in shown
    assert "02:00" not in shown
    assert all(label == f"{local:%H:%M}" for label, local in shown.items() if ":" in label)


def test_the_zone_is_named() -> None:
    """By its name, and by what it is called at that time of the year."""
    at = datetime(2026, 3, 1, tzinfo=UTC)
    assert zone_label(at, BERLIN) == "Time, Europe/Berlin (CET)"
    assert zone_label(at + timedelta(days=60), BERLIN) == "Time, Europe/Berlin (CEST)"
    assert zone_label(at, UTC) == zone_label(at, ZoneInfo("UTC")) == "Time, UTC"
