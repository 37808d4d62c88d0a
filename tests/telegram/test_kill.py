"""A command outlives the program's sudden death."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core.clock import SystemClock
from storage.store import Store
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import OPERATOR


@contextmanager
def _program(rig: TelegramRig, database: Path, delay_s: float) -> Iterator[None]:
    """Runs until the block ends, then dies by SIGKILL."""
    arguments = [rig.api_url, str(database), str(delay_s)]
    process = subprocess.Popen([sys.executable, "-m", "tests.telegram.victim", *arguments])
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def test_a_command_in_work_at_the_kill_is_carried_out_once_after_the_restart(
    rig: TelegramRig, tmp_path: Path
) -> None:
    """Killed before the row was written: delivered again. Delivered again after it was: known by its key."""
    database = tmp_path / "t.db"
    with _program(rig, database, delay_s=60):
        await rig.eventually(lambda: rig.world.updates.polls, timeout_s=20)
        rig.say(OPERATOR, "/halt")
        await rig.eventually(lambda: rig.world.updates.delivered)
    assert rig.unconfirmed() == 1
    with rig.world.changed:
        update = rig.world.updates.pending()[0]
    with _program(rig, database, delay_s=0):
        await rig.eventually(lambda: rig.messages(OPERATOR, "row 1") and rig.unconfirmed() == 0, timeout_s=20)
        with rig.world.changed:
            rig.world.updates.repeat(update)
        rig.say(OPERATOR, "/pause")
        await rig.eventually(
            lambda: len(rig.messages(OPERATOR, "row")) == 2 and rig.messages(OPERATOR, "seen before"), timeout_s=20
        )
    async with await Store.open(database, scope="paper:test", clock=SystemClock()) as store:
        assert [command.name for command in await store.commands.pending()] == ["/halt", "/pause"]
