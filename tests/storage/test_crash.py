"""Killed with SIGKILL: what a call returned from is there, what it did not return from is whole or absent."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.clock import ManualClock
from storage.lock import InstanceLock, is_running
from storage.store import Store
from storage.upkeep import back_up, check_database
from tests.storage.samples import SCOPE, SYMBOL, T0, a_plan, an_approval

Child = subprocess.Popen[str]
Start = Callable[..., Child]


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Starts `tests.storage.child WHAT ...` on the database; whatever still runs in the end is killed."""
    children: list[Child] = []

    def run(what: str, *args: str) -> Child:
        command = [sys.executable, "-m", "tests.storage.child", what, str(path), *args]
        children.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return children[-1]

    yield run
    for child in children:
        child.kill()
        child.communicate()


def line_of(child: Child) -> str:
    assert child.stdout is not None
    return child.stdout.readline().strip()


async def opened(path: Path) -> Store:
    return await Store.open(path, scope=SCOPE, clock=ManualClock(T0))


async def test_killed_between_intent_and_commit(start: Start, path: Path) -> None:
    """A committed intent is there; one written but not committed is not, and its id is free."""
    child = start("half_an_intent")
    assert line_of(child) == "c1 committed, c2 written"
    child.kill()
    child.wait()
    async with await opened(path) as store:
        (order,) = await store.journal.unsettled_orders(SYMBOL)
        assert order.request.client_order_id == "c1"
        assert await store.journal.active_plan("bnb") == a_plan()
    assert [finding for finding in await check_database(path, now=T0) if finding.is_fault] == []


async def test_reading_after_a_kill(start: Start, path: Path) -> None:
    """`status` after a crash, before the service is started again, sees what was committed."""
    child = start("half_an_intent")
    line_of(child)
    child.kill()
    child.wait()
    reader = await Store.open_existing(path, scope=SCOPE, clock=ManualClock(T0))
    assert reader is not None
    async with reader:
        assert [order.request.client_order_id for order in await reader.journal.plan_orders("p1")] == ["c1"]


def log_of(path: Path) -> int:
    return path.with_name(path.name + "-wal").stat().st_ino


async def test_looking_at_the_file_does_not_unlock_it(start: Start, path: Path) -> None:
    """A service that opens its database a second time keeps its locks: a leaving visitor cannot take the log away."""
    async with await opened(path) as store:
        await store.meta.set("a", "1")
        before = log_of(path)
        for read_only in (True, False):
            await (await Store.open(path, scope=SCOPE, clock=ManualClock(T0), read_only=read_only)).aclose()
        await back_up(path, path.with_name("copy.db"), now=T0)
        assert start("come_and_go").wait() == 0
        assert log_of(path) == before
        await store.meta.set("a", "2")
        assert await store.meta.get("visitor") == "was here"


@pytest.mark.parametrize("enough", [1, 7, 40])
async def test_killed_at_any_moment(start: Start, path: Path, enough: int) -> None:
    """Every intent whose call returned is in the journal, and at most the one under way besides."""
    child = start("intents_for_ever")
    returned = [line_of(child) for _ in range(enough)]
    child.kill()
    assert child.stdout is not None
    returned += child.stdout.read().split()  # `communicate` would pass over what the line before was read with
    async with await opened(path) as store:
        kept = [order.request.client_order_id for order in await store.journal.plan_orders("p1")]
    assert kept[: len(returned)] == returned
    assert len(kept) - len(returned) <= 1


async def test_one_of_two_processes_decides(start: Start, path: Path) -> None:
    """A tap in the chat and one in the terminal at once: one wins."""
    async with await opened(path) as store:
        await store.approvals.propose(an_approval())
        children = [start("decide", name) for name in ("chat", "terminal")]
        assert [line_of(child) for child in children] == ["ready", "ready"]
        answers = []
        for child in children:
            assert child.stdin is not None
            child.stdin.write("go\n")
            child.stdin.flush()
        answers = [line_of(child) for child in children]
        approval = await store.approvals.get("a1")
    assert sorted(answer.split()[1] for answer in answers) == ["lost", "won"]
    assert approval is not None
    assert f"{approval.decided_by} won" in answers


async def test_command_of_another_process_is_answered(start: Start, path: Path) -> None:
    """The command-line twin writes a row, the running service answers, the twin prints it."""
    async with await opened(path) as store:
        child = start("pause")
        command_id = int(line_of(child))
        (command,) = await store.commands.pending()
        assert (command.command_id, command.name, command.args) == (command_id, "pause", ("bnb",))
        await store.commands.finish(command_id, ok=True, answer="bnb is paused", at=T0)
        assert line_of(child) == "bnb is paused"


async def test_lock_of_a_killed_holder_is_free(start: Start, path: Path) -> None:
    """While it lives nobody else gets in and its pid is named; killed, the next one starts at once."""
    child = start("hold_the_lock")
    assert line_of(child) == "held"
    assert is_running(path)
    with pytest.raises(Exception, match=rf"another lp-hedge \(pid {child.pid}\) already runs on"):
        InstanceLock(path).acquire()
    child.kill()
    child.wait()
    assert not is_running(path)
    with InstanceLock(path):
        assert is_running(path)
    assert not is_running(path)


async def test_those_who_ask_never_turn_a_service_away(start: Start, path: Path) -> None:
    """While two processes ask all the time who runs, every start succeeds."""
    for _ in range(2):
        assert line_of(start("ask_who_runs")) == "asking"
    for _ in range(1000):
        with InstanceLock(path):
            pass
