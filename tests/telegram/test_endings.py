"""A program that was killed, or told to end, as the phone sees it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from core.clock import SystemClock
from core.ports import ApprovalState, OutboxMessage
from storage.store import Store
from tests.bot.samples import an_approval
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import OPERATOR


@contextmanager
def _program(rig: TelegramRig, database: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Runs until it ends by itself, or dies by SIGKILL at the end of the block."""
    process = subprocess.Popen([sys.executable, "-m", "tests.telegram.victim", rig.api_url, str(database), "0"])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_proposal_pressed_while_the_program_was_dead_is_decided_once(rig: TelegramRig, tmp_path: Path) -> None:
    """Two taps on the button of a program that was killed: the next one decides by the first and hears the second."""
    database, clock = tmp_path / "t.db", SystemClock()
    now = clock.now()
    proposal = replace(an_approval(), created_at=now, expires_at=now + timedelta(minutes=5))
    buttons = ((("Approve", "approve:a1b2c3d4", ""), ("Reject", "reject:a1b2c3d4", "")),)
    asked = OutboxMessage("ask", "Hedge?", html=False, priority=0, silent=False, created_at=now, buttons=buttons)
    async with await Store.open(database, scope="paper:test", clock=clock) as store:
        await store.approvals.propose(proposal)
        await store.outbox.put(asked)
    with _program(rig, database):
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
    taps = [rig.press(OPERATOR, message, verb, age_s=-60) for verb in ("Reject", "Approve")]
    with _program(rig, database):
        await rig.eventually(lambda: all(tap.answered for tap in taps))
    async with await Store.open(database, scope="paper:test", clock=clock) as store:
        decided = await store.approvals.get("a1b2c3d4")
    assert sorted(tap.toast for tap in taps) in (["reject", "too late"], ["approve", "too late"])
    assert decided
    assert decided.state in (ApprovalState.REJECTED, ApprovalState.APPROVED)


async def test_a_sigterm_ends_it_also_while_telegram_hangs(rig: TelegramRig, tmp_path: Path) -> None:
    """With exit code 0, in a few seconds, whatever never answers."""
    with _program(rig, tmp_path / "t.db") as process:
        await rig.eventually(lambda: rig.world.updates.polls)
        rig.fault("*", times=None, delay_s=120)
        rig.say(OPERATOR, "/status")
        process.send_signal(signal.SIGTERM)
        assert process.wait(25) == 0
