"""Whatever the chat can do the terminal can do, with the same words: both show what the service returns."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot.commands import COMMANDS
from bot.console import QUIT, Console, Terminal
from bot.operator import Reply
from bot.rendering.markup import plain
from core.clock import ManualClock
from core.events import EventKind
from core.ports import ApprovalState
from storage.store import Store
from tests.bot.conftest import Desk, make_desk
from tests.bot.samples import T0, an_approval, an_event

# Of every command what people type, as it is meant and as it is not.
LINES = {
    "status": ("status", "/status"),
    "pending": ("pending",),
    "approve": ("approve a1b2c3d4", "approve nothing", "approve"),
    "reject": ("reject a1b2c3d4 too much", "reject a1b2c3d4", "reject"),
    "hedge": ("hedge", "hedge bnb", "hedge moon"),
    "pause": ("pause", "pause bnb", "pause moon"),
    "resume": ("resume", "resume bnb"),
    "halt": ("halt", "halt moon"),
    "flatten": ("flatten", "flatten eth"),
    "adopt": ("adopt bnb", "adopt bnb SIDEWAYS"),
    "follow": ("follow 7", "follow close bnb", "follow keep", "follow"),
    "set": ("set", "set bnb delta_band_quote", "set bnb delta_band_quote 70"),
    "alerts": ("alerts", "alerts lp off"),
    "config": ("config", "config bnb", "config moon"),
    "positions": ("positions",),
    "pnl": ("pnl", "pnl 7"),
    "chart": ("chart", "chart 6 bnb"),
    "margin": ("margin", "margin bnb"),
    "whatif": ("whatif 500", "whatif", "whatif 500 bnb"),
    "report": ("report",),
    "history": ("history", "history 3 bnb", "history moon"),
    "health": ("health",),
    "logs": ("logs", "logs error", "logs moon"),
    "export": ("export", "export 3"),
    "version": ("version",),
    "help": ("help",),
    "start": ("start",),
}


@dataclass
class Both:
    """The same program twice: one behind a chat, one behind a terminal."""

    chat: Desk
    terminal: Desk
    console: Console
    out: io.StringIO

    async def typed(self, line: str) -> str:
        """What the terminal shows for it."""
        self.out.truncate(0)
        self.out.seek(0)
        await self.console.obey(line)
        return self.out.getvalue().rstrip("\n")

    async def messages(self) -> str:
        """What comes by itself."""
        self.out.truncate(0)
        self.out.seek(0)
        await self.console.show_due()
        return self.out.getvalue()


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    async with AsyncExitStack() as stack:
        desks = []
        for name in ("chat", "terminal"):
            clock = ManualClock(T0, sleep_advances=True)
            store = await Store.open(tmp_path / f"{name}.db", scope="paper:test", clock=clock)
            await stack.enter_async_context(store)
            desks.append(make_desk(store, clock, "bnb", "eth"))
        chat, terminal = desks
        for desk in desks:
            await desk.approvals.ask(an_approval())
        out = io.StringIO()
        console = Console(
            operator=terminal.operator,
            outbox=terminal.store.outbox,
            clock=terminal.clock,
            terminal=Terminal(None, out, terminal.clock),
        )
        yield Both(chat, terminal, console, out)


def test_no_command_is_left_out() -> None:
    """A new one has to be shown here to work in the terminal."""
    assert set(LINES) == {command.name for command in COMMANDS}


def in_the_terminal(reply: Reply) -> str:
    """The reply's text, and its choices by number; buttons that have a typed twin need none."""
    buttons = [button for row in reply.buttons for button in row]
    listed = [button.label for button in buttons if not button.data.startswith(("approve:", "reject:", "view:"))]
    text = plain(reply.text) if reply.html else reply.text
    return "\n".join((text, *(f"  {number}) {label}" for number, label in enumerate(listed, start=1))))


@pytest.mark.parametrize("line", [line for lines in LINES.values() for line in lines])
async def test_the_terminal_answers_as_the_chat_does(both: Both, line: str) -> None:
    """Word for word; help also says how the terminal's program ends."""
    reply = await both.chat.say(f"/{line.removeprefix('/')}")
    if reply.attachment is None:
        ends = f"\n{QUIT}" if line.endswith("help") else ""
        assert await both.typed(line) == in_the_terminal(reply) + ends
    assert await both.chat.queued() == await both.terminal.queued()


@pytest.mark.parametrize("line", ["hedge", "hedge bnb", "flatten eth", "adopt bnb SHORT", "follow close bnb"])
@pytest.mark.parametrize("answer", ["yes", "no"])
async def test_questions_are_answered_alike(both: Both, line: str, answer: str) -> None:
    """Choosing the hedge, then Yes or No: the same questions, the same rows, the same outcome."""
    reply = await both.chat.say(f"/{line}")
    await both.typed(line)
    if "Yes" not in {button.label for row in reply.buttons for button in row} and reply.buttons:
        chosen = await both.chat.press(reply.buttons[0][0].data)
        assert chosen.edited is not None
        assert await both.typed("1") == in_the_terminal(chosen.edited)
        reply = chosen.edited
    if reply.buttons:
        row = {button.label.lower(): button.data for row in reply.buttons for button in row}
        outcome = await both.chat.press(row[answer])
        assert outcome.edited is not None
        assert await both.typed(answer[0]) == in_the_terminal(outcome.edited)
    assert await both.chat.queued() == await both.terminal.queued()


async def test_a_bare_reject_asks_for_no_line(both: Both) -> None:
    """The next typed line is a command again, never a reason."""
    assert "Rejected: SELL 4.2 BNB" in await both.typed("reject a1b2c3d4")
    assert "PAPER" in await both.typed("status")
    assert "do not know" in await both.typed("because it was too much")
    found = await both.terminal.store.approvals.get("a1b2c3d4")
    assert found is not None and (found.state, found.note) == (ApprovalState.REJECTED, None)


FOUND = an_event(EventKind.POSITION_FOUND, position_id="777", departed_base="2.5")


async def test_an_offers_buttons_have_numbers_that_stay(both: Both) -> None:
    """Its message comes while a question is open: 1 is still the question's, the offer's own number is the offer's."""
    await both.typed("flatten eth")
    await both.terminal.notifier.append(FOUND)
    shown = await both.messages()
    assert "101) Follow" in shown and "102) Close" in shown and "103) Keep" in shown
    assert "Asked: /flatten eth" in await both.typed("1")
    assert await both.terminal.queued() == [("flatten", ("eth",))]
    assert "Accepted: follow 777" in await both.typed("101")
    assert (await both.terminal.queued())[-1] == ("follow", ("777",))


async def test_closing_from_an_offer_asks_once_more(both: Both) -> None:
    """As in the chat; and what was pressed is what the question showed."""
    await both.terminal.notifier.append(FOUND)
    await both.messages()
    shown = await both.typed("102")
    await both.chat.notifier.append(FOUND)
    buttons = [button for message in await both.chat.messages() for row in message.buttons for button in row]
    close = next(data for label, data, _ in buttons if label == "Close")
    pressed = await both.chat.press(close)
    said = pressed.said or pressed.edited
    assert shown == (in_the_terminal(said) if said else pressed.toast)


async def test_a_proposal_is_answered_by_typing(both: Both) -> None:
    """Its message says how."""
    assert "Type: approve a1b2c3d4 / reject a1b2c3d4" in await both.messages()
    assert await both.typed("approve a1b2c3d4") == plain((await both.chat.say("/approve a1b2c3d4")).text)
