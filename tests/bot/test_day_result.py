"""What the operator's day has brought: since local midnight, over all hedges, or not known."""

from __future__ import annotations

from datetime import timedelta, timezone
from decimal import Decimal

from bot.day_result import DayResult
from core.clock import ManualClock
from tests.bot.books import a_day
from tests.bot.conftest import Desk

EAST = timezone(timedelta(hours=12))
DAY_S = 86_400.0


async def test_it_begins_anew_at_the_operators_midnight(desk: Desk, clock: ManualClock) -> None:
    """The readings begin at noon UTC, which is midnight in the east; a day later there is one reading only."""
    await a_day(desk.store)
    result = DayResult(desk.accounts, clock, EAST)
    await clock.sleep(DAY_S - 1)
    assert await result() == Decimal("18.40")
    await clock.sleep(2)
    assert await result() is None


async def test_a_hedge_of_which_nothing_is_known_leaves_it_unknown(two: Desk, clock: ManualClock) -> None:
    """A part of the account is no result."""
    await a_day(two.store)
    await clock.sleep(DAY_S - 1)
    assert await DayResult(two.accounts, clock, EAST)() is None
