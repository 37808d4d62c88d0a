"""What people and strangers see: commands, buttons, menus, and silence."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from bot.replies import Button, Reply
from bot.telegram import Hearing
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import GROUP, OPERATOR, QUICK, STRANGER, Running
from tests.telegram.fakes import ScriptedOperator


async def test_status_keyboard_press_edit(rig: TelegramRig, operator: ScriptedOperator, running: Running) -> None:
    """A command is answered with its keyboard, a press decides once, is answered and changes the message."""
    async with running() as front_end:
        said = rig.say(OPERATOR, "/status")
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
        assert (message.text, message.labels) == ("Hedge? sell 1.5 & wait", ["✅ Approve", "Reject"])
        assert [button.style for button in message.keyboard[0]] == ["success", "danger"]
        press = rig.press(OPERATOR, message, "✅")
        await rig.eventually(lambda: press.answered and len(message.revisions) == 2)
        assert (press.toast, message.labels) == ("done", [])
        assert message.text.endswith("approve by User42")
        assert operator.heard[0].actor.id == "tg:42"
        assert operator.heard[0].at.timestamp() == said.date
        await rig.eventually(lambda: front_end.health().hearing is Hearing.LISTENING)
        assert front_end.health().bot_name == "@lp_hedge_rig_bot"


async def test_a_double_tap_decides_once(rig: TelegramRig, operator: ScriptedOperator, running: Running) -> None:
    """Both taps are answered, the second with what the first has done; "not modified" is no error."""
    async with running():
        rig.say(OPERATOR, "/status")
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
        taps = [rig.press(OPERATOR, message, "✅"), rig.press(OPERATOR, message, "Reject", stale=True)]
        await rig.eventually(lambda: all(tap.answered for tap in taps))
        assert sorted(tap.toast for tap in taps) == ["already decided", "done"]
        await rig.eventually(lambda: len(message.revisions) == 2)


async def test_a_late_press_counts_though_it_cannot_be_answered(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """The answer's refusal neither undoes the decision nor keeps the message from being edited."""
    async with running():
        rig.say(OPERATOR, "/status")
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
        press = rig.press(OPERATOR, message, "Reject", age_s=60)
        await rig.eventually(lambda: len(message.revisions) == 2)
        assert (operator.pressed, press.answered) == (["reject:a1"], False)


@pytest.mark.parametrize("kind", ["date 0", "no message"])
async def test_a_press_on_a_message_that_is_out_of_sight_does_nothing_and_says_so(
    rig: TelegramRig, operator: ScriptedOperator, running: Running, kind: str
) -> None:
    """The bot cannot tell what was on that screen; the typed twins are named instead."""
    async with running():
        rig.say(OPERATOR, "/status")
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
        press = rig.press(OPERATOR, message, "✅", accessible=False, chatless=kind == "no message")
        await rig.eventually(lambda: press.answered)
        assert "/pending" in press.toast
        assert (operator.pressed, len(message.revisions), len(rig.messages(OPERATOR))) == ([], 1, 1)


async def test_the_outcome_of_a_press_on_a_message_deleted_meanwhile_comes_as_a_new_one(
    rig: TelegramRig, running: Running
) -> None:
    """A message that is gone has no text to replace."""
    async with running():
        rig.say(OPERATOR, "/status")
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
        rig.press(OPERATOR, message, "✅")
        message.deleted = True
        await rig.eventually(lambda: rig.messages(OPERATOR, "approve by"))
        assert len(message.revisions) == 1


async def test_strangers_get_silence_and_the_operator_one_notice(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Whoever is not listed is not answered, by text or press, in private or in a group, however often they try."""
    async with running():
        rig.say(OPERATOR, "/status")
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
        press = rig.press(STRANGER, message, "✅")
        rig.say(STRANGER, "/halt")
        rig.say(STRANGER, "/halt", chat_id=GROUP)
        await rig.eventually(lambda: rig.unconfirmed() == 0 and rig.messages(OPERATOR, "not on the list"))
        assert (operator.texts(), operator.pressed, press.answered) == (["/status"], [], False)
        assert (rig.messages(STRANGER), rig.messages(GROUP)) == ([], [])
        assert len(rig.messages(OPERATOR, "user id 666")) == 1


async def test_a_listed_person_is_not_heard_in_a_group_that_is_not_configured(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """The person and the chat must both fit."""
    async with running():
        rig.say(OPERATOR, "/halt", chat_id=GROUP)
        notice = await rig.eventually(lambda: rig.messages(OPERATOR, "which is not allowed"))
        assert (operator.heard, rig.messages(GROUP), len(notice)) == ([], [], 1)


async def test_the_configured_group_hears_listed_people_only(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """A member's press has the right chat id and is refused all the same; talk and other bots' commands are ignored."""
    rig.add_chat(GROUP)
    async with running(chat_id=GROUP):
        said = rig.say(OPERATOR, "/status@lp_hedge_rig_bot", chat_id=GROUP)
        rig.say(OPERATOR, "good morning", chat_id=GROUP)
        rig.say(OPERATOR, "/status@another_bot", chat_id=GROUP)
        (message,) = await rig.eventually(lambda: rig.messages(GROUP, "heard"))
        assert message.reply_to == said.message_id
        rig.say(STRANGER, "/halt", chat_id=GROUP)
        await rig.eventually(lambda: rig.messages(GROUP, "not on the list"))
        assert operator.texts() == ["/status@lp_hedge_rig_bot"]


@pytest.mark.parametrize("kind", ["edited_message", "channel_post", "my_chat_member", "message"])
async def test_nothing_but_new_messages_and_presses_is_heard(
    rig: TelegramRig, operator: ScriptedOperator, running: Running, kind: str
) -> None:
    """An edited command, a channel's post and a message sent in a chat's name do nothing."""
    async with running():
        await rig.eventually(lambda: rig.calls("getUpdates") or rig.world.updates.polls)
        chat = {"id": OPERATOR, "type": "private", "first_name": "A"}
        rig.push_raw(
            kind, {"message_id": 5, "date": int(time.time()), "chat": chat, "text": "/halt", "sender_chat": chat}
        )
        rig.say(OPERATOR, "/pending")
        await rig.eventually(lambda: rig.messages(OPERATOR))
        assert operator.texts() == ["/pending"]


async def test_an_edited_command_is_not_run_again(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Correcting an old message must not send an order."""
    async with running():
        said = rig.say(OPERATOR, "/pending")
        await rig.eventually(lambda: rig.messages(OPERATOR))
        rig.edit(said, "/flatten")
        rig.say(OPERATOR, "/health")
        await rig.eventually(lambda: rig.messages(OPERATOR, "/health"))
        assert operator.texts() == ["/pending", "/health"]


async def test_halt_does_not_wait_behind_a_slow_command(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Updates are handled side by side, and holding back a confirmation is bounded."""
    operator.slow = {"/history": 60}
    async with running():
        rig.say(OPERATOR, "/history")
        rig.say(OPERATOR, "/halt")
        await rig.eventually(lambda: rig.messages(OPERATOR, "heard /halt"))
        rig.say(OPERATOR, "/pause")
        await rig.eventually(lambda: rig.messages(OPERATOR, "heard /pause"))


async def test_a_bug_shows_as_a_number(rig: TelegramRig, running: Running, caplog: pytest.LogCaptureFixture) -> None:
    """The chat gets a number that leads to the log, and no inner words."""
    async with running():
        rig.say(OPERATOR, "/version")
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
    assert "bug" not in message.text
    number = message.text.partition("error ")[2][:6]
    assert any(number in record.getMessage() for record in caplog.records)


async def test_the_bot_is_no_stranger_to_itself(rig: TelegramRig, outbox: object, running: Running) -> None:
    """The service message about the bot's own pin is dropped without a notice."""
    async with running():
        me = {"id": rig.world.bot_id, "is_bot": True, "first_name": "Hedge"}
        chat = {"id": OPERATOR, "type": "private", "first_name": "A"}
        rig.push_raw("message", {"message_id": 5, "date": 1, "chat": chat, "from": me, "text": "/halt"})
        rig.say(OPERATOR, "/pending")
        await rig.eventually(lambda: rig.messages(OPERATOR, "heard"))
        assert rig.messages(OPERATOR, "list of operators") == []


async def test_broken_markup_is_shown_as_plain_text(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """A refused rendering still reaches the reader, and a long one arrives in parts with the buttons last."""
    long = "\n".join(f"<b>line {n}</b>" for n in range(600))
    keyboard = ((Button("Refresh", "view:history"),),)
    operator.replies = {"/health": Reply("a <b>b & c", html=True), "/history": Reply(long, html=True, buttons=keyboard)}
    async with running():
        rig.say(OPERATOR, "/health")
        await rig.eventually(lambda: rig.messages(OPERATOR, "a b & c"))
        rig.say(OPERATOR, "/history")
        last = (await rig.eventually(lambda: rig.messages(OPERATOR, "line 599")))[0]
        parts = rig.messages(OPERATOR, "line")
        assert [part.labels for part in parts] == [[]] * (len(parts) - 1) + [["Refresh"]]
        assert last.text.endswith("line 599")
        assert "\n".join(part.text for part in parts).count("line ") == 600


async def test_halt_does_not_wait_for_answers_that_hang(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Telegram hears but sends nothing: what was asked a hundred times meanwhile holds up no halt."""
    rig.fault("sendMessage", times=None, delay_s=60)
    for _ in range(100):
        rig.say(OPERATOR, "/status")
    rig.say(OPERATOR, "/halt")
    async with running(timings=replace(QUICK, read_timeout_s=60)):
        await rig.eventually(lambda: "/halt" in operator.texts())
