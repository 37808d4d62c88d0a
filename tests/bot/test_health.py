"""Is every part alive and fresh: each look of `/health`, and what turns it."""

from __future__ import annotations

import asyncio
import platform
import sqlite3
import time
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from bot import probes
from bot.loop_lag import LoopLag
from bot.rendering.health import HealthItem, health_text
from bot.rendering.markup import plain
from bot.telegram.frontend import Hearing, TelegramHealth
from core.clock import SystemClock
from core.supervision import TaskLife
from storage.schema import newest_version
from tests.bot.conftest import Desk
from tests.bot.samples import STATUS, T0, UNREAD, an_approval


async def health(desk: Desk) -> list[str]:
    return plain((await desk.say("/health")).text).splitlines()


async def test_queues_and_versions_are_told(desk: Desk) -> None:
    """How much waits of each kind, and which program, interpreter and schema this is."""
    await desk.approvals.ask(an_approval())
    await desk.say("/halt")
    shown = await health(desk)
    assert "✅ waiting: 1 message, 1 command, 1 proposal" in shown
    versions = f"Python {platform.python_version()} · schema {newest_version()} · SQLite {sqlite3.sqlite_version}"
    assert shown[-1] == f"lp-hedge 1.2.3 · {versions}"


async def test_commands_that_nobody_carries_out_need_a_person(desk: Desk) -> None:
    """An engine that consumes nothing is no healthy one."""
    for _ in range(6):
        await desk.say("/halt")
    assert (await health(desk))[0] == "Health: 1 thing needs you: waiting"


async def test_a_slow_poll_is_no_trouble(desk: Desk) -> None:
    """Between two looks a reading may be as old as one poll on top of what a decision accepts, as alerts count it."""
    config = desk.live.now
    slow = config.hedges["bnb"].model_copy(update={"poll_seconds": Decimal(300)})
    desk.live.put_in_force(config.model_copy(update={"hedges": {"bnb": slow}}))
    desk.engine.shown = (replace(STATUS, chain_age_s=310.0, venue_age_s=300.0),)
    assert "✅ bnb chain: 5 min old, limit 5 min" in await health(desk)
    desk.engine.shown = (replace(STATUS, chain_age_s=331.0, venue_age_s=300.0),)
    assert (await health(desk))[0] == "Health: 1 thing needs you: bnb chain"


async def test_what_was_never_read_is_neither_well_nor_wrong(desk: Desk) -> None:
    """At the start nothing is known yet."""
    desk.engine.shown = (UNREAD,)
    shown = await health(desk)
    assert shown[0] == "Health: all well" and "❔ bnb chain: not read yet" in shown


def test_troubles_come_first_and_in_the_headline() -> None:
    """One glance at a locked phone is enough."""
    items = [HealthItem("a", True, "fine"), HealthItem("b <b>", False, "<gone>"), HealthItem("c", False, "late")]
    assert plain(health_text(items, "v")).splitlines() == [
        "Health: 2 things need you: b <b>, c", "🚨 b <b>: <gone>", "🚨 c: late", "✅ a: fine", "v",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("life", "ok", "words"),
    [
        (TaskLife("bnb", 900, 4, 75), True, "last turn 4 s ago, allowed 75 s"),
        (TaskLife("bnb", 900, 76, 75), False, "last turn 76 s ago, allowed 75 s"),
        (TaskLife("bnb", 10, None, 75), None, "no turn completed yet, started 10 s ago"),
        (TaskLife("bnb", 90, None, 75), False, "no turn completed yet, started 90 s ago"),
        (TaskLife("bans", 3, trouble="no answer"), False, "no answer"),
        (TaskLife("bnb", 3, 1, 75, trouble="no answer"), False, "no answer"),
    ],
)
def test_a_task_is_alive_by_its_turns(life: TaskLife, ok: bool | None, words: str) -> None:
    """Its last completed turn against what is allowed; one without turns has to run. Before its first it is neither."""
    assert probes.task_items([life], "running") == [HealthItem(life.task, ok, words)]


def test_tasks_that_just_run_share_a_line() -> None:
    """A phone has one screen; one in trouble gets a line of its own."""
    lives = [TaskLife("bans", 7200), TaskLife("account history", 30), TaskLife("report", 3, trouble="ended")]
    assert probes.task_items(lives, "running") == [
        HealthItem("report", False, "ended"),
        HealthItem("running", True, "bans 2 h 0 min, account history 30 s"),
    ]


async def test_a_loop_that_is_held_up_is_measured() -> None:
    """One part that does not let go makes every other late."""
    lag = LoopLag(SystemClock())
    assert probes.lag_items(lag)[0].ok is None
    running = asyncio.create_task(lag.run())
    await asyncio.sleep(0.01)
    time.sleep(1.3)  # noqa: ASYNC251 - the very thing that is to be noticed
    await asyncio.sleep(0.01)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert (lag.worst_s() or 0) > 0.25
    late = LoopLag(SystemClock())
    late._late_s.extend((0.002, 1.5, 0.1))
    assert probes.lag_items(late) == [HealthItem("event loop", False, "at most 1500 ms late in the last minute")]


def test_a_log_of_writes_that_only_grows_is_noticed(tmp_path: Path) -> None:
    """A reader that never lets go keeps the database from taking its writes in."""
    path = tmp_path / "x.db"
    assert probes.database_items(path) == [HealthItem("database", False, "its file is gone")]
    path.write_bytes(b"x" * 1_500_000)
    assert probes.database_items(path) == [HealthItem("database", True, "1.5 MB and a log of 0.0 MB")]
    with (tmp_path / "x.db-wal").open("wb") as log:
        log.truncate(probes.WAL_LIMIT_BYTES + 1)
    assert probes.database_items(path)[0].ok is False


def test_memory_is_told_where_the_system_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elsewhere nothing is made up."""
    monkeypatch.setattr(probes, "PROC_STATM", tmp_path / "none")
    assert probes.memory_items() == []
    (tmp_path / "statm").write_text("1 1000 1")
    monkeypatch.setattr(probes, "PROC_STATM", tmp_path / "statm")
    assert probes.memory_items()[0].detail.endswith(" MB")


def test_telegram_tells_whether_it_hears() -> None:
    """Deafness is a trouble, the first seconds are not."""
    heard = TelegramHealth(Hearing.LISTENING, T0, 1.5, "@bot", "")
    assert probes.telegram_items(heard) == [HealthItem("Telegram", True, "listening as @bot, last poll 2 s ago")]
    deaf = replace(heard, hearing=Hearing.BLIND, detail="no answer")
    words = "blind as @bot, last poll 2 s ago; no answer"
    assert probes.telegram_items(deaf) == [HealthItem("Telegram", False, words)]
    assert probes.telegram_items(TelegramHealth(Hearing.STARTING, T0, None, None, ""))[0].ok is None
