"""What is finished and long past is forgotten, in small steps, by the running program itself."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

from bot.accounts import Accounts
from bot.front import Front
from bot.live_config import LiveConfig
from bot.office import open_office
from bot.tidying import KEPT_FOR, Tidying
from core.accounting.statement import Statement
from core.cancellation import end
from core.clock import ManualClock, SystemClock
from core.engine import Engine
from core.ports import OutboxMessage
from storage.columns import time_text
from storage.outbox import BOARD_KEY
from storage.retention import MOST_FORGOTTEN
from storage.store import Store
from storage.upkeep import check_database
from tests.bot.samples import T0, a_config
from tests.storage.lived import BEGAN, SCOPE, Life


class Idle:
    async def run(self) -> None:
        await asyncio.Event().wait()


MESSAGE = OutboxMessage("", "said", html=True, priority=1, silent=True, created_at=T0)


async def finished(store: Store, count: int, *, at: datetime = T0) -> None:
    for number in range(count):
        await store.outbox.put(replace(MESSAGE, key=f"done:{number}"))
        await store.outbox.finish(f"done:{number}", at)


async def kept(store: Store) -> int:
    (row,) = await store.database.rows("SELECT count(*) AS count FROM outbox")
    return int(row["count"])


async def test_all_of_it_goes_but_not_at_once(store: Store, clock: ManualClock) -> None:
    """What is younger stays."""
    await finished(store, MOST_FORGOTTEN + 1)
    await clock.advance(KEPT_FOR.total_seconds())
    await Tidying(store.database, clock).turn()
    assert await kept(store) == MOST_FORGOTTEN + 1
    await clock.advance(1)
    await Tidying(store.database, clock).turn()
    assert await kept(store) == 0
    assert clock.now() > T0 + KEPT_FOR + timedelta(seconds=1)


async def test_the_program_does_it_by_itself(store: Store) -> None:
    """From its start on, beside the engine."""
    await finished(store, 2, at=T0 - timedelta(days=2000))
    clock = SystemClock()
    front = Front(open_office(a_config("bnb"), store, clock, UTC), store, clock, telegram=None)
    engine = cast(Engine, Idle())
    running = asyncio.create_task(front.run(engine))
    async with asyncio.timeout(30):
        while await kept(store):
            await asyncio.sleep(0.02)
    assert not running.done()
    await end(running)


async def test_the_board_is_never_forgotten(store: Store, clock: ManualClock) -> None:
    """It was delivered once, long ago, and is edited in its place ever since."""
    await store.outbox.put(replace(MESSAGE, key=BOARD_KEY))
    await store.outbox.finish(BOARD_KEY, T0)
    await clock.advance(2 * KEPT_FOR.total_seconds())
    await Tidying(store.database, clock).turn()
    assert await kept(store) == 1


async def told(store: Store, hedges: Sequence[str], start: datetime, end: datetime) -> dict[str, Statement | None]:
    """By day, as reports are."""
    accounts = Accounts(store.series, store.journal, store.income, LiveConfig(a_config(*hedges)))
    cuts = [start + timedelta(days=n) for n in range((end - start).days)]
    return await accounts.statements(hedges, start, end, cuts=cuts)


async def test_a_report_of_a_thinned_time_says_the_same(tmp_path: Path) -> None:
    """Some weeks of two hedges, minute by minute until they are older: every part of every step is what it was, and
    the parts add up to the change of wealth (or the account would refuse to speak)."""
    life = Life(tmp_path / "lived.db", hedges=2)
    await life.begin()
    life.go_on(18)
    clock, names = ManualClock(life.now, sleep_advances=True), ["bnb", "eth"]
    async with await Store.open(life.path, scope=SCOPE, clock=clock) as store:
        before = await told(store, names, BEGAN, life.now)
        rows = await store.database.row("SELECT count(*) AS rows FROM series")
        await Tidying(store.database, clock).turn()
        left = await store.database.row("SELECT count(*) AS rows FROM series")
        assert await told(store, names, BEGAN, life.now) == before
        assert all(statement is not None and statement.total.trades == 180 for statement in before.values())
        assert rows is not None and rows["rows"] == 2 * 18 * 1440
        assert left is not None and left["rows"] == 2 * (14 * 1440 + 4 * 24 * 5)
        assert [each for each in await check_database(life.path, now=life.now) if each.is_fault] == []


async def test_a_clock_far_ahead_takes_nothing_away(tmp_path: Path) -> None:
    """Set by a year and more for a moment, or before a machine has heard the time: what is to be kept is kept."""
    life = Life(tmp_path / "lived.db", hedges=1)
    await life.begin()
    life.go_on(3)
    clock = ManualClock(life.now + timedelta(days=400), sleep_advances=True)
    async with await Store.open(life.path, scope=SCOPE, clock=clock) as store:
        await finished(store, 1, at=life.now)
        before = await rows_of(store)
        await Tidying(store.database, clock).turn()
        assert await rows_of(store) == before


async def test_after_a_long_pause_it_goes_on(tmp_path: Path) -> None:
    """A month later, with the first reading of the new run."""
    life = Life(tmp_path / "lived.db", hedges=1)
    await life.begin()
    life.go_on(1)
    clock = ManualClock(life.now + timedelta(days=30), sleep_advances=True)
    async with await Store.open(life.path, scope=SCOPE, clock=clock) as store:
        before = await rows_of(store)
        moved = "UPDATE series SET at = ? WHERE at = (SELECT max(at) FROM series)"
        await store.database.write(moved, (time_text(clock.now()),))
        await Tidying(store.database, clock).turn()
        assert (await rows_of(store))[0] < before[0] / 5


async def rows_of(store: Store) -> tuple[int, ...]:
    """Of each table of which something is taken away."""
    counts = "(SELECT count(*) FROM series), (SELECT count(*) FROM outbox), (SELECT count(*) FROM events)"
    (row,) = await store.database.rows(f"SELECT {counts}")
    return tuple(row)
