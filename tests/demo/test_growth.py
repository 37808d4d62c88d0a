"""An engine that is left alone for months must not grow: what a turn allocates, a later turn has let go."""

from __future__ import annotations

import gc
import tracemalloc
from contextlib import AsyncExitStack
from pathlib import Path

from bot.demo.path import RECORDED_START
from bot.demo.run import drive, set_stage
from bot.settings import DemoOptions
from core.clock import ManualClock

WARM_UP_H, SETTLING_H, WATCHED_H = 2, 1, 2
# 480 turns: a quarter of a kilobyte that each kept would be over it. Caches that fill are not.
MOST_GROWTH_BYTES = 100_000


async def test_hours_of_hedging_leave_nothing_behind(tmp_path: Path) -> None:
    """The whole engine over the embedded market, with its books, orders and approvals."""
    options, clock = DemoOptions(speed=None, approvals="approve"), ManualClock(RECORDED_START, sleep_advances=True)
    async with AsyncExitStack() as stack:
        stage = await set_stage(stack, options, clock, tmp_path, None)
        await drive(stage, clock, WARM_UP_H, options)
        tracemalloc.start()
        try:
            await drive(stage, clock, SETTLING_H, options)
            gc.collect()
            before, _ = tracemalloc.get_traced_memory()
            cycles = await drive(stage, clock, WATCHED_H, options)
            gc.collect()
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert cycles > 400
    assert after - before < MOST_GROWTH_BYTES
