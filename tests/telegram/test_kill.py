"""Commands and questions outlive the program's sudden death, and its ordinary end is quick."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from core.clock import SystemClock
from core.ports import ApprovalState
from storage.store import Store
from tests.rigs.telegram import Message, TelegramRig
from tests.rigs.telegram.rig import PATIENCE_S
from tests.telegram.conftest import OPERATOR, SECOND


@contextmanager
def _program(rig: TelegramRig, database: Path, delay_s: float = 0) -> Iterator[subprocess.Popen[bytes]]:
    """Takes commands until the block ends, then dies by SIGKILL."""
    with _killed("victim", rig, database, str(delay_s)) as process:
        yield process


@contextmanager
def _killed(module: str, rig: TelegramRig, database: Path, argument: str) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [f"tests.telegram.{module}", rig.api_url, str(database), argument]
    process = subprocess.Popen([sys.executable, "-m", *arguments])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_command_in_work_at_the_kill_is_carried_out_once_after_the_restart(
    rig: TelegramRig, tmp_path: Path
) -> None:
    """Killed before the row was written: delivered again. Delivered again after it was: known by its key."""
    database = tmp_path / "t.db"
    with _program(rig, database, delay_s=60):
        await rig.eventually(lambda: rig.world.updates.polls)
        rig.say(OPERATOR, "/halt")
        await rig.eventually(lambda: rig.world.updates.delivered)
    assert rig.unconfirmed() == 1
    with rig.world.changed:
        update = rig.world.updates.pending()[0]
    with _program(rig, database, delay_s=0):
        await rig.eventually(lambda: rig.messages(OPERATOR, "row 1") and rig.unconfirmed() == 0)
        with rig.world.changed:
            rig.world.updates.repeat(update)
        rig.say(OPERATOR, "/pause")
        await rig.eventually(lambda: len(rig.messages(OPERATOR, "row")) == 2 and rig.messages(OPERATOR, "seen before"))
    async with await Store.open(database, scope="paper:test", clock=SystemClock()) as store:
        assert [command.name for command in await store.commands.pending()] == ["/halt", "/pause"]


async def test_a_question_open_at_the_kill_is_asked_again_and_answered_once(rig: TelegramRig, tmp_path: Path) -> None:
    """The old message loses its buttons and points down; the new one decides; the old one's tap comes too late."""
    database = tmp_path / "t.db"
    rig.add_chat(SECOND)
    with _killed("asker", rig, database, "ask"):
        copies = [(await rig.eventually(partial(_asking, rig, chat)))[0] for chat in (OPERATOR, SECOND)]
        await _until_known(database, copies=2)
    with _killed("asker", rig, database, "go on"):
        await rig.eventually(
            lambda: all("Asked again below, after a restart" in old.text and not old.labels for old in copies),
        )
        (again,) = await rig.eventually(partial(_asking, rig, OPERATOR))
        press = rig.press(OPERATOR, again, "Approve")
        await rig.eventually(lambda: press.answered and not _asking(rig, OPERATOR) and not _asking(rig, SECOND))
        late = rig.press(SECOND, copies[1], "Reject", stale=True)
        await rig.eventually(lambda: late.answered)
        assert "approved by User42 at " in late.toast
    async with await Store.open(database, scope="paper:test", clock=SystemClock()) as store:
        found = await store.approvals.get("a1b2c3d4")
        assert found is not None and (found.state, found.decided_by) == (ApprovalState.APPROVED, "User42 (tg:42)")


def _asking(rig: TelegramRig, chat_id: int) -> list[Message]:
    return [message for message in rig.messages(chat_id) if message.labels == ["Approve", "Reject"]]


async def _until_known(database: Path, *, copies: int) -> None:
    """A kill before it is written down where a question stands leaves that copy alone; it decides nothing any more."""
    async with await Store.open(database, scope="paper:test", clock=SystemClock()) as store:
        async with asyncio.timeout(PATIENCE_S):
            while len(await store.outbox.deliveries("approval:a1b2c3d4")) < copies:
                await asyncio.sleep(0.02)
