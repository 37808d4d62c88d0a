"""What happens while the database hangs or is locked: written and told later, in order and once, or said to be lost."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import cast

import pytest

from bot.front import Front
from bot.office import open_office
from bot.stopping import NOTHING_LOST, SOMETHING_LEFT, Stopping
from core import supervision
from core.cancellation import end
from core.clock import ManualClock, SystemClock
from core.engine import Engine
from core.errors import Transient
from core.events import Event, EventKind
from core.held_events import HeldEvents
from core.supervision import Supervisor, Task
from storage.store import Store
from tests.bot.conftest import Desk
from tests.bot.samples import a_config

PATIENCE_S = 60.0
HAPPENED = (EventKind.DECISION_CHANGED, EventKind.PLAN_OPENED, EventKind.HEDGE_EXECUTED, EventKind.ORDER_TAKEN_BACK)


@asynccontextmanager
async def hanging(store: Store) -> AsyncIterator[None]:
    """The disk does not answer: every write waits."""
    await store.database._turn.acquire()
    try:
        yield
    finally:
        store.database._turn.release()


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """By another process, for longer than anybody waits."""
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


async def until_written(store: Store, count: int) -> list[EventKind]:
    """The kinds in the order in which they were written."""
    async with asyncio.timeout(PATIENCE_S):
        while len(events := await store.events.recent(hedge=None, limit=99)) < count:
            await asyncio.sleep(0.01)
    return [event.kind for event in reversed(events)]


@dataclass
class Kept:
    """A task that fails as long as `fails`, kept beside the real notifier."""

    desk: Desk
    fails: bool = True
    turns: int = 0
    failures: int = 0

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(events=self.desk.notifier, clock=SystemClock())

    async def turn(self) -> None:
        if self.fails:
            self.failures += 1
            raise Transient("the disk is away")
        self.turns += 1


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("FIRST_RETRY_S", "LONGEST_RETRY_S", "TELL_WITHIN_S"):
        monkeypatch.setattr(supervision, name, 0.05)
    return monkeypatch


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("failures", [1, 4])
async def test_failures_in_one_hang_are_told_once_and_so_is_the_recovery(desk: Desk, failures: int) -> None:
    """However often it failed meanwhile; nothing of it goes on ringing."""
    kept = Kept(desk)
    async with hanging(desk.store):
        keeping = asyncio.create_task(kept.supervisor.keep(Task("series", kept.turn, every_s=0.05)))
        await until(lambda: kept.failures >= failures)
        await asyncio.sleep(0.2)  # the time in which it could be told is over
        kept.fails = False
        await until(lambda: kept.turns > 0)
    assert await until_written(desk.store, 2) == [EventKind.TASK_FAILED, EventKind.TASK_RECOVERED]
    await until(lambda: kept.turns > 2)
    await end(keeping)
    assert len(await until_written(desk.store, 2)) == 2
    said = len(await desk.messages())
    for _ in range(3):
        await cast(ManualClock, desk.clock).advance(3700)
        await desk.notifier.tick()
    assert len(await desk.messages()) == said


async def test_who_comes_through_while_its_hang_is_told_goes_on(desk: Desk, quick: pytest.MonkeyPatch) -> None:
    """It is not started again, and its recovery is told."""
    quick.setattr(supervision, "HUNG_AFTER_S", 0.1)
    quick.setattr(supervision, "TELL_WITHIN_S", PATIENCE_S)
    kept, starts, free, allowed_s = Kept(desk), list[int](), asyncio.Event(), [0.1]

    async def work() -> None:
        starts.append(1)
        await free.wait()
        await kept.supervisor.worked("series")
        await asyncio.Event().wait()

    async with hanging(desk.store):
        keeping = asyncio.create_task(kept.supervisor.keep(Task("series", work, allowed_s=lambda: allowed_s[0])))
        await until(lambda: kept.supervisor.trouble("series") is not None)
        allowed_s[0] = 3600.0
        free.set()
        await until(lambda: kept.supervisor.trouble("series") is None)
    assert await until_written(desk.store, 2) == [EventKind.TASK_FAILED, EventKind.TASK_RECOVERED]
    await asyncio.sleep(0.3)
    assert starts == [1] and not keeping.done() and kept.supervisor.lives()[0].is_well
    await end(keeping)


async def test_a_turn_that_is_cancelled_loses_no_event(desk: Desk) -> None:
    """By the watchdog or a signal, while the first of several waits: all are written, and what comes last is last."""
    events = HeldEvents(desk.notifier)

    async def turn() -> None:
        async with events.held():
            for kind in HAPPENED:
                await events.append(Event(kind, "bnb", desk.clock.now(), {"state": "READY"}))

    async with hanging(desk.store):
        turning = asyncio.create_task(turn())
        await until(lambda: desk.notifier.unwritten() > 0)
        await end(turning)
        assert turning.cancelled()
        leaving = asyncio.create_task(desk.notifier.append(Event(EventKind.STOPPED, None, desk.clock.now(), {})))
        await asyncio.sleep(0)
    await leaving
    assert await until_written(desk.store, 5) == [*HAPPENED, EventKind.STOPPED]


async def test_what_waits_is_written_by_a_last_try(desk: Desk, tmp_path: Path) -> None:
    """The lock is off again after the goodbye, when nobody else would ask any more."""
    await impatient(desk.store)
    with locked(tmp_path / "lp_hedge.db"):
        for kind in (*HAPPENED, EventKind.STOPPED):
            await desk.notifier.append(Event(kind, "bnb", desk.clock.now(), {"state": "READY"}))
    assert desk.notifier.unwritten() == 5
    await desk.notifier.write_rest()
    assert desk.notifier.unwritten() == 0
    assert await until_written(desk.store, 5) == [*HAPPENED, EventKind.STOPPED]


class Idle:
    """An engine with nothing to do."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    def statuses(self) -> tuple[()]:
        return ()


@pytest.mark.usefixtures("root")
async def test_what_is_lost_at_the_end_is_said(store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The log names it, and the exit code is not that of an end at which nothing was lost."""
    caplog.set_level(logging.ERROR)
    clock, stopping = SystemClock(), Stopping()
    office = open_office(a_config("bnb"), store, clock, UTC)
    front = Front(office, store, clock, telegram=None, stopping=stopping)
    assert stopping.code == NOTHING_LOST
    await impatient(store)
    running = asyncio.create_task(front.run(cast(Engine, Idle())))
    await asyncio.sleep(0)
    with locked(tmp_path / "lp_hedge.db"):
        await office.notifier.append(Event(EventKind.HALTED, "bnb", clock.now(), {"by": "Anna"}))
        await end(running)
        assert stopping.code == SOMETHING_LEFT
    (said,) = [each.getMessage() for each in caplog.records if "before the end" in each.getMessage()]
    assert said.startswith("could not be written down before the end") and "halted" in said


async def impatient(store: Store) -> None:
    assert store.database._writer is not None
    await store.database._writer.execute("PRAGMA busy_timeout = 50")
