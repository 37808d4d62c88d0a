"""Killed between a deed and its word: the next process tells it, with its true figures, and nobody tells it twice."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from core.events import EventKind
from core.ports import PlanState
from storage.journal import SqliteJournal
from tests.execution.stage import Stage
from tests.execution.world import HEDGED, SYMBOL, Setting, running

WORDS = ("plan_opened", "hedge_executed")
EVERY = 5
MOST_INSTANTS = 400


def test_killed_again_and_again_over_the_words_of_a_trade(tmp_path: Path) -> None:
    """Each of these processes dies one instant later of its start than the one before it."""
    with killed_with_words_owed(tmp_path) as stage:
        after = 0
        while stage.start_killed(after=after):
            assert all(told(stage, word) <= 1 for word in WORDS)
            after += 1
        assert after > 4  # instants at which it died
        assert [told(stage, word) for word in WORDS] == [1, 1]
        opened, executed = stage.run(stage.world.events(EventKind.PLAN_OPENED, EventKind.HEDGE_EXECUTED))
        (trade,) = stage.exchange.ledger.trades
        (row,) = rows(stage, "SELECT * FROM plans")
        assert opened.data["plan_id"] == executed.data["plan_id"] == row["plan_id"]
        assert executed.data["quantity_base"] == str(trade.quantity) == str(-HEDGED)
        assert Decimal(executed.data["average_price"]) == trade.price
        assert Decimal(executed.data["fee_quote"]) == trade.commission
        assert executed.at.isoformat().partition("+")[0] == row["closed_at"].removesuffix("Z")
        assert len(rows(stage, "SELECT 1 FROM outbox WHERE key LIKE 'hedge_executed%'")) == 1
        stage.cycles(3)
        stage.is_settled()


def killed_with_words_owed(folder: Path) -> Stage:
    """Dead, its first plan being closed in the journal and not told of. The latest such instant of its first look."""
    last = instants_of_a_look(folder / "alive")
    for after in reversed(range(last)):
        (place := folder / str(after)).mkdir()
        stage = Stage(place)
        stage.start()
        assert stage.cycles_killed(1, after=after)
        if rows(stage, "SELECT 1 FROM plans WHERE state = 'done'") and not any(told(stage, word) for word in WORDS):
            return stage
        stage.close()
    raise AssertionError("the words were there whenever it died")


def instants_of_a_look(place: Path) -> int:
    place.mkdir()
    with Stage(place) as stage:
        stage.start()
        before = stage.plug.count
        stage.cycles(1)
        return stage.plug.count - before


def test_killed_over_a_trade_that_is_not_ours(tmp_path: Path) -> None:
    """It is told once, whenever the process that booked it died."""
    for after in range(0, MOST_INSTANTS, EVERY):
        (place := tmp_path / str(after)).mkdir()
        with Stage(place) as stage:
            stage.start()
            stage.until_hedged()
            stage.exchange.set_position(SYMBOL, HEDGED + 1)
            if not stage.cycles_killed(1, after=after):
                assert after > EVERY
                return
            stage.start()
            stage.cycles(3)
            assert told(stage, "foreign_trade") == 1, after
    raise AssertionError("it never came to its end")


async def test_a_turn_that_is_ended_as_it_closes_a_plan_tells_of_it(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is closed on the disk before the turn hears of it; the same process would not tell it later."""
    plain = SqliteJournal.close_plan

    async def closed_as_the_turn_ends(journal: SqliteJournal, plan_id: str, state: PlanState, at: datetime) -> bool:
        done = await plain(journal, plan_id, state, at)
        turn.cancel()
        await asyncio.sleep(0)
        return done

    monkeypatch.setattr(SqliteJournal, "close_plan", closed_as_the_turn_ends)
    async with running(setting) as world:
        turn = asyncio.ensure_future(world.cycles(4))
        await asyncio.wait({turn})
        assert turn.cancelled()
        await world.until_hedged()
        assert len(await world.events(EventKind.PLAN_OPENED, EventKind.HEDGE_EXECUTED)) == 2
        await world.check_settled()


def told(stage: Stage, kind: str) -> int:
    """How often. Of one matter, or it fails."""
    found = [json.loads(row["data"]) for row in rows(stage, f"SELECT data FROM events WHERE kind = '{kind}'")]
    assert len({each.get("plan_id", each.get("trade_id")) for each in found}) <= 1
    return len(found)


def rows(stage: Stage, sql: str) -> list[sqlite3.Row]:
    reader = sqlite3.connect(f"file:{stage.setting.database}?mode=ro", uri=True)
    reader.row_factory = sqlite3.Row
    try:
        return reader.execute(sql).fetchall()
    finally:
        reader.close()
