"""The power goes at every single instant of an order's life: each statement to the disk, each request on the wire.

In this process, so that none is missed; `test_kill_service` does the same to real processes at random. Every nineteenth
instant of each life here, all of them with LP_HEDGE_SOAK=1.
"""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path

import pytest

from core.ports import ApprovalState
from tests.execution.stage import Stage
from tests.execution.world import HEDGE
from tests.rigs.venue import PLACE, Fault, faults

EVERY = 1 if os.environ.get("LP_HEDGE_SOAK") == "1" else 19
MOST_PASSES = 500
CLOSE = Decimal("0.003")

SLICES: dict[str, object] = {
    "twap_over_quote": 1000,
    "twap_duration_seconds": 6,
    "twap_interval_seconds": 2,
    "urgent_band_multiple": 100,
}
# Settings, and how many evaluations the whole of it takes.
LIVES: dict[str, tuple[dict[str, object], int]] = {
    "market": ({}, 2),
    "in parts": ({"max_order_quote": 4000}, 4),
    "time-weighted": (SLICES, 8),
    "limit": ({"order_type": "limit"}, 2),
}
ANSWERS: dict[str, Fault | None] = {
    "answered": None,
    "answer lost": faults.drop().after(),
    "never arrived": faults.drop().before(),
    "carried out late": faults.drop().late(3),
}


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("life", LIVES)
def test_killed_at_every_instant(tmp_path: Path, life: str, answer: str) -> None:
    """Restarted, it hedges what is missing and nothing twice; all that ever reached the exchange was on the disk."""
    first = len(life + answer) % EVERY
    killed = [after for after in range(first, MOST_PASSES, EVERY) if killed_after(tmp_path, life, answer, after)]
    assert len(killed) * EVERY > 40  # it dies all along its way, and only there
    assert killed == list(range(first, killed[-1] + 1, EVERY))


def killed_after(folder: Path, life: str, answer: str, after: int) -> bool:
    """False when that instant never came; else all is well after the restart."""
    settings, cycles = LIVES[life]
    (place := folder / str(after)).mkdir()
    with Stage(place, settings) as stage:
        stage.start()
        if (fault := ANSWERS[answer]) is not None:
            stage.server.faults.add(PLACE, fault)
        if not stage.cycles_killed(cycles, after=after):
            return False
        stage.start()
        stage.until(lambda: abs(stage.gap_base) < CLOSE, within_s=120)
        stage.until_hedged(within_s=120)
        stage.is_settled()
        assert abs(stage.gap_base) < CLOSE, f"killed after {after}"
    return True


def test_killed_at_every_instant_of_an_approved_hedge(tmp_path: Path) -> None:
    """What a person granted is used once, however often the program dies over it."""
    for after in range(0, MOST_PASSES, EVERY):
        (place := tmp_path / str(after)).mkdir()
        with Stage(place, {"approval_over_quote": 1500, "max_order_quote": 4000}) as stage:
            stage.start()
            stage.cycles(1)
            approve(stage)
            if not stage.cycles_killed(4, after=after):
                return
            stage.start()
            stage.cycles(20)
            stage.is_settled()
            assert stage.run(every_approval(stage)) == [(Decimal("4.999"), -stage.setting.position)], after
    raise AssertionError("it never came to its end")


async def every_approval(stage: Stage) -> list[tuple[Decimal, Decimal]]:
    """(granted, used)"""
    store = stage.world.store
    rows = await store.database.rows("SELECT approval_id FROM approvals")
    found = [await store.approvals.get(row["approval_id"]) for row in rows]
    return [(approval.quantity_base, approval.used_base) for approval in found if approval]


def approve(stage: Stage) -> None:
    async def say_yes() -> None:
        (approval,) = await stage.world.store.approvals.live(HEDGE)
        assert approval.state is ApprovalState.PENDING
        await stage.world.office.desk.answer(approval.approval_id, approve=True, by="ann", note=None)

    stage.run(say_yes())
