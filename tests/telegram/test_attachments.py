"""Pictures and files in the chat: how they arrive, how they change, and that they hold nothing else up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.replies import Attachment, Button, Reply
from core.ports import OutboxMessage
from storage.outbox import SqliteOutbox
from tests.rigs.telegram import Message, TelegramRig
from tests.rigs.telegram.pictures import PHOTO_BYTES, png
from tests.telegram.conftest import OPERATOR, QUICK, Running
from tests.telegram.fakes import ScriptedOperator

CHART = Attachment("chart.png", png(800, 400), photo=True)
FILLS = Attachment("fills.csv", b"time,side\r\n1,sell\r\n")
AGAIN = ((Button("Refresh", "view:chart"),),)
SHOWN = Reply("<b>bnb</b> &amp; 24 h", html=True, buttons=AGAIN, attachment=CHART)


async def _shown(rig: TelegramRig, count: int = 1) -> list[Message]:
    await rig.eventually(lambda: len(rig.messages(OPERATOR)) >= count)
    return rig.messages(OPERATOR)


async def test_a_picture_comes_with_its_text_and_buttons_below(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """One message, byte for byte, its markup parsed."""
    operator.replies = {"/chart": SHOWN}
    async with running():
        rig.say(OPERATOR, "/chart")
        (message,) = await _shown(rig)
    assert message.upload
    assert (message.kind, message.upload.content, message.upload.file_name) == ("photo", CHART.content, "chart.png")
    assert (message.text, message.labels) == ("bnb & 24 h", ["Refresh"])


async def test_a_file_comes_under_its_name(rig: TelegramRig, operator: ScriptedOperator, running: Running) -> None:
    """A CSV is a document, and a caption needs no text."""
    operator.replies = {"/export": Reply("", html=True, attachment=FILLS)}
    async with running():
        rig.say(OPERATOR, "/export")
        (message,) = await _shown(rig)
    assert message.upload
    assert (message.kind, message.upload.content, message.upload.file_name) == ("document", FILLS.content, "fills.csv")
    assert message.text == ""


@pytest.mark.parametrize(("length", "messages"), [(1024, 1), (1025, 2), (9000, 4)])
async def test_a_text_too_long_for_a_caption_follows_the_picture(
    rig: TelegramRig, operator: ScriptedOperator, running: Running, length: int, messages: int
) -> None:
    """The limit is Telegram's, counted without markup in its units; the buttons are on the last message."""
    text = "<b>" + "🟢" * (length // 2 - 1) + "\n" + "x" * (length % 2 + 1) + "</b>"
    operator.replies = {"/chart": replace(SHOWN, text=text)}
    async with running():
        rig.say(OPERATOR, "/chart")
        picture, *rest = await _shown(rig, messages)
    assert len(rest) == messages - 1
    assert picture.kind == "photo"
    assert [message.labels for message in (picture, *rest)][-1] == ["Refresh"]
    assert all(call.status == 200 for call in rig.calls("sendPhoto") + rig.calls("sendMessage"))


@pytest.mark.parametrize(
    "content",
    [b"no picture at all", png(1, 9000), png(9, 9) + bytes(PHOTO_BYTES)],
    ids=["unreadable", "narrow", "big"],
)
async def test_a_picture_that_telegram_refuses_comes_as_a_file(
    rig: TelegramRig, operator: ScriptedOperator, running: Running, content: bytes
) -> None:
    """Unreadable, too narrow, too big: the operator gets it all the same, and what is too big goes up once."""
    operator.replies = {"/chart": replace(SHOWN, attachment=replace(CHART, content=content))}
    async with running():
        rig.say(OPERATOR, "/chart")
        (message,) = await _shown(rig)
    assert (message.kind, message.labels) == ("document", ["Refresh"])
    assert len(rig.calls("sendPhoto")) == (len(content) <= PHOTO_BYTES)


@pytest.mark.parametrize("content", [b"", bytes(50_000_001)], ids=["empty", "big"])
async def test_a_file_that_telegram_never_takes_leaves_its_text(
    rig: TelegramRig, operator: ScriptedOperator, running: Running, content: bytes
) -> None:
    """With a word about it, and the buttons."""
    operator.replies = {"/export": replace(SHOWN, attachment=replace(FILLS, content=content))}
    async with running():
        rig.say(OPERATOR, "/export")
        (message,) = await _shown(rig)
    assert (message.kind, message.labels) == ("text", ["Refresh"])
    assert message.text.startswith("bnb & 24 h\nIts file could not be sent")


@pytest.mark.parametrize("before", [SHOWN, replace(SHOWN, attachment=None)], ids=["picture", "words"])
async def test_a_press_changes_the_picture_in_place(
    rig: TelegramRig, operator: ScriptedOperator, running: Running, before: Reply
) -> None:
    """Refresh shows the new picture where the old one, or only words, stood; the buttons stay."""
    newer = Attachment("chart.png", png(801, 400), photo=True)
    operator.replies = {"/chart": before}
    operator.shows = {"view:chart": replace(SHOWN, text="later", attachment=newer)}
    async with running():
        rig.say(OPERATOR, "/chart")
        (message,) = await _shown(rig)
        rig.press(OPERATOR, message, "Refresh")
        await rig.eventually(lambda: message.text == "later")
    assert message.upload
    assert (message.upload.content, message.labels) == (newer.content, ["Refresh"])
    assert len(rig.messages(OPERATOR)) == 1


@pytest.mark.parametrize(("text", "messages"), [("settled", 1), ("x" * 1025, 2)])
async def test_words_in_place_of_a_picture_change_its_caption_or_come_anew(
    rig: TelegramRig, operator: ScriptedOperator, running: Running, text: str, messages: int
) -> None:
    """A picture has no text to edit; a caption that is too long for one becomes a message."""
    operator.replies = {"/chart": SHOWN}
    operator.shows = {"view:chart": Reply(text, html=False)}
    async with running():
        rig.say(OPERATOR, "/chart")
        (picture,) = await _shown(rig)
        rig.press(OPERATOR, picture, "Refresh")
        await rig.eventually(lambda: rig.messages(OPERATOR)[-1].text == text)
    assert len(rig.messages(OPERATOR)) == messages


async def test_a_new_picture_that_telegram_refuses_comes_as_a_file_below(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """The old one stays as it was; the press is not left without an answer."""
    operator.replies = {"/chart": SHOWN}
    operator.shows = {"view:chart": replace(SHOWN, attachment=replace(CHART, content=b"unreadable"))}
    async with running():
        rig.say(OPERATOR, "/chart")
        (picture,) = await _shown(rig)
        rig.press(OPERATOR, picture, "Refresh")
        await rig.eventually(lambda: rig.messages(OPERATOR)[-1].kind == "document")
    assert len(picture.revisions) == 1


async def test_broken_markup_below_a_picture_is_shown_plain(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """As in a message of its own."""
    operator.replies = {"/chart": replace(SHOWN, text="a <b>b & c")}
    async with running():
        rig.say(OPERATOR, "/chart")
        (message,) = await _shown(rig)
    assert (message.kind, message.text) == ("photo", "a b & c")


async def test_a_slow_answer_shows_that_it_is_being_made_and_then_sent(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Typing, then the kind of upload; a quick answer shows neither."""
    operator.replies = {"/chart": SHOWN}
    async with running(timings=replace(QUICK, busy_after_s=20)):
        rig.say(OPERATOR, "/pending")
        await _shown(rig)
    assert rig.calls("sendChatAction") == []
    operator.slow = {"/chart": 1.0}
    rig.fault("sendPhoto", delay_s=60)
    async with running(timings=replace(QUICK, read_timeout_s=60, busy_after_s=0.15, busy_every_s=0.2)):
        rig.say(OPERATOR, "/chart")
        await rig.eventually(lambda: "upload_photo" in _actions(rig))
        rig.heal()
        await _shown(rig, 2)
    assert list(dict.fromkeys(_actions(rig))) == ["typing", "upload_photo"]


def _actions(rig: TelegramRig) -> list[str]:
    return [str(call.values["action"]) for call in rig.calls("sendChatAction")]


async def test_an_activity_that_cannot_be_shown_delays_nothing(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Neither a refusal nor an answer that never comes."""
    operator.slow = {"/history": 0.1, "/health": 0.1}
    rig.fault("sendChatAction", code=400)
    rig.fault("sendChatAction", delay_s=60, times=None)
    async with running(timings=replace(QUICK, busy_after_s=0.0, read_timeout_s=60)):
        rig.say(OPERATOR, "/history")
        await rig.eventually(lambda: rig.messages(OPERATOR, "heard /history"))
        rig.say(OPERATOR, "/health")
        await rig.eventually(lambda: rig.messages(OPERATOR, "heard /health"))


async def test_slow_uploads_hold_back_neither_halt_nor_an_alarm(
    rig: TelegramRig, operator: ScriptedOperator, outbox: SqliteOutbox, running: Running
) -> None:
    """However many pictures are on their way, connections are left for words."""
    operator.replies = {"/chart": SHOWN}
    rig.fault("sendPhoto", delay_s=60, times=None)
    async with running(timings=replace(QUICK, read_timeout_s=60)):
        for _ in range(12):
            rig.say(OPERATOR, "/chart")
        rig.say(OPERATOR, "/halt")
        await rig.eventually(lambda: rig.messages(OPERATOR, "heard /halt"))
        now = datetime.now(UTC)
        await outbox.put(OutboxMessage("alarm", "alarm", html=False, priority=0, silent=False, created_at=now))
        await rig.eventually(lambda: rig.messages(OPERATOR, "alarm"))
    assert not [message for message in rig.messages(OPERATOR) if message.kind == "photo"]


async def test_a_telegram_that_hangs_while_answering_does_not_keep_commands_from_being_heard(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """The answer waits; the next command is written down meanwhile."""
    rig.fault("sendMessage", delay_s=60, times=None)
    async with running(timings=replace(QUICK, read_timeout_s=60)):
        rig.say(OPERATOR, "/pending")
        await rig.eventually(lambda: operator.texts() == ["/pending"])
        rig.say(OPERATOR, "/halt")
        await rig.eventually(lambda: operator.texts() == ["/pending", "/halt"])
    assert rig.messages(OPERATOR) == []
