"""The Bot API server of the rig against two independent client libraries, so that no test rests on its misreading."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from urllib.parse import urlsplit

import pytest
from aiogram import Bot as AiogramBot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.types import (
    BotCommand,
    BotCommandScopeChat,
    BufferedInputFile,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    ReactionTypeEmoji,
    ReplyParameters,
)
from telegram import Bot as PtbBot
from telegram import error as ptb_error

from tests.rigs.telegram import Drop, RigMisuse, TelegramRig
from tests.rigs.telegram.pictures import png

PNG = png()
OPERATOR = 42


@pytest.fixture
def rig() -> Iterator[TelegramRig]:
    with TelegramRig() as rig:
        rig.add_chat(OPERATOR)
        yield rig


@pytest.fixture
async def aio(rig: TelegramRig) -> AsyncIterator[AiogramBot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(rig.api_url))
    bot = AiogramBot(rig.token, session=session, default=DefaultBotProperties(parse_mode="HTML"))
    yield bot
    await session.close()


@pytest.fixture
async def ptb(rig: TelegramRig) -> AsyncIterator[PtbBot]:
    async with PtbBot(rig.token, base_url=f"{rig.api_url}/bot") as bot:
        yield bot


def _keyboard(*labels: str) -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(text=label, callback_data=f"data:{label}", style="success") for label in labels]
    return InlineKeyboardMarkup(inline_keyboard=[row])


async def test_aiogram_walks_from_command_to_keyboard_to_press_to_edit(rig: TelegramRig, aio: AiogramBot) -> None:
    """The whole round trip of an approval decodes in the second library."""
    assert (await aio.get_me()).is_bot
    rig.say(OPERATOR, "/status now")
    (update,) = await aio.get_updates(timeout=1)
    assert update.message
    assert update.message.entities
    assert update.message.entities[0].type == "bot_command"
    sent = await aio.send_message(OPERATOR, "<b>Hedge</b> &lt;1&gt;", reply_markup=_keyboard("Approve"))
    press = rig.press(OPERATOR, rig.messages(OPERATOR)[-1], "Approve")
    (tapped,) = await aio.get_updates(offset=update.update_id + 1, timeout=1)
    assert tapped.callback_query
    assert tapped.callback_query.data == "data:Approve"
    assert await aio.answer_callback_query(tapped.callback_query.id, text="Done")
    edited = await aio.edit_message_text("Hedged", chat_id=OPERATOR, message_id=sent.message_id)
    assert not isinstance(edited, bool)
    assert edited.text == "Hedged"
    assert edited.reply_markup is None
    assert (press.toast, rig.messages(OPERATOR)[-1].labels) == ("Done", [])


async def test_both_libraries_upload_files_pin_react_and_reply(rig: TelegramRig, aio: AiogramBot, ptb: PtbBot) -> None:
    """Chunked multipart (aiogram) and plain multipart (python-telegram-bot) arrive byte for byte."""
    photo = await aio.send_photo(OPERATOR, BufferedInputFile(PNG, "chart.png"), caption="<i>P&amp;L</i>")
    document = await ptb.send_document(OPERATOR, b"a,b\r\n1,2\r\n", filename="fills.csv")
    reply = ReplyParameters(message_id=photo.message_id)
    await aio.send_message(OPERATOR, "see above", reply_parameters=reply, disable_notification=True)
    await ptb.pin_chat_message(OPERATOR, photo.message_id, disable_notification=True)
    await aio.set_message_reaction(OPERATOR, photo.message_id, [ReactionTypeEmoji(emoji="👍")])
    first, second, third = rig.messages(OPERATOR)
    assert (first.text, first.pinned, first.reaction) == ("P&L", True, "👍")
    assert first.upload
    assert first.upload.content == PNG
    assert second.upload
    assert (second.upload.file_name, second.upload.content) == ("fills.csv", b"a,b\r\n1,2\r\n")
    assert document.document
    assert document.document.file_name == "fills.csv"
    assert (third.silent, third.reply_to) == (True, photo.message_id)
    assert (await aio.get_chat(OPERATOR)).type == (await ptb.get_chat(OPERATOR)).type == "private"


async def test_command_menus_are_kept_per_scope(rig: TelegramRig, aio: AiogramBot, ptb: PtbBot) -> None:
    """A menu set for one chat does not show elsewhere, and bad names are refused."""
    await aio.set_my_commands(
        [BotCommand(command="status", description="State")], BotCommandScopeChat(chat_id=OPERATOR)
    )
    await ptb.set_my_commands([("start", "Who may use this bot")])
    assert [c.command for c in await ptb.get_my_commands()] == ["start"]
    assert [c.command for c in await aio.get_my_commands(BotCommandScopeChat(chat_id=OPERATOR))] == ["status"]
    with pytest.raises(TelegramBadRequest, match="BOT_COMMAND_INVALID"):
        await aio.set_my_commands([BotCommand(command="Status", description="State")])
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await aio.set_my_commands([], BotCommandScopeChat(chat_id=-5))


@pytest.mark.parametrize(
    ("text", "data", "refusal"),
    [
        ("x" * 4097, "d", "message is too long"),
        ("a < b", "d", "can't parse entities"),
        ("<b>open", "d", "can't parse entities"),
        ("<b><i>crossed</b></i>", "d", "can't parse entities"),
        ("<blink>tag</blink>", "d", "can't parse entities"),
        ("  ", "d", "message text is empty"),
        ("fine", "d" * 65, "BUTTON_DATA_INVALID"),
    ],
)
async def test_refuses_what_telegram_refuses(
    rig: TelegramRig, aio: AiogramBot, text: str, data: str, refusal: str
) -> None:
    """Limits and markup are judged as by the real server."""
    markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="b", callback_data=data)]])
    with pytest.raises(TelegramBadRequest, match=refusal):
        await aio.send_message(OPERATOR, text, reply_markup=markup)
    assert rig.messages(OPERATOR) == []


async def test_length_is_counted_after_parsing_in_utf16_units(aio: AiogramBot) -> None:
    """Markup does not count, and a character outside the basic plane counts twice."""
    await aio.send_message(OPERATOR, "<b>" + "x" * 4096 + "</b>")
    with pytest.raises(TelegramBadRequest, match="too long"):
        await aio.send_message(OPERATOR, "🟢" * 2049)


async def test_edits_are_refused_when_unchanged_unknown_or_not_ours(rig: TelegramRig, aio: AiogramBot) -> None:
    """Same text with same keyboard, a missing message and a person's message cannot be edited."""
    sent = await aio.send_message(OPERATOR, "a", reply_markup=_keyboard("One"))
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await aio.edit_message_text("a", chat_id=OPERATOR, message_id=sent.message_id, reply_markup=_keyboard("One"))
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await aio.edit_message_text("b", chat_id=OPERATOR, message_id=9)
    theirs = rig.say(OPERATOR, "mine")
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await aio.edit_message_text("b", chat_id=OPERATOR, message_id=theirs.message_id)


async def test_a_press_is_answered_once_and_only_in_time(rig: TelegramRig, ptb: PtbBot, aio: AiogramBot) -> None:
    """Unknown, repeated and late answers are refused, and toasts end at 200 characters."""
    await aio.send_message(OPERATOR, "a", reply_markup=_keyboard("One"))
    message = rig.messages(OPERATOR)[0]
    fresh, late = rig.press(OPERATOR, message, "One"), rig.press(OPERATOR, message, "One", age_s=16)
    with pytest.raises(ptb_error.BadRequest, match=r"(?i)message_too_long"):
        await ptb.answer_callback_query(fresh.query_id, "x" * 201)
    await ptb.answer_callback_query(fresh.query_id, "ok")
    for query_id in (fresh.query_id, late.query_id, "1"):
        with pytest.raises(ptb_error.BadRequest, match=r"(?i)query is too old"):
            await ptb.answer_callback_query(query_id)


async def test_a_button_must_be_on_the_message_to_be_pressed(rig: TelegramRig, aio: AiogramBot) -> None:
    """An edited-away button is only reachable from a stale screen."""
    sent = await aio.send_message(OPERATOR, "a", reply_markup=_keyboard("One"))
    await aio.edit_message_reply_markup(chat_id=OPERATOR, message_id=sent.message_id)
    message = rig.messages(OPERATOR)[0]
    with pytest.raises(RigMisuse):
        rig.press(OPERATOR, message, "One")
    rig.press(OPERATOR, message, "One", stale=True, accessible=False)
    (update,) = await aio.get_updates(timeout=1)
    assert update.callback_query
    assert update.callback_query.message
    assert update.callback_query.message.date == 0


async def test_updates_stay_until_confirmed_and_the_filter_is_sticky(rig: TelegramRig, aio: AiogramBot) -> None:
    """Offset confirms, limit limits, edited messages vanish under a narrow filter, a day-old one is forgotten."""
    await aio.get_updates(timeout=0, allowed_updates=["message"])
    first = rig.say(OPERATOR, "one")
    rig.edit(first, "uno")
    rig.say(OPERATOR, "old", age_s=90_000)
    rig.say(OPERATOR, "two")
    one, two = await aio.get_updates(timeout=0)
    assert len(await aio.get_updates(timeout=0, limit=1)) == 1
    assert [u.message and u.message.text for u in (one, two)] == ["one", "two"]
    assert await aio.get_updates(timeout=0, offset=two.update_id + 1) == []
    assert rig.unconfirmed() == 0


async def test_a_long_poll_waits_and_a_newer_one_ends_it(rig: TelegramRig, aio: AiogramBot, ptb: PtbBot) -> None:
    """Two instances on one token see 409, as in the field."""
    older = asyncio.ensure_future(aio.get_updates(timeout=30))
    await rig.eventually(lambda: rig.world.updates.polls == 1)
    newer = asyncio.ensure_future(ptb.get_updates(timeout=30))
    with pytest.raises(TelegramConflictError):
        await older
    rig.say(OPERATOR, "hello")
    assert [u.message and u.message.text for u in await newer] == ["hello"]


async def test_faults_arrive_as_the_errors_they_stand_for(rig: TelegramRig, aio: AiogramBot, ptb: PtbBot) -> None:
    """429 carries its wait, 401 and 403 their classes, and both libraries agree."""
    rig.fault("sendMessage", code=429, retry_after=7)
    with pytest.raises(TelegramRetryAfter) as wait:
        await aio.send_message(OPERATOR, "a")
    assert wait.value.retry_after == 7
    rig.fault("sendMessage", times=2, code=401)
    with pytest.raises(TelegramUnauthorizedError):
        await aio.send_message(OPERATOR, "a")
    with pytest.raises(ptb_error.InvalidToken):
        await ptb.send_message(OPERATOR, "a")
    rig.block(OPERATOR)
    with pytest.raises(TelegramForbiddenError):
        await aio.send_message(OPERATOR, "a")


async def test_a_dropped_reply_may_or_may_not_have_taken_effect(rig: TelegramRig, aio: AiogramBot) -> None:
    """The same error stands for a message that was lost and for one that was delivered."""
    for drop in (Drop.BEFORE, Drop.AFTER):
        rig.fault("sendMessage", drop=drop, contains=drop.value)
        with pytest.raises(TelegramNetworkError):
            await aio.send_message(OPERATOR, drop.value)
    assert [m.text for m in rig.messages(OPERATOR)] == ["after"]


@pytest.mark.parametrize(
    "cut",
    [
        b"Content-Length: 24\r\n\r\n",
        b"Content-Length: 24\r\n\r\nchat_id=42",
        b"Transfer-Encoding: chunked\r\n\r\n18\r\nchat_id=42",
    ],
)
async def test_a_request_that_never_arrived_whole_is_no_call(rig: TelegramRig, ptb: PtbBot, cut: bytes) -> None:
    """A client that gives up while it sends has asked for nothing; the next one is served."""
    with socket.create_connection(("127.0.0.1", urlsplit(rig.api_url).port or 0)) as client:
        client.sendall(f"POST /bot{rig.token}/sendChatAction HTTP/1.1\r\nHost: a\r\n".encode() + cut)
        client.shutdown(socket.SHUT_WR)
        client.settimeout(30)
        assert client.recv(100) == b""
    await ptb.get_me()
    assert {call.method for call in rig.calls()} == {"getMe"}


async def test_the_server_can_go_away_and_come_back(rig: TelegramRig, aio: AiogramBot) -> None:
    """Going down cuts the open poll; what was queued meanwhile is there afterwards."""
    poll = asyncio.ensure_future(aio.get_updates(timeout=30))
    await rig.eventually(lambda: rig.world.updates.polls == 1)
    rig.down()
    with pytest.raises(TelegramNetworkError):
        await poll
    rig.say(OPERATOR, "queued")
    rig.up()
    assert len(await aio.get_updates(timeout=0)) == 1


async def test_a_wrong_token_and_an_unknown_method_are_refused(rig: TelegramRig, ptb: PtbBot) -> None:
    """Neither is answered with anything that could be taken for success."""
    stranger = PtbBot("1:other", base_url=f"{rig.api_url}/bot")
    with pytest.raises(ptb_error.InvalidToken):
        await stranger.initialize()
    with pytest.raises(ptb_error.InvalidToken):
        await ptb.send_dice(OPERATOR)
