"""What runs beside the engine for the operator."""

from __future__ import annotations

import asyncio
from datetime import UTC
from typing import cast

from bot.front import Front
from bot.office import open_office
from core.cancellation import end
from core.clock import ManualClock, PacedClock, SystemClock
from core.engine import Engine
from core.events import Event, EventKind
from storage.store import Store
from tests.bot.samples import T0, a_config
from tests.bot.test_tidying import Idle


async def test_alarms_keep_the_time_of_the_market(store: Store) -> None:
    """Where it runs faster than people's, here than a clock that stands: ten seconds of a failure are told."""
    clock, people = PacedClock(SystemClock(), start=T0, speed_s=60), ManualClock(T0)
    office = open_office(a_config("bnb"), store, clock, UTC)
    front = Front(office, store, clock, people=people, telegram=None)
    running = asyncio.create_task(front.run(cast(Engine, Idle())))
    await office.notifier.append(Event(EventKind.TASK_FAILED, None, clock.now(), {"task": "bans", "detail": "boom"}))
    async with asyncio.timeout(30):
        while not await store.outbox.has_rung("task:", T0):
            await asyncio.sleep(0.02)
    await end(running)
