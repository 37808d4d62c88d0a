"""Questions that wait for words, answers to them, and the keyboard of commands that only show."""

from __future__ import annotations

import pytest

from bot import commands
from bot.replies import Attachment, Button, Reply
from tests.rigs.telegram import Message, TelegramRig
from tests.rigs.telegram.pictures import png
from tests.telegram.conftest import GROUP, OPERATOR, SECOND, Running
from tests.telegram.fakes import ScriptedOperator

FORUM, TOPIC = -1_000_000_000_123, 7
ASKS = Reply("Why was it rejected? ID <code>a1</code>", html=True, asks="reason, or - for none")
READ_ONLY = {f"/{command.name}" for command in commands.COMMANDS if command.read_only}


async def _last(rig: TelegramRig, chat_id: int, contains: str = "") -> Message:
    return (await rig.eventually(lambda: rig.messages(chat_id, contains)))[-1]


async def test_a_question_opens_the_input_field_and_its_answer_says_what_it_answers(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """The service gets the bot's own words, as they were shown, beside what was typed."""
    operator.replies = {"/reject a1": ASKS}
    async with running():
        rig.say(OPERATOR, "/reject a1")
        question = await _last(rig, OPERATOR)
        assert (question.below.asks, question.below.hint) == (True, "reason, or - for none")
        rig.say(OPERATOR, "too large", in_answer_to=question)
        await rig.eventually(lambda: len(operator.heard) == 2)
    assert (operator.heard[0].in_answer_to, operator.heard[1].in_answer_to) == (None, "Why was it rejected? ID a1")


async def test_an_answer_to_a_picture_says_its_caption(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """A picture has no text."""
    picture = Attachment("c.png", png(), photo=True)
    operator.replies = {"/chart": Reply("bnb, 24 h", html=False, attachment=picture)}
    async with running():
        rig.say(OPERATOR, "/chart")
        rig.say(OPERATOR, "why?", in_answer_to=await _last(rig, OPERATOR))
        await rig.eventually(lambda: len(operator.heard) == 2)
    assert operator.heard[1].in_answer_to == "bnb, 24 h"


async def test_an_answer_to_somebody_elses_words_is_an_answer_to_nothing(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Else a text that looks like a question of the bot could be planted."""
    async with running(operators=frozenset({OPERATOR, SECOND}), chat_id=GROUP):
        planted = rig.say(SECOND, "Why was it rejected? ID a1", chat_id=GROUP)
        rig.say(OPERATOR, "/pending", chat_id=GROUP, in_answer_to=planted)
        await rig.eventually(lambda: operator.heard)
    assert [(heard.text, heard.in_answer_to) for heard in operator.heard] == [("/pending", None)]


async def test_in_a_group_the_asker_alone_is_asked_and_needs_no_slash_to_answer(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """The others' input fields stay as they are; talk that answers nobody is still ignored."""
    operator.replies = {"/reject a1": ASKS}
    async with running(chat_id=GROUP):
        asked = rig.say(OPERATOR, "/reject a1", chat_id=GROUP)
        question = await _last(rig, GROUP)
        assert (question.below.asks, question.below.selective, question.reply_to) == (True, True, asked.message_id)
        rig.say(OPERATOR, "just talk", chat_id=GROUP)
        rig.say(OPERATOR, "too large", chat_id=GROUP, in_answer_to=question)
        await rig.eventually(lambda: len(operator.heard) == 2)
    assert (operator.heard[1].text, operator.heard[1].in_answer_to) == ("too large", "Why was it rejected? ID a1")


async def test_buttons_go_before_a_question_and_a_hint_is_cut_to_what_telegram_takes(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """A message bears one kind of markup."""
    operator.replies = {
        "/hedge": Reply("sure?", html=False, buttons=((Button("Yes", "do:x"),),), asks="hint"),
        "/set": Reply("value?", html=False, asks="🟢" * 40),
    }
    async with running():
        rig.say(OPERATOR, "/hedge")
        message = await _last(rig, OPERATOR, "sure?")
        assert (message.labels, message.below.asks) == (["Yes"], False)
        rig.say(OPERATOR, "/set")
        assert (await _last(rig, OPERATOR, "value?")).below.hint == "🟢" * 32
    assert all(call.status == 200 for call in rig.calls("sendMessage"))


@pytest.mark.parametrize("text", ["/start", "/help"])
async def test_a_private_chat_gets_the_keyboard_of_views(
    rig: TelegramRig, operator: ScriptedOperator, running: Running, text: str
) -> None:
    """It stays, holds nothing that acts, and each key does what its text says."""
    async with running():
        rig.say(OPERATOR, text)
        message = await _last(rig, OPERATOR)
        assert (message.below.keys, message.below.persistent) == (commands.keyboard(), True)
        keys = [key for row in message.below.keys for key in row]
        assert set(keys) <= READ_ONLY
        for key in keys:
            rig.tap_key(OPERATOR, message, key)
        await rig.eventually(lambda: sorted(operator.texts()) == sorted([text, *keys]))


async def test_other_answers_and_groups_get_no_keyboard(rig: TelegramRig, running: Running) -> None:
    """In a group it would be everybody's."""
    async with running(chat_id=GROUP):
        for text, chat in (("/pending", OPERATOR), ("/start", GROUP), ("/help", GROUP)):
            rig.say(OPERATOR, text, chat_id=chat)
        await rig.eventually(lambda: len(rig.messages(GROUP)) == 2 and rig.messages(OPERATOR))
    assert not [m for m in rig.messages(GROUP) + rig.messages(OPERATOR) if m.below.keys]


async def test_an_answer_stands_in_the_topic_of_its_command(rig: TelegramRig, running: Running) -> None:
    """In a group with topics nobody has to look for it."""
    async with running(chat_id=FORUM):
        rig.say(OPERATOR, "/pending", chat_id=FORUM, topic=TOPIC)
        assert (await _last(rig, FORUM)).topic == TOPIC
