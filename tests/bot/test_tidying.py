"""What is finished and long past is forgotten, in small steps, by the running program itself."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import cast

from bot.front import Front
from bot.office import open_office
from bot.tidying import KEPT_FOR, Tidying
from core.cancellation import end
from core.clock import ManualClock, SystemClock
from core.engine import Engine
from core.ports import OutboxMessage
from storage.outbox import BOARD_KEY
from storage.retention import MOST_FORGOTTEN
from storage.store import Store
from tests.bot.samples import T0, a_config


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
