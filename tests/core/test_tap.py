"""From a tap on the phone to the order at the exchange, in real time."""

from __future__ import annotations

import asyncio
import time

from core.ports import Approval
from tests.execution.world import SYMBOL, QuickClock, Setting, World, running


class PatientClock(QuickClock):
    """Sleeping takes its time here, or nothing would show that a tap wakes the engine."""

    async def sleep(self, seconds_s: float) -> None:
        await asyncio.sleep(seconds_s)


class Arrival:
    """When the exchange's engine took the first order."""

    def __init__(self) -> None:
        self.at_s: float | None = None
        self.came = asyncio.Event()

    def order_changed(self, order: object, execution: str, trade: object) -> None:
        if self.at_s is None:
            self.at_s = time.monotonic()
            self.came.set()

    def account_changed(self, reason: str, symbol: str, sides: tuple[str, ...]) -> None: ...


async def question(world: World) -> Approval:
    async with asyncio.timeout(10):
        while not (live := await world.store.approvals.live()):
            await asyncio.sleep(0.01)
    return live[0]


async def test_the_order_leaves_well_under_a_second_after_the_tap(asking: Setting) -> None:
    """Facts are read anew over HTTP, and the intent is on disk; the next poll would be an hour away."""
    asking.settings["poll_seconds"] = 3600
    patient = Setting(asking.server, asking.database, PatientClock(), asking.settings)
    arrival = Arrival()
    patient.server.exchange.listeners.append(arrival)
    async with running(patient) as world:
        engine = asyncio.create_task(world.engine.run())
        approval = await question(world)
        tapped_s = time.monotonic()
        await world.office.desk.answer(approval.approval_id, approve=True, by="Anna", note=None)
        async with asyncio.timeout(10):
            await arrival.came.wait()
        engine.cancel()
        await asyncio.gather(engine, return_exceptions=True)
    assert patient.server.exchange.net_position(SYMBOL) < 0
    assert arrival.at_s is not None and arrival.at_s - tapped_s < 1
