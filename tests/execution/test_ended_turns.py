"""A turn that hangs is ended by the supervisor at any instant of an order's life, and the same process goes on.

As `test_power`, but nothing is read anew: what the program remembers must do. Every 57th instant of each life here.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.cancellation import end
from tests.execution.stage import Stage
from tests.execution.test_power import ANSWERS, CLOSE, LIVES, MOST_PASSES
from tests.execution.test_power import EVERY as EVERY_OF_POWER
from tests.rigs.venue import PLACE

EVERY = 3 * EVERY_OF_POWER


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("life", LIVES)
def test_a_turn_is_ended_at_any_instant(tmp_path: Path, life: str, answer: str) -> None:
    """It hedges what is missing and nothing twice."""
    first = 7 * len(life + answer) % EVERY
    ended = [after for after in range(first, MOST_PASSES, EVERY) if ended_after(tmp_path, life, answer, after)]
    assert ended


def ended_after(folder: Path, life: str, answer: str, after: int) -> bool:
    """False when that instant never came; else all is well with what follows."""
    settings, cycles = LIVES[life]
    (place := folder / str(after)).mkdir()
    with Stage(place, settings) as stage:
        stage.start()
        if (fault := ANSWERS[answer]) is not None:
            stage.server.faults.add(PLACE, fault)
        if not stage.run(_ended_amid(stage, cycles, after)):
            return False
        stage.until(lambda: abs(stage.gap_base) < CLOSE, within_s=120)
        stage.until_hedged(within_s=120)
        stage.is_settled()
    return True


async def _ended_amid(stage: Stage, cycles: int, after: int) -> bool:
    turns = asyncio.ensure_future(stage.world.cycles(cycles))

    async def end_it() -> None:
        await end(turns)

    stage.plug.do_in(after, end_it)
    await asyncio.wait({turns})
    begun, stage.plug.deeds_done = stage.plug.deeds_done, []
    stage.plug.call_off()
    await asyncio.gather(*begun)
    return turns.cancelled()
