"""What the operator's day has brought: since local midnight, over all hedges, or not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from random import Random

from bot.day_result import DayResult
from core.account_ports import Income, Snapshot
from core.clock import ManualClock
from core.ports import TradeOrigin
from storage.database import open_database
from storage.series import SqliteSeries
from tests.bot.books import READING, a_day, trade
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


class Counted(SqliteSeries):
    """The real series, which tells how many readings were taken from it."""

    read = 0

    async def between(
        self, hedge: str, start: datetime, end: datetime, *, landmarks_only: bool = False
    ) -> tuple[Snapshot, ...]:
        found = await super().between(hedge, start, end, landmarks_only=landmarks_only)
        self.read += len(found)
        return found


async def minutes(desk: Desk, clock: ManualClock, count: int, random: Random) -> Sequence[Decimal]:
    """A reading each minute, now and then a trade of ours or of others and a payment, some booked late; the nets."""
    result = DayResult(desk.accounts, clock, UTC)
    late: list[Income] = []
    perp, nets = Decimal(-10), []
    for minute in range(1, count + 1):
        await clock.sleep(60)
        if random.random() < 0.08:
            fill = replace(
                trade(minute, clock.now() - timedelta(seconds=random.randint(1, 50))), quantity_base=Decimal(1)
            )
            origin = random.choice([TradeOrigin.ADL, TradeOrigin.FOREIGN])
            await desk.store.journal.book_trades([(fill, origin)], clock.now())
            perp += fill.side.sign
        if random.random() < 0.05:
            late.append(Income("FUNDING_FEE", minute, "BNBUSDT", Decimal(minute) / 7, "USDT", clock.now()))
        if minute % 50 == 0:
            await desk.store.income.book(late, clock.now())
        price = Decimal(random.randint(55_000, 65_000)) / 100
        read = replace(READING, at=clock.now(), price=price, mark_price=price, perp_base=perp)
        await desk.store.series.append(read)
        if minute % 7 == 0:
            net = await result()
            assert net == await DayResult(desk.accounts, clock, UTC)()
            assert net is not None
            nets.append(net)
    return nets


async def test_settled_hours_count_as_if_they_were_counted_anew(desk: Desk, clock: ManualClock) -> None:
    """To the last digit at every look, also when a payment of a settled hour is booked late, and over midnight."""
    await clock.sleep(9 * 3600)
    await desk.store.series.append(replace(READING, at=clock.now()))
    nets = await minutes(desk, clock, 300, Random(5))
    assert len(set(nets)) == len(nets)


async def test_settled_hours_are_not_read_again(desk: Desk, clock: ManualClock, tmp_path: Path) -> None:
    """Ten hours into the day a look reads little more than the last half hour."""
    await desk.store.series.append(READING)
    for _ in range(600):
        await clock.sleep(60)
        await desk.store.series.append(replace(READING, at=clock.now()))
    async with open_database(tmp_path / "lp_hedge.db", now=clock.now(), read_only=True) as database:
        counted = Counted(database, "paper:test")
        result = DayResult(replace(desk.accounts, series=counted), clock, UTC)
        assert await result() == 0
        assert counted.read > 600
        counted.read = 0
        assert await result() == 0
        assert counted.read < 60
