"""A copy of the database from before the last trades, put back: nothing is traded until a person says what counts."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from core.events import EventKind
from storage.restoring import restore
from storage.upkeep import Finding, back_up, check_database
from tests.execution.in_process import Plug
from tests.execution.stage import Stage
from tests.execution.world import HEDGED

CLOSE = Decimal("0.003")


def copy_of(stage: Stage, copy: Path) -> None:
    asyncio.run(back_up(stage.setting.database, copy, now=stage.clock.now()))


def put_back(stage: Stage, copy: Path) -> None:
    stage.plug = Plug()
    stage.witness.close()  # it opens what is there by then
    asyncio.run(restore(stage.setting.database, copy, now=stage.clock.now()))


def is_stopped(stage: Stage) -> bool:
    return (stage.world.status.state, stage.world.status.reason) == ("SUSPENDED", "position_mismatch")


@pytest.mark.parametrize("killed", [False, True])
def test_trades_that_the_copy_does_not_know(stage: Stage, tmp_path: Path, killed: bool) -> None:
    """They are found in the exchange's list as nobody's; `/adopt` takes the position as it is, and hedging goes on."""
    stage.start()
    stage.until_hedged()
    copy_of(stage, tmp_path / "copy.db")
    for price in (1900, 2050):
        stage.setting.set_price(price)
        stage.until(lambda: abs(stage.gap_base) < CLOSE)
        stage.until_hedged()
    sent, held = len(stage.setting.sent()), stage.setting.position
    (stage.kill if killed else stage.stop)()
    put_back(stage, tmp_path / "copy.db")
    stage.setting.set_price(1900)
    stage.start()
    stage.until(lambda: is_stopped(stage))
    stage.cycles(20)
    assert (len(stage.setting.sent()), stage.setting.position) == (sent, held)
    assert len(stage.told(EventKind.FOREIGN_TRADE)) == sent - 1 and stage.told(EventKind.POSITION_MISMATCH)
    stage.run(stage.world.command("adopt", "eth"))
    stage.until_hedged()
    assert abs(stage.gap_base) < CLOSE and len(stage.setting.sent()) == sent + 1
    assert faults_of(stage) == []


@pytest.mark.parametrize("after", [5, 15, 25, 35, 45])
def test_an_order_that_was_under_way_in_the_copy(stage: Stage, tmp_path: Path, after: int) -> None:
    """Written down and not answered yet, or not there at all: looked up, or asked about, and never sent again."""
    copy = tmp_path / "copy.db"

    async def keep() -> None:
        with closing(sqlite3.connect(stage.setting.database)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)

    stage.start()
    stage.cycles_meanwhile(1, keep, after=after)
    stage.until_hedged()
    stage.stop()
    put_back(stage, copy)
    stage.start()
    stage.until(lambda: is_stopped(stage) or stage.world.status.state == "READY")
    if is_stopped(stage):
        stage.run(stage.world.command("adopt", "eth"))
    stage.until_hedged()
    stage.cycles(5)
    assert (len(stage.setting.sent()), stage.setting.position) == (1, HEDGED)
    assert faults_of(stage) == []


def faults_of(stage: Stage) -> list[Finding]:
    found = asyncio.run(check_database(stage.setting.database, now=stage.clock.now()))
    return [each for each in found if each.is_fault]
