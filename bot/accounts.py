"""The accounts of the running hedges over any time, from what was kept."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from bot.live_config import LiveConfig
from bot.rendering.health import HealthItem, age_item
from bot.rendering.numbers import pair_of
from core.account_ports import Income, IncomeBook, SeriesBook, Snapshot
from core.accounting.attribution import TOLD_BY_FILLS, Assets
from core.accounting.statement import Records, Statement, statement_of
from core.clock import Clock
from core.ports import BookedFill
from core.series_keeping import SeriesKeeper

# Up to so long ago every reading counts, further back the landmarks among them.
CLOSELY_FOR = timedelta(hours=49)
LONGEST_STEP = timedelta(minutes=10)
LONGEST_LANDMARK_STEP = timedelta(hours=2)
# A trade's time is the venue's.
CLOCK_ROOM = timedelta(minutes=1)
OLDEST_READING_S = 300.0
MOMENT = timedelta(microseconds=1)


class FillBook(Protocol):
    async def fills_between(self, start: datetime, end: datetime) -> tuple[BookedFill, ...]:
        """Of every hedge and origin, oldest first by the trade's own time, `start` included, `end` not."""
        ...


@dataclass(frozen=True, slots=True)
class Accounts:
    """Asks the database only. Periods that follow each other leave nothing out and count nothing twice: each begins
    with the last reading before it."""

    series: SeriesBook
    fills: FillBook
    income: IncomeBook
    config: LiveConfig

    async def statement(self, hedge: str, start: datetime, end: datetime) -> Statement | None:
        """Up to and with `end`; None where there are no two readings. Beside the event loop, as it takes a while."""
        return (await self.statements([hedge], start, end))[hedge]

    async def statements(
        self, hedges: Collection[str], start: datetime, end: datetime, *, cuts: Sequence[datetime] = ()
    ) -> dict[str, Statement | None]:
        """As `statement`, of each; fills and income are read once for all. `cuts` as in `snapshots`."""
        openings = [await self.series.newest(hedge, start) for hedge in hedges]
        first = min((opening.at for opening in openings if opening is not None), default=start)
        dealings = await self.dealings(first, end)
        found: dict[str, Statement | None] = {}
        for hedge in hedges:
            read = await self.snapshots(hedge, start, end, cuts=cuts)
            found[hedge] = await self._statement(hedge, Records(read, *dealings), start, end)
        return found

    async def statement_from(
        self, hedge: str, snapshots: Sequence[Snapshot], start: datetime, end: datetime
    ) -> Statement | None:
        """As `statement`, of the snapshots of that time where they were read already."""
        if not snapshots:
            return None
        dealings = await self.dealings(snapshots[0].at, snapshots[-1].at)
        return await self._statement(hedge, Records(snapshots, *dealings), start, end)

    async def snapshots(
        self, hedge: str, start: datetime, end: datetime, *, cuts: Sequence[datetime] = ()
    ) -> tuple[Snapshot, ...]:
        """Those that tell the period, with the one that it begins with and, of each of `cuts`, the last before it."""
        opening = await self.series.newest(hedge, start)
        after = start + MOMENT
        if _is_close(start, end):
            found = await self.series.between(hedge, after, end + MOMENT)
            return found if opening is None else (opening, *found)
        found = await self.series.between(hedge, after, end + MOMENT, landmarks_only=True)
        asked = [await self.series.newest(hedge, moment) for moment in (*cuts, end)]
        return _in_order((opening, *asked, *found))

    async def dealings(self, first: datetime, last: datetime) -> tuple[Sequence[BookedFill], Sequence[Income]]:
        """What was traded and paid from one reading to another, as far as it counts."""
        fills = await self.fills.fills_between(first - CLOCK_ROOM, last + CLOCK_ROOM)
        return fills, await self.income.between(first, last + MOMENT, without=TOLD_BY_FILLS)

    async def _statement(self, hedge: str, records: Records, start: datetime, end: datetime) -> Statement | None:
        longest = LONGEST_STEP if _is_close(start, end) else LONGEST_LANDMARK_STEP
        return await asyncio.to_thread(statement_of, hedge, records, self._assets(hedge), longest)

    def _assets(self, hedge: str) -> Assets:
        return Assets(*pair_of(self.config.hedge(hedge).symbol))


def _in_order(snapshots: Iterable[Snapshot | None]) -> tuple[Snapshot, ...]:
    """Each once, as several questions may have found it."""
    by_time = {snapshot.at: snapshot for snapshot in snapshots if snapshot is not None}
    return tuple(by_time[at] for at in sorted(by_time))


def kept_health(keeper: SeriesKeeper, clock: Clock) -> list[HealthItem]:
    """Of each hedge that was ever read: how old its newest reading in the books is."""
    now = clock.now()
    return [
        age_item(f"{hedge} accounts", (now - at).total_seconds(), OLDEST_READING_S)
        for hedge, at in keeper.kept_at().items()
    ]


def _is_close(start: datetime, end: datetime) -> bool:
    return end - start <= CLOSELY_FOR
