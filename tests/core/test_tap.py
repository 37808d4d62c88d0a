"""From a tap on the phone to the order at the exchange, where each request takes its time."""

from __future__ import annotations

import asyncio

from core.clock import Clock
from core.ports import Approval
from tests.execution.stage import Stage
from tests.execution.world import World


class Arrival:
    """When the exchange's engine took the first order."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.at_s: float | None = None
        self.came = asyncio.Event()

    def order_changed(self, order: object, execution: str, trade: object) -> None:
        if self.at_s is None:
            self.at_s = self._clock.monotonic_s()
            self.came.set()

    def account_changed(self, reason: str, symbol: str, sides: tuple[str, ...]) -> None: ...


async def question(world: World) -> Approval:
    async with asyncio.timeout(10):
        while not (live := await world.store.approvals.live()):
            await asyncio.sleep(0.01)
    return live[0]


def test_the_order_leaves_well_under_a_second_after_the_tap(stage: Stage) -> None:
    """Facts are read anew over HTTP, and the intent is on disk; the next poll would be an hour away."""
    stage.setting.settings |= {"approval_over_quote": 1000, "delta_band_quote": 200, "delta_band_pct": 0}
    stage.setting.settings["poll_seconds"] = 3600
    arrival = Arrival(stage.clock)
    stage.exchange.listeners.append(arrival)
    stage.start()
    tapped_s = stage.run(tap(stage, arrival))
    assert stage.setting.position < 0
    assert arrival.at_s is not None and arrival.at_s - tapped_s < 1


async def tap(stage: Stage, arrival: Arrival) -> float:
    """When the question was answered with yes; the order has arrived then."""
    engine = asyncio.create_task(stage.world.engine.run())
    approval = await question(stage.world)
    tapped_s = stage.clock.monotonic_s()
    await stage.world.office.desk.answer(approval.approval_id, approve=True, by="Anna", note=None)
    async with asyncio.timeout(10):
        await arrival.came.wait()
    engine.cancel()
    await asyncio.gather(engine, return_exceptions=True)
    return tapped_s
