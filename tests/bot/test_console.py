"""The terminal's console, on a real pseudo-terminal, a pipe, a file and nothing at all."""

from __future__ import annotations

import asyncio
import io
import os
import pty
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.console import Console, Terminal
from core.clock import SystemClock
from core.events import Event, EventKind
from core.ports import Approval, ApprovalState, OutboxMessage
from storage.store import Store
from tests.bot.conftest import Desk, make_desk
from tests.bot.samples import an_approval

WAIT_S = 30.0


class Screen:
    """The person's end of the terminal."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self.text = ""

    def type(self, line: str) -> None:
        os.write(self._fd, f"{line}\n".encode())

    async def until(self, wanted: str) -> None:
        """Wait until `wanted` is on the screen after all that was waited for before."""
        async with asyncio.timeout(WAIT_S):
            while wanted not in self.text:
                with suppress(BlockingIOError):
                    self.text += os.read(self._fd, 65536).decode(errors="ignore")
                await asyncio.sleep(0.01)
        self.text = self.text.partition(wanted)[2]


class Paper(io.StringIO):
    """Output that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self._written = asyncio.Event()

    def write(self, text: str) -> int:
        self._written.set()
        return super().write(text)

    async def until(self, wanted: str) -> None:
        async with asyncio.timeout(WAIT_S):
            while wanted not in self.getvalue():
                self._written.clear()
                await self._written.wait()


@pytest.fixture
def real(store: Store) -> Desk:
    """Terminals do not wait for a manual clock."""
    return make_desk(store, SystemClock(), "bnb", "eth")


@pytest.fixture
async def screen(real: Desk) -> AsyncIterator[Screen]:
    """A person at a terminal in which the console runs."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    with os.fdopen(theirs, "w", closefd=False) as out:
        console = a_console(real, Terminal(theirs, out, SystemClock()))
        running = asyncio.create_task(console.run())
        yield Screen(ours)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    os.close(ours)
    os.close(theirs)


def a_console(desk: Desk, terminal: Terminal) -> Console:
    return Console(operator=desk.operator, outbox=desk.store.outbox, clock=SystemClock(), terminal=terminal)


async def test_commands_are_answered(real: Desk, screen: Screen) -> None:
    """With or without a slash, as in the chat."""
    await screen.until("Type status")
    screen.type("status")
    await screen.until("PAPER · RUNNING")
    screen.type("/version")
    await screen.until("lp-hedge 1.2.3")


async def test_a_proposal_appears_and_is_answered_by_typing(real: Desk, screen: Screen) -> None:
    """The message comes by itself, says what to type, and typing it decides."""
    proposal = a_present_approval(real)
    await real.approvals.ask(proposal)
    await screen.until("Type: approve a1b2c3d4 / reject a1b2c3d4")
    screen.type("approve a1b2c3d4")
    await screen.until("Approved: SELL 4.2 BNB. Working on it.")
    stored = await real.store.approvals.get("a1b2c3d4")
    assert stored is not None and stored.state is ApprovalState.APPROVED and stored.decided_by == "terminal"


async def test_questions_are_answered_by_number_or_word(real: Desk, screen: Screen) -> None:
    """A dangerous command lists its choices; a number or the word picks one."""
    screen.type("flatten")
    await screen.until("2) eth")
    screen.type("2")
    await screen.until("Close the whole short of eth now?")
    await screen.until("2) No")
    screen.type("y")
    await screen.until("Asked: /flatten eth")
    assert await real.queued() == [("flatten", ("eth",))]


async def test_a_hedge_whose_name_is_near_halt_is_chosen(store: Store) -> None:
    """While it is one of the choices; else what is near halt halts."""
    desk = make_desk(store, SystemClock(), "salt", "eth")
    console = a_console(desk, Terminal(None, io.StringIO(), SystemClock()))
    for line in ("flatten", "salt", "yes"):
        await console.obey(line)
    assert await desk.queued() == [("flatten", ("salt",))]
    for line in ("flatten", "halt", "hatl", "salt"):
        await console.obey(line)
    assert [name for name, _ in await desk.queued()] == ["flatten", "halt", "halt", "halt"]


async def test_a_number_without_a_question_does_nothing(real: Desk, screen: Screen) -> None:
    """A choice counts for the last question only."""
    screen.type("1")
    await screen.until("/help")
    assert await real.queued() == []


async def test_an_edit_s_news_are_shown_once(real: Desk) -> None:
    """Each edit of a message repeats the one before it; here only what is new comes."""
    out = io.StringIO()
    console = a_console(real, Terminal(None, out, SystemClock()))
    for number, text in enumerate(("Question", "Question\n\nApproved.", "Question\n\nApproved.\nDone: 5 ETH.")):
        row = OutboxMessage(
            key=f"q{number}",
            text=text,
            html=False,
            priority=0,
            silent=True,
            created_at=SystemClock().now(),
            edits="q0" if number else None,
        )
        await real.store.outbox.put(row)
        await console.show_due()
    assert out.getvalue() == "Question\nApproved.\nDone: 5 ETH.\n"


async def test_the_end_of_a_proposal_is_shown_once_with_its_id(real: Desk) -> None:
    """On the phone it is an edit and a reply; here one line is enough, also with another message between them."""
    out = io.StringIO()
    console = a_console(real, Terminal(None, out, SystemClock()))
    approval = a_present_approval(real)
    await real.approvals.ask(approval)
    await console.show_due()
    asked = out.getvalue()
    await real.notifier.append(Event(EventKind.HALTED, "bnb", real.clock.now(), {"by": "Anna (tg:1)"}))
    await real.approvals.void(approval, "halted")
    await console.show_due()
    said = out.getvalue().removeprefix(asked)
    assert said.count("Void (halted)") == 1 and f"ID {approval.approval_id}\n🚫 Void (halted)." in said


async def test_quit_ends_it(real: Desk) -> None:
    """`quit` makes run return; what was still due can be shown after it, and comes once."""
    await real.approvals.ask(a_present_approval(real))
    out = io.StringIO()
    with os.fdopen(_pipe_with("quit\n")) as source:
        async with asyncio.timeout(WAIT_S):
            console = a_console(real, Terminal(source.fileno(), out, SystemClock()))
            await console.run()
    await console.show_due()
    assert out.getvalue().count("Approve this hedge?") == 1


@pytest.mark.parametrize("kind", ["closed", "pipe", "file", "null"])
async def test_it_lives_on_without_input(real: Desk, tmp_path: Path, kind: str) -> None:
    """Input that is closed, ends, or never was one: messages are still shown, nothing ends, nothing spins."""
    fd = _input(kind, tmp_path)
    out = Paper()
    running = asyncio.create_task(a_console(real, Terminal(fd, out, SystemClock())).run())
    await real.approvals.ask(a_present_approval(real))
    await out.until("Approve this hedge?")
    await out.until("lp-hedge 1.2.3" if kind in ("pipe", "file") else "no more input here")
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    if fd is not None:
        os.close(fd)


async def test_messages_stay_for_the_next_run_when_the_screen_is_gone(real: Desk) -> None:
    """Output that fails silences the console; what it could not show is not marked as shown."""
    out = io.StringIO()
    out.close()
    running = asyncio.create_task(a_console(real, Terminal(None, out, SystemClock())).run())
    await real.approvals.ask(a_present_approval(real))
    await asyncio.sleep(0.5)
    assert not running.done() and await real.store.outbox.backlog() == 1
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


def a_present_approval(desk: Desk) -> Approval:
    now = desk.clock.now()
    return replace(an_approval(), created_at=now, expires_at=now + timedelta(minutes=5))


def _input(kind: str, tmp_path: Path) -> int | None:
    match kind:
        case "pipe":
            return _pipe_with("version\n")
        case "file":
            path = tmp_path / "lines"
            path.write_text("version")
            return os.open(path, os.O_RDONLY)
        case "null":
            return os.open(os.devnull, os.O_RDONLY)
        case _:
            return None


def _pipe_with(text: str) -> int:
    reading, writing = os.pipe()
    os.write(writing, text.encode())
    os.close(writing)
    return reading
