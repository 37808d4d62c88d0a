"""The rig asked the same by two independent libraries: what it takes, what it refuses, what it tells them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.rigs.telegram import Drop, RigMisuse, TelegramRig, methods
from tests.rigs.telegram.pictures import PHOTO_BYTES, png
from tests.telegram.clients import REFUSALS, Client, connected

OPERATOR, GROUP, FORUM, CHANNEL = 42, -1001, -1_000_000_000_123, -1_000_000_000_555
ALL_KINDS = ["message", "edited_message", "channel_post", "callback_query"]


@pytest.fixture
def rig() -> Iterator[TelegramRig]:
    with TelegramRig() as rig:
        for chat in (OPERATOR, GROUP, FORUM):
            rig.add_chat(chat)
        yield rig


@pytest.fixture(params=["python-telegram-bot", "aiogram"])
async def client(rig: TelegramRig, request: pytest.FixtureRequest) -> AsyncIterator[Client]:
    async with connected(rig, request.param) as client:
        yield client


async def test_a_forced_reply_is_shown_and_answered(rig: TelegramRig, client: Client) -> None:
    """With its hint, and the question is told with the answer, but not what that question answered."""
    await client.ask(OPERATOR, "Why?", "reason", selective=True)
    (question,) = rig.messages(OPERATOR)
    assert (question.below.asks, question.below.hint, question.below.selective) == (True, "reason", True)
    answer = rig.say(OPERATOR, "too large", in_answer_to=question)
    rig.say(OPERATOR, "and more", in_answer_to=answer)
    first, second = [dict(update["message"]) for update in await client.updates(["message"])]  # type: ignore[call-overload]
    assert first["reply_to_message"]["text"] == "Why?"
    assert first["reply_to_message"]["from"]["is_bot"]
    assert "reply_to_message" not in second["reply_to_message"]


@pytest.mark.parametrize("hint", ["x" * 65, "🟢" * 33])
async def test_a_hint_has_at_most_64_units(rig: TelegramRig, client: Client, hint: str) -> None:
    """Counted as Telegram counts."""
    with pytest.raises(REFUSALS):
        await client.ask(OPERATOR, "Why?", hint)
    assert rig.messages(OPERATOR) == []


async def test_a_reply_keyboard_types_its_keys_and_cannot_be_edited(rig: TelegramRig, client: Client) -> None:
    """An edit is for messages with buttons or with nothing."""
    message_id = await client.show_keys(OPERATOR, "hello", [["/status", "/pnl"], ["/help"]])
    (message,) = rig.messages(OPERATOR)
    assert (message.below.keys, message.below.persistent) == ((("/status", "/pnl"), ("/help",)), True)
    assert rig.tap_key(OPERATOR, message, "/pnl").text == "/pnl"
    with pytest.raises(RigMisuse):
        rig.tap_key(OPERATOR, message, "/halt")
    with pytest.raises(REFUSALS, match="can't be edited"):
        await client.edit_text(OPERATOR, message_id, "other")


@pytest.mark.parametrize("keys", [[], [[]], [["  "]]])
async def test_a_keyboard_without_keys_is_refused(client: Client, keys: list[list[str]]) -> None:
    """No rows, an empty row, a key without a text."""
    with pytest.raises(REFUSALS):
        await client.show_keys(OPERATOR, "hello", keys)


async def test_a_picture_has_a_caption_and_no_text(rig: TelegramRig, client: Client) -> None:
    """Its caption and its file can be changed, each to something else only."""
    message_id = await client.photo(OPERATOR, png(30, 20), "one")
    (message,) = rig.messages(OPERATOR)
    assert message.upload
    assert (message.kind, message.upload.size) == ("photo", (30, 20))
    with pytest.raises(REFUSALS, match="no text in the message"):
        await client.edit_text(OPERATOR, message_id, "two")
    await client.edit_caption(OPERATOR, message_id, "two")
    with pytest.raises(REFUSALS, match="not modified"):
        await client.edit_caption(OPERATOR, message_id, "two")
    await client.edit_media(OPERATOR, message_id, png(31, 20), "three")
    assert (message.text, message.upload.size) == ("three", (31, 20))


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", "non-empty"),
        (b"text", "IMAGE_PROCESS_FAILED"),
        (png(1, 21), "PHOTO_INVALID_DIMENSIONS"),
        (png(9000, 1001), "PHOTO_INVALID_DIMENSIONS"),
        (png() + bytes(PHOTO_BYTES), "too big for a photo"),
    ],
    ids=["empty", "words", "narrow", "large", "big"],
)
async def test_refuses_what_is_no_photo(rig: TelegramRig, client: Client, content: bytes, refusal: str) -> None:
    """Empty, no picture, too narrow, too large, too many bytes."""
    with pytest.raises(REFUSALS, match=f"(?i){refusal}"):
        await client.photo(OPERATOR, content, "")
    assert rig.messages(OPERATOR) == []


async def test_a_document_keeps_name_and_bytes_and_has_a_limit(
    rig: TelegramRig, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Telegram's is fifty megabytes, which need not go over the wire here."""
    assert methods.FILE_BYTES == 50 * 1024 * 1024
    monkeypatch.setattr(methods, "FILE_BYTES", 1000)
    await client.document(OPERATOR, b"a,b\r\n\r\n--x", "fills.csv")
    (message,) = rig.messages(OPERATOR)
    assert message.upload
    assert (message.upload.file_name, message.upload.content) == ("fills.csv", b"a,b\r\n\r\n--x")
    with pytest.raises(REFUSALS, match="Too Large"):
        await client.document(OPERATOR, bytes(1001), "big.csv")


async def test_pins_come_and_go(rig: TelegramRig, client: Client) -> None:
    """The chat tells which is pinned; what is gone cannot be."""
    message_id = await client.document(OPERATOR, b"x", "x.csv")
    assert await client.pinned(OPERATOR) is None
    await client.pin(OPERATOR, message_id)
    assert await client.pinned(OPERATOR) == message_id
    assert rig.messages(OPERATOR)[0].pinned_silently
    await client.unpin(OPERATOR, message_id)
    assert await client.pinned(OPERATOR) is None
    with pytest.raises(REFUSALS, match="pin not found"):
        await client.pin(OPERATOR, 9)


async def test_actions_are_known_words(client: Client) -> None:
    """In a chat that is open."""
    await client.act(OPERATOR, "upload_photo")
    with pytest.raises(REFUSALS, match="action"):
        await client.act(OPERATOR, "thinking")
    with pytest.raises(REFUSALS, match="(?i)chat not found"):
        await client.act(7, "typing")


async def test_a_members_menu_is_theirs_alone(rig: TelegramRig, client: Client) -> None:
    """In groups only, and of people whom the bot has met."""
    await client.set_menu(GROUP, OPERATOR, ["status", "halt"])
    assert rig.menu(OPERATOR, GROUP) == ["status", "halt"]
    assert (rig.menu(666, GROUP), rig.menu(OPERATOR, OPERATOR)) == ([], [])
    for chat, user in ((OPERATOR, OPERATOR), (GROUP, 999), (-5, OPERATOR)):
        with pytest.raises(REFUSALS):
            await client.set_menu(chat, user, ["status"])


async def test_answers_find_their_message_and_its_topic(rig: TelegramRig, client: Client) -> None:
    """A missing one is refused unless that was said not to matter; a topic must exist."""
    said = rig.say(OPERATOR, "/status", chat_id=FORUM, topic=7)
    await client.answer(FORUM, "there", said.message_id, even_if_gone=False)
    assert [(m.reply_to, m.topic) for m in rig.messages(FORUM)] == [(said.message_id, 7)]
    with pytest.raises(REFUSALS, match="replied not found"):
        await client.answer(FORUM, "lost", 9, even_if_gone=False)
    await client.answer(FORUM, "anyway", 9, even_if_gone=True)
    assert rig.messages(FORUM, "anyway")[0].reply_to is None
    with pytest.raises(REFUSALS, match="thread not found"):
        await client.answer(FORUM, "where", 9, even_if_gone=True, topic=8)


async def test_tells_who_speaks_and_whose_words_they_are(rig: TelegramRig, client: Client) -> None:
    """Forwarded of each origin, edited, a channel's, an anonymous administrator's, in a topic: both understand it."""
    for origin in ("user", "hidden_user", "chat", "channel"):
        rig.forward(OPERATOR, "/flatten", origin=origin)
    rig.edit(rig.say(OPERATOR, "one"), "two")
    rig.post(CHANNEL, "/flatten")
    rig.say_in_the_groups_name(GROUP, "/flatten")
    rig.say(OPERATOR, "/status", chat_id=FORUM, topic=7)
    *forwarded, said, edited, post, anonymous, topical = await client.updates(ALL_KINDS)
    origins = [dict(update["message"])["forward_origin"]["type"] for update in forwarded]  # type: ignore[call-overload]
    assert origins == ["user", "hidden_user", "chat", "channel"]
    assert {"message", "edited_message", "channel_post"} <= {*said, *edited, *post}
    assert "from" not in str(post["channel_post"])[:40]
    assert dict(anonymous["message"])["from"]["is_bot"]  # type: ignore[call-overload]
    assert dict(topical["message"])["message_thread_id"] == 7  # type: ignore[call-overload]


async def test_a_press_may_come_without_its_message(rig: TelegramRig, client: Client) -> None:
    """Both libraries understand the three ways in which a pressed message is told."""
    await client.document(OPERATOR, b"x", "x.csv")
    message = rig.messages(OPERATOR)[0]
    rig.add_button(message, "Yes", "do:x")
    for how in ({}, {"accessible": False}, {"chatless": True}):
        rig.press(OPERATOR, message, "Yes", **how)
    seen, gone, nowhere = [dict(u["callback_query"]) for u in await client.updates(ALL_KINDS)]  # type: ignore[call-overload]
    assert seen["message"]["document"]["file_name"] == "x.csv"
    assert gone["message"]["message_id"] == message.message_id
    assert "document" not in gone["message"]
    assert "message" not in nowhere


async def test_faults_strike_uploads_and_edits_too(
    rig: TelegramRig, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood wait, a delay, and a lost answer after which the picture is there all the same."""
    monkeypatch.setenv("PTB_TIMEDELTA", "1")
    rig.fault("sendPhoto", code=429, retry_after=3)
    with pytest.raises(REFUSALS, match=r"(?i)(retry|flood)"):
        await client.photo(OPERATOR, png(), "")
    rig.fault("sendPhoto", drop=Drop.AFTER)
    with pytest.raises(REFUSALS):
        await client.photo(OPERATOR, png(), "")
    (message,) = rig.messages(OPERATOR)
    rig.fault("editMessageCaption", delay_s=0.05)
    await client.edit_caption(OPERATOR, message.message_id, "late")
    assert message.text == "late"
