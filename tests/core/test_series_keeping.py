"""What is kept of what the hedges read, and when: a real database, statuses as set."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.account_ports import HeldLiquidity, Snapshot
from core.clock import ManualClock
from core.series_keeping import SeriesKeeper
from core.status import HedgeStatus
from storage.store import Store
from tests.bot.samples import STATUS, T0, UNREAD

HELD = HeldLiquidity(123456, True, 18, 18, -100, 100, 10**20, Decimal(0), Decimal(0))
SEEN = replace(STATUS, held=(HELD,), confirmed=True)


class Engine:
    def __init__(self) -> None:
        self.shown: tuple[HedgeStatus, ...] = ()

    def statuses(self) -> tuple[HedgeStatus, ...]:
        return self.shown


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path / "a.db", scope="paper:test", clock=ManualClock(T0)) as opened:
        yield opened


class Desk:
    def __init__(self, store: Store) -> None:
        self.engine = Engine()
        self.store = store
        self.keeper = SeriesKeeper(engine=self.engine, series=store.series)

    async def reads(self, status: HedgeStatus, after_s: float) -> None:
        """The hedge has looked, so many seconds after the first time."""
        perp = replace(status.perp, read_at=T0 + timedelta(seconds=after_s))
        self.engine.shown = (replace(status, perp=perp),)
        await self.keeper.turn()

    async def kept(self) -> list[Snapshot]:
        return list(await self.store.series.between("bnb", T0 - timedelta(days=1), T0 + timedelta(days=1)))

    async def kept_at(self) -> list[tuple[float, bool]]:
        return [((each.at - T0).total_seconds(), each.landmark) for each in await self.kept()]


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


async def test_what_is_kept_is_what_was_read(desk: Desk) -> None:
    """Every figure that exact accounting needs, and what the hedge is made of."""
    await desk.reads(SEEN, 0)
    (kept,) = await desk.kept()
    assert kept == Snapshot(
        hedge="bnb",
        at=T0,
        price=Decimal("605.25"),
        net_base=SEEN.net_base,
        perp_base=Decimal(-14),
        gap_base=SEEN.gap_base,
        gap_quote=SEEN.gap_quote,
        residual_base=SEEN.residual_base,
        figures={"band_quote": Decimal(300)},
        mark_price=Decimal(605),
        lp_base=SEEN.lp.base,
        lp_quote=SEEN.lp.quote,
        fee_base=SEEN.lp.fee_base,
        fee_quote=SEEN.lp.fee_quote,
        symbol="BNBUSDT",
        held=(HELD,),
        landmark=True,
    )


async def test_one_a_minute_and_a_landmark_an_hour(desk: Desk) -> None:
    """However often the hedge looks; the same look is kept once."""
    for after_s in (0, 0, 15, 30, 45, 60, 75, 119, 120, 3600):
        await desk.reads(SEEN, after_s)
    assert await desk.kept_at() == [(0, True), (60, False), (120, False), (3600, True)]


async def test_a_trade_is_told_at_once(desk: Desk) -> None:
    """The first reading with the new position."""
    await desk.reads(SEEN, 0)
    await desk.reads(replace(SEEN, perp=replace(SEEN.perp, position_base=Decimal(-15))), 15)
    assert await desk.kept_at() == [(0, True), (15, False)]


@pytest.mark.parametrize(
    "change",
    [
        {"held": (replace(HELD, liquidity=5),)},
        {"held": ()},
        {"beside_base": Decimal(3)},
        {"held": (replace(HELD, parked_base=Decimal(1)),)},
        {"lp": replace(STATUS.lp, fee_quote=Decimal(0))},
        {"lp": replace(STATUS.lp, fee_base=Decimal(0))},
    ],
)
async def test_both_sides_of_a_change_are_landmarks(desk: Desk, change: dict[str, object]) -> None:
    """Liquidity that came or went, and a collect: also the reading before, which was not due."""
    changed = replace(SEEN, **change)  # type: ignore[arg-type]
    await desk.reads(SEEN, 0)
    await desk.reads(SEEN, 60)
    await desk.reads(SEEN, 75)
    await desk.reads(changed, 90)
    await desk.reads(changed, 105)
    assert await desk.kept_at() == [(0, True), (60, False), (75, True), (90, True)]
    assert [each.held for each in await desk.kept()] == [(HELD,)] * 3 + [changed.held]
    beside = {"beside_base": changed.beside_base} if changed.beside_base else {}
    assert (await desk.kept())[-1].figures == {**beside, "band_quote": Decimal(300)}


@pytest.mark.parametrize("status", [UNREAD, replace(SEEN, confirmed=False)])
async def test_what_is_not_believed_is_not_kept(desk: Desk, status: HedgeStatus) -> None:
    """Nothing read yet, an estimate, a doubt: no row rather than a wrong one."""
    await desk.reads(status, 0)
    assert await desk.kept() == []


async def test_a_clock_that_was_set_back_stops_nothing(desk: Desk) -> None:
    """From then on it is kept again, a minute apart."""
    for after_s in (0, -7200, -7170, -7140):
        await desk.reads(SEEN, after_s)
    assert [at for at, _ in await desk.kept_at()] == [-7200, -7140, 0]
