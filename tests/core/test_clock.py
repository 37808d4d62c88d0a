"""A clock that runs faster: the same for all who are given the same, and what does not run faster with it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from core.clock import Leaps, ManualClock, PacedClock, ahead_of_system, network_s
from tests.core.wrong_clock import WrongClock

MET = datetime(2026, 1, 1, tzinfo=UTC)


async def test_it_tells_the_same_time_whenever_it_was_made() -> None:
    """A process that starts later, or again, is where the others are."""
    real = ManualClock(MET)
    first = PacedClock(real, start=MET, speed_s=100, met=MET)
    await real.advance(3)
    second = PacedClock(real, start=MET, speed_s=100, met=MET)
    await real.advance(1)
    assert first.now() == second.now() == MET + timedelta(seconds=400)
    assert second.monotonic_s() == 100


async def test_networks_and_libraries_keep_the_system_s_time() -> None:
    """What waits for a network waits as long as ever; what a library stamps by itself lacks the lead."""
    real = ManualClock(MET)
    clock = PacedClock(real, start=MET, speed_s=100, met=MET)
    await real.advance(2)
    assert (network_s(clock, 10), network_s(real, 10)) == (1000, 10)
    assert (ahead_of_system(clock), ahead_of_system(real)) == (timedelta(seconds=198), timedelta(0))


async def test_a_leap_counts_whole_and_drift_does_not() -> None:
    """There and back is nothing; what was drift before is in the next leap."""
    clock = WrongClock(MET)
    leaps = Leaps(clock)
    totals_s = []
    for wrong_s in (4.9, 3600.0, 3604.0, 3605.5, 4.0, 0.0):
        clock.wall_offset_s = wrong_s
        await clock.advance(60)
        totals_s.append(leaps.total().total_seconds())
    assert totals_s == [0, 3600, 3600, 3605.5, 4, 4]
