"""The pinned message: one per chat, silent, always current, and the operator's own pin wins."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from bot.replies import Reply
from core.ports import OutboxMessage
from storage.outbox import SqliteOutbox
from storage.store import Store
from tests.rigs.telegram import Message, TelegramRig
from tests.telegram.conftest import OPERATOR, QUICK, SECOND, Running

BOTH = frozenset({OPERATOR, SECOND})


class Content:
    def __init__(self) -> None:
        self.text = ""

    def __call__(self) -> Reply | None:
        return Reply(self.text, html=False) if self.text else None


async def _pinned(rig: TelegramRig, chat_id: int = OPERATOR) -> Message:
    return (await rig.eventually(lambda: [m for m in rig.messages(chat_id) if m.pinned]))[-1]


def _edits(rig: TelegramRig, text: str) -> list[int]:
    """How the edits to that text were answered."""
    return [call.status for call in rig.calls("editMessageText") if call.values["text"] == text]


async def test_is_sent_once_pinned_silently_and_edited_in_place(rig: TelegramRig, running: Running) -> None:
    """Also over a restart: the place is remembered."""
    content = Content()
    async with running(board=content):
        content.text = "PAPER · RUNNING 12:00"
        (message,) = await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.pinned])
        assert (message.silent, message.pinned_silently) == (True, True)
    content.text = "PAPER · PAUSED 12:01"
    async with running(board=content):
        await rig.eventually(lambda: message.text == content.text)
        content.text = "PAPER · RUNNING 12:02"
        await rig.eventually(lambda: message.text == content.text)
    assert len(rig.messages(OPERATOR)) == 1
    assert [call.status for call in rig.calls("pinChatMessage")] == [200]


async def test_a_deleted_board_comes_back_and_another_pin_is_respected(rig: TelegramRig, running: Running) -> None:
    """What the operator pinned is not covered."""
    content = Content()
    content.text = "one"
    async with running(board=content):
        (first,) = await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.pinned])
        first.deleted = True
        rig.say(OPERATOR, "my own note").pinned = True
        content.text = "two"
        (second,) = await rig.eventually(lambda: rig.messages(OPERATOR, "two"))
        content.text = "three"
        await rig.eventually(lambda: second.text == "three")
    assert not second.pinned


async def test_an_unchanged_board_is_not_sent_again(rig: TelegramRig, running: Running) -> None:
    """Edits cost calls; a still picture costs none, and while Telegram is away nothing piles up."""
    content = Content()
    content.text = "still"
    async with running(board=content):
        (message,) = await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.pinned])
        rig.down()
        content.text = "moved"
        await rig.eventually(lambda: rig.world.updates.polls)
        rig.up()
        await rig.eventually(lambda: message.text == "moved")
        edits = len(rig.calls("editMessageText"))
        await rig.eventually(lambda: rig.world.updates.polls > 2)
        assert len(rig.calls("editMessageText")) == edits


async def test_each_operator_has_one_and_a_chat_that_opens_later_gets_it_then(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """The one that is open does not wait for the other."""
    content = Content()
    content.text = "one"
    async with running(board=content, operators=BOTH):
        mine = await _pinned(rig)
        rig.add_chat(SECOND)
        theirs = await _pinned(rig, SECOND)
        content.text = "two"
        await rig.eventually(lambda: mine.text == theirs.text == "two")
    async with running(board=content, operators=BOTH):
        content.text = "three"
        await rig.eventually(lambda: mine.text == theirs.text == "three")
    assert (len(rig.messages(OPERATOR)), len(rig.messages(SECOND))) == (1, 1)


async def test_a_chat_that_blocks_the_bot_keeps_its_board_from_nobody_else(rig: TelegramRig, running: Running) -> None:
    """And sees it move again once it lets the bot in."""
    rig.add_chat(SECOND)
    content = Content()
    content.text = "one"
    async with running(board=content, operators=BOTH):
        mine, theirs = await _pinned(rig), await _pinned(rig, SECOND)
        rig.block(OPERATOR)
        content.text = "two"
        await rig.eventually(lambda: theirs.text == "two")
        assert mine.text == "one"
        rig.unblock(OPERATOR)
        await rig.eventually(lambda: mine.text == "two")


async def test_a_pin_that_is_refused_is_asked_for_once(rig: TelegramRig, running: Running) -> None:
    """In a group the bot may have no right to pin; the board is edited all the same."""
    rig.fault("pinChatMessage", times=None, code=400)
    content = Content()
    content.text = "one"
    async with running(board=content):
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
        for number in range(4):
            content.text = f"still {number}"
            await rig.eventually(lambda: message.text == content.text)
    assert len(rig.calls("pinChatMessage")) == 1


async def test_an_alarm_does_not_wait_for_a_board_that_is_told_to_pause(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """However long Telegram forbids edits; and the board leaves it alone for that long."""
    content = Content()
    content.text = "one"
    async with running(board=content):
        await _pinned(rig)
        rig.fault("editMessageText", times=None, code=429, retry_after=600)
        content.text = "two"
        await rig.eventually(lambda: _edits(rig, "two"))
        now = datetime.now(UTC)
        await outbox.put(OutboxMessage("alarm", "alarm", html=False, priority=0, silent=False, created_at=now))
        await rig.eventually(lambda: rig.messages(OPERATOR, "alarm"))
        polls = rig.world.updates.polls
        await rig.eventually(lambda: rig.world.updates.polls > polls)
        assert len(_edits(rig, "two")) == 1


async def test_the_board_is_quiet_while_messages_wait(rig: TelegramRig, outbox: SqliteOutbox, running: Running) -> None:
    """What Telegram allows in a minute belongs to alarms first."""
    content = Content()
    content.text = "one"
    async with running(board=content):
        message = await _pinned(rig)
        rig.fault("sendMessage", times=None, code=500)
        now = datetime.now(UTC)
        await outbox.put(OutboxMessage("alarm", "alarm", html=False, priority=0, silent=False, created_at=now))
        content.text = "two"
        await rig.eventually(lambda: len(rig.calls("sendMessage")) >= 4)
        assert (message.text, _edits(rig, "two")) == ("one", [])
        rig.heal()
        await rig.eventually(lambda: message.text == "two")
    assert rig.messages(OPERATOR, "alarm")


async def test_the_last_word_of_the_board_is_that_of_the_end(rig: TelegramRig, running: Running) -> None:
    """What stays pinned for hours must not say that the program runs."""
    content = Content()
    content.text = "RUNNING"
    async with running(board=content):
        (message,) = await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.pinned])
        content.text = "STOPPED"
    assert message.text == "STOPPED"


async def test_a_board_of_an_earlier_database_gives_way(rig: TelegramRig, running: Running, store: Store) -> None:
    """The bot's own pin is no person's: the newest board is the one that is pinned."""
    content = Content()
    content.text = "of the demo"
    async with running(board=content):
        await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.pinned])
    await store.database.write("DELETE FROM outbox")
    content.text = "of the service"
    async with running(board=content):
        message = await rig.eventually(lambda: rig.messages(OPERATOR, "of the service")[-1:])
        await rig.eventually(lambda: message[0].pinned)


async def test_what_happens_is_shown_soon(rig: TelegramRig, running: Running) -> None:
    """A halt is on the board in seconds, not at its next turn."""
    content = Content()
    content.text = "one"
    async with running(board=content, timings=replace(QUICK, board_every_s=60)) as front_end:
        (message,) = await rig.eventually(lambda: [m for m in rig.messages(OPERATOR) if m.pinned])
        content.text = "two"
        front_end.poke()
        await rig.eventually(lambda: message.text == "two")
