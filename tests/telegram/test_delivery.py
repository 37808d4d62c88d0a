"""The outbox in the chat: what arrives, where, in which order, how loudly, and how often."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.replies import Reply
from core.ports import Delivery, OutboxMessage
from storage.outbox import SqliteOutbox
from tests.rigs.telegram import Drop, TelegramRig
from tests.rigs.telegram.rig import PATIENCE_S
from tests.telegram.conftest import GROUP, OPERATOR, QUICK, SECOND, Running

START = datetime(2026, 5, 1, tzinfo=UTC)
KEYBOARD = ((("Approve", "approve:a1", "success"), ("Reject", "reject:a1", "danger")),)


def _message(
    key: str,
    text: str = "",
    *,
    at_s: int = 0,
    priority: int = 1,
    silent: bool = False,
    html: bool = False,
    buttons: tuple[tuple[tuple[str, str, str], ...], ...] = (),
    edits: str | None = None,
    replies_to: str | None = None,
) -> OutboxMessage:
    at = START + timedelta(seconds=at_s)
    return OutboxMessage(key, text or key, html, priority, silent, at, buttons, edits, replies_to)


async def _settled(rig: TelegramRig, outbox: SqliteOutbox) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            while await outbox.backlog():
                await asyncio.sleep(0.03)
    except TimeoutError:
        raise AssertionError(f"{await outbox.backlog()} rows wait") from None


async def test_alarms_first_then_by_age_and_loud_or_silent_as_said(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """Priority, then age; the silent flag is Telegram's."""
    for message in (_message("late", at_s=9), _message("early", silent=True), _message("alarm", at_s=10, priority=0)):
        await outbox.put(message)
    async with running():
        await _settled(rig, outbox)
    assert [(m.text, m.silent) for m in rig.messages(OPERATOR)] == [("alarm", False), ("early", True), ("late", False)]


@pytest.mark.parametrize("chat_id", [None, GROUP])
async def test_every_operator_is_told_or_the_one_configured_chat(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running, chat_id: int | None
) -> None:
    """Deliveries are recorded per chat, so that each copy can be edited."""
    expected = (OPERATOR, SECOND) if chat_id is None else (GROUP,)
    for chat in (SECOND, GROUP):
        rig.add_chat(chat)
    await outbox.put(_message("hello"))
    async with running(operators=frozenset({OPERATOR, SECOND}), chat_id=chat_id):
        await _settled(rig, outbox)
    assert tuple(d.chat_id for d in await outbox.deliveries("hello")) == expected
    assert all(len(rig.messages(chat)) == (chat in expected) for chat in (OPERATOR, SECOND, GROUP))


async def test_a_decision_replaces_the_proposal_in_every_chat(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """Edited in place, without its buttons; the outcome answers it."""
    rig.add_chat(SECOND)
    async with running(operators=frozenset({OPERATOR, SECOND})):
        await outbox.put(_message("ask", "Hedge?", priority=0, buttons=KEYBOARD))
        await _settled(rig, outbox)
        assert rig.messages(OPERATOR)[0].labels == ["Approve", "Reject"]
        await outbox.put(_message("ask:decided", "Hedge? approved", edits="ask"))
        await outbox.put(_message("ask:done", "filled", replies_to="ask"))
        await _settled(rig, outbox)
    for chat in (OPERATOR, SECOND):
        proposal, outcome = rig.messages(chat)
        assert (proposal.text, proposal.labels, outcome.reply_to) == ("Hedge? approved", [], proposal.message_id)


async def test_a_proposal_that_expired_during_an_outage_arrives_once_as_expired(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """Nobody is shown buttons that are known to be dead; later edits still find the message."""
    await outbox.put(_message("ask", "Hedge?", priority=0, buttons=KEYBOARD))
    await outbox.put(_message("ask:1", "Hedge? growing", edits="ask", at_s=1, buttons=KEYBOARD))
    await outbox.put(_message("ask:2", "Hedge? expired", edits="ask", at_s=2))
    async with running():
        await _settled(rig, outbox)
        await outbox.put(_message("ask:3", "Hedge? proposed anew", edits="ask", at_s=3))
        await _settled(rig, outbox)
    (message,) = rig.messages(OPERATOR)
    assert [revision.text for revision in message.revisions] == ["Hedge? expired", "Hedge? proposed anew"]
    assert all(revision.keyboard == () for revision in message.revisions)


async def test_an_edit_of_the_same_content_is_done(rig: TelegramRig, outbox: SqliteOutbox, running: Running) -> None:
    """The press's own edit came first; "not modified" is success."""
    async with running():
        await outbox.put(_message("ask", "same"))
        await _settled(rig, outbox)
        await outbox.put(_message("ask:1", "same", edits="ask"))
        await _settled(rig, outbox)
    assert len(rig.messages(OPERATOR)) == 1


async def test_an_edit_whose_message_is_gone_comes_as_a_new_one(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """Deleted by a person, never delivered, or never known: the news arrives all the same."""
    async with running():
        await outbox.put(_message("ask", "Hedge?"))
        await _settled(rig, outbox)
        rig.messages(OPERATOR)[0].deleted = True
        await outbox.put(_message("ask:1", "expired", edits="ask"))
        await outbox.put(_message("orphan:1", "about something unknown", edits="orphan"))
        await _settled(rig, outbox)
        await outbox.put(_message("ask:2", "expired for good", edits="ask"))
        await _settled(rig, outbox)
    texts = [message.text for message in rig.messages(OPERATOR)]
    assert sorted(texts) == ["about something unknown", "expired for good"]


async def test_a_flood_wait_is_kept(rig: TelegramRig, outbox: SqliteOutbox, running: Running) -> None:
    """429 delays, and neither loses nor reorders."""
    rig.fault("sendMessage", code=429, retry_after=1)
    rig.fault("sendMessage", code=429, retry_after=2, contains="two")
    await outbox.put(_message("one"))
    await outbox.put(_message("two", at_s=1))
    async with running():
        await _settled(rig, outbox)
    assert [message.text for message in rig.messages(OPERATOR)] == ["one", "two"]
    refused = [call.at_s for call in rig.calls("sendMessage") if call.status == 429]
    sent = [call.at_s for call in rig.calls("sendMessage") if call.status == 200]
    assert sent[0] - refused[0] >= 1
    assert sent[1] - refused[1] >= 2


async def test_a_lost_answer_means_twice_at_most_and_never_none(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """After a lost answer an alert is sent again, as Telegram knows no key for it; the last copy is the one edited."""
    rig.fault("sendMessage", drop=Drop.AFTER)
    rig.fault("sendMessage", drop=Drop.BEFORE)
    async with running():
        await outbox.put(_message("ask", "Hedge?", buttons=KEYBOARD))
        await _settled(rig, outbox)
        copies = rig.messages(OPERATOR)
        assert len(copies) == 2
        assert await outbox.deliveries("ask") == (Delivery(OPERATOR, copies[-1].message_id),)


async def test_a_slow_answer_is_an_unknown_outcome_too(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """A read time-out is treated like a lost answer."""
    rig.fault("sendMessage", delay_s=1.5)
    async with running(timings=replace(QUICK, read_timeout_s=1)):
        await outbox.put(_message("alert"))
        await _settled(rig, outbox)
    assert len(await outbox.deliveries("alert")) == 1


async def test_one_blocked_chat_does_not_stop_the_others(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """The message counts as delivered when anybody got it."""
    rig.add_chat(SECOND)
    rig.block(OPERATOR)
    await outbox.put(_message("alert"))
    async with running(operators=frozenset({OPERATOR, SECOND})):
        await _settled(rig, outbox)
    assert await outbox.deliveries("alert") == (Delivery(SECOND, rig.messages(SECOND)[0].message_id),)


async def test_messages_that_nobody_takes_wait(rig: TelegramRig, outbox: SqliteOutbox, running: Running) -> None:
    """With the only chat blocked, or never started, they are kept and come when it opens."""
    rig.block(OPERATOR)
    async with running():
        await outbox.put(_message("one"))
        await outbox.put(_message("two", at_s=1))
        await rig.eventually(lambda: len(rig.calls("sendMessage")) >= 4)
        rig.unblock(OPERATOR)
        await _settled(rig, outbox)
    assert {message.text for message in rig.messages(OPERATOR)} == {"one", "two"}


async def test_what_telegram_can_never_take_does_not_block_the_rest(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """Bad buttons are left off, broken markup becomes plain text, an empty text is given up."""
    await outbox.put(_message("buttons", "with buttons", buttons=((("b", "d" * 65, ""),),)))
    await outbox.put(_message("markup", "a <b>bold & unclosed", html=True, at_s=1))
    await outbox.put(_message("empty", " ", at_s=2))
    await outbox.put(_message("last", at_s=3))
    async with running():
        await _settled(rig, outbox)
    assert [m.text for m in rig.messages(OPERATOR)] == ["with buttons", "a bold & unclosed", "last"]


async def test_an_alarm_overtakes_a_backlog(rig: TelegramRig, outbox: SqliteOutbox, running: Running) -> None:
    """The queue is looked at again after each batch."""
    for number in range(60):
        await outbox.put(_message(f"old {number}", at_s=number))
    rig.fault("sendMessage", times=None, delay_s=0.02)
    async with running() as front_end:
        await rig.eventually(lambda: rig.messages(OPERATOR))
        await outbox.put(_message("alarm", at_s=100, priority=0))
        front_end.poke()
        await _settled(rig, outbox)
    texts = [message.text for message in rig.messages(OPERATOR)]
    assert texts.index("alarm") < 45
    assert [text for text in texts if text != "alarm"] == [f"old {number}" for number in range(60)]


async def test_the_last_words_are_said_before_the_end(rig: TelegramRig, outbox: SqliteOutbox, running: Running) -> None:
    """Rows put before the stop are delivered in its course."""
    async with running():
        await rig.eventually(lambda: rig.world.updates.polls)
        await outbox.put(_message("stopped"))
    assert [message.text for message in rig.messages(OPERATOR)] == ["stopped"]


async def test_a_telegram_that_is_away_does_not_hold_up_the_end(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """The last words wait for the next start then."""
    async with running():
        await rig.eventually(lambda: rig.world.updates.polls)
        rig.down()
        await outbox.put(_message("stopped"))
    assert await outbox.backlog() == 1
    rig.up()
    async with running():
        await _settled(rig, outbox)
    assert [message.text for message in rig.messages(OPERATOR)] == ["stopped"]


async def test_alarms_go_before_edits_of_the_board(rig: TelegramRig, outbox: SqliteOutbox, running: Running) -> None:
    """While a pause that Telegram asked for keeps an alarm waiting, the board asks for nothing."""
    count = itertools.count()
    async with running(board=lambda: Reply(f"board {next(count)}", html=False)) as front_end:
        await rig.eventually(lambda: len(rig.calls("editMessageText")) > 2)
        rig.fault("sendMessage", times=1, code=429, retry_after=1)
        await outbox.put(_message("alarm", priority=0))
        front_end.poke()
        await rig.eventually(lambda: any(call.status == 429 for call in rig.calls("sendMessage")))
        await asyncio.sleep(0.1)
        edits = len(rig.calls("editMessageText"))
        await rig.eventually(lambda: rig.messages(OPERATOR, "alarm"))
        assert len(rig.calls("editMessageText")) - edits <= 1
        await rig.eventually(lambda: len(rig.calls("editMessageText")) > edits + 2)


@pytest.mark.parametrize(
    "reason",
    [
        "Bad Request: not enough rights to send text messages to the chat",
        "Bad Request: have no rights to send a message",
        "Bad Request: CHAT_WRITE_FORBIDDEN",
        "Bad Request: chat not found",
    ],
)
async def test_a_chat_that_lets_the_bot_say_nothing_loses_nothing(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running, reason: str
) -> None:
    """A group's administrator restricts the bot for an hour: that is no fault of what it had to say."""
    rig.fault("sendMessage", times=None, code=400, reason=reason)
    await outbox.put(_message("alarm", priority=0))
    async with running():
        await rig.eventually(lambda: len(rig.calls("sendMessage")) >= 2)
        assert await outbox.backlog() == 1
        rig.heal()
        await _settled(rig, outbox)
    assert [m.text for m in rig.messages(OPERATOR)] == ["alarm"]


@pytest.mark.parametrize(("code", "retry_after"), [(429, 30), (500, None)])
async def test_one_operators_chat_keeps_no_alarm_from_another(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running, code: int, retry_after: int | None
) -> None:
    """The first chat must wait; the second is told at once, and once, and sees the outcome."""
    rig.add_chat(SECOND)
    for method in ("sendMessage", "editMessageText"):
        rig.fault(method, times=None, code=code, retry_after=retry_after, contains=f"'chat_id': '{OPERATOR}'")
    await outbox.put(_message("ask", "Hedge?", priority=0, buttons=KEYBOARD))
    async with running(operators=frozenset({OPERATOR, SECOND}), timings=replace(QUICK, farewell_s=0.5)):
        (theirs,) = await rig.eventually(lambda: rig.messages(SECOND))
        await asyncio.sleep(0.5)
        assert theirs.labels == ["Approve", "Reject"] and len(rig.messages(SECOND)) == 1
        assert not rig.messages(OPERATOR) and await outbox.backlog() == 1


@pytest.mark.parametrize("edits", [None, "ask"])
async def test_what_telegram_fails_over_keeps_nothing_from_going_past(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running, edits: str | None
) -> None:
    """One message, or an edit, on which the server always stumbles; it is tried on, and arrives when it can."""
    async with running():
        await outbox.put(_message("ask", "Hedge?", priority=0, buttons=KEYBOARD))
        await _settled(rig, outbox)
        for method in ("sendMessage", "editMessageText"):
            rig.fault(method, times=None, code=500, contains="stumbles")
        await outbox.put(_message("bad", "stumbles", priority=0, edits=edits, at_s=1))
        await outbox.put(_message("alarm", priority=0, at_s=2))
        await rig.eventually(lambda: rig.messages(OPERATOR, "alarm"))
        rig.heal()
        await _settled(rig, outbox)
    shown = [m.text for m in rig.messages(OPERATOR)]
    assert shown == (["stumbles", "alarm"] if edits else ["Hedge?", "alarm", "stumbles"])


async def test_an_outage_does_not_change_the_order(rig: TelegramRig, outbox: SqliteOutbox, running: Running) -> None:
    """Where the next one fails as well, it is not the message's fault."""
    async with running():
        rig.fault("sendMessage", times=None, code=500)
        for number in range(4):
            await outbox.put(_message(f"m{number}", at_s=number))
        await rig.eventually(lambda: len(rig.calls("sendMessage")) >= 10)
        rig.heal()
        await _settled(rig, outbox)
    assert [m.text for m in rig.messages(OPERATOR)] == ["m0", "m1", "m2", "m3"]


async def test_an_outcome_reaches_the_copy_of_a_round_that_was_cut_short(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """The question was in the first chat when the program ended; its end comes before the second chat has it."""
    rig.add_chat(SECOND)
    async with running():
        await outbox.put(_message("ask", "Hedge?", priority=0, buttons=KEYBOARD))
        await _settled(rig, outbox)
    (mine,) = rig.messages(OPERATOR)
    await outbox.put(_message("anew", "Hedge?", priority=0, buttons=KEYBOARD))
    await outbox.record_delivery("anew", Delivery(OPERATOR, mine.message_id))
    await outbox.put(_message("anew:done", "Hedge? approved", priority=0, edits="anew", at_s=1))
    async with running(operators=frozenset({OPERATOR, SECOND})):
        await _settled(rig, outbox)
    for chat in (OPERATOR, SECOND):
        assert [(m.text, m.labels) for m in rig.messages(chat)] == [("Hedge? approved", [])]
