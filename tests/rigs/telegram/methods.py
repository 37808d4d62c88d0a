"""Methods about messages, as strict as Telegram in what a bot can get wrong."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.rigs.telegram.entities import parse_html, utf16_len
from tests.rigs.telegram.errors import ApiError, bad_request
from tests.rigs.telegram.markup import parse_keyboard, parse_markup
from tests.rigs.telegram.pictures import photo_size
from tests.rigs.telegram.registry import method
from tests.rigs.telegram.wire import Params, Upload
from tests.rigs.telegram.world import ANSWER_WITHIN_S, Json, Message, Revision, World

FILE_BYTES = 50 * 1024 * 1024
TEXT_LIMIT, CAPTION_LIMIT, TOAST_LIMIT = 4096, 1024, 200
_QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
_REACTIONS = {"👍", "👎", "❤", "🔥", "👀", "🤔", "🎉", "👌", "✍", "⚡"}


@method("getMe")
def _get_me(world: World, params: Params) -> object:
    return {
        **world.me(),
        "can_join_groups": False,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


@method("deleteWebhook")
def _delete_webhook(world: World, params: Params) -> object:
    if params.flag("drop_pending_updates"):
        world.updates.drop_all()
    return True


@method("getWebhookInfo")
def _get_webhook_info(world: World, params: Params) -> object:
    return {"url": "", "has_custom_certificate": False, "pending_update_count": len(world.updates.pending())}


def _revision(params: Params, field: str, limit: int, *, required: bool) -> Revision:
    text, source, entities = _formatted(params.text(field), params.text("parse_mode"))
    _refuse_length(text, limit, required=required)
    return Revision(text, source, tuple(entities), ())


def _formatted(given: str, mode: str) -> tuple[str, str, list[Json]]:
    source = given.strip()
    if mode not in ("", "HTML"):
        raise bad_request(f"this rig does not parse {mode}")
    text, entities = parse_html(source) if mode else (source, [])
    return text, source, entities


def _refuse_length(text: str, limit: int, *, required: bool) -> None:
    if required and not text.strip():
        raise bad_request("message text is empty")
    if utf16_len(text) > limit:
        raise bad_request("message is too long" if required else "message caption is too long")


def _send(world: World, params: Params, kind: str, revision: Revision) -> Message:
    chat_id = params.integer("chat_id")
    world.chat(chat_id)
    below = parse_markup(params.table("reply_markup"))
    answered = _answered(world, chat_id, params.table("reply_parameters"))
    topic = _topic(world, chat_id, params, answered)
    message = world.add(chat_id, world.bot_id, kind, replace(revision, keyboard=below.keyboard))
    message.below = below
    message.markup = params.table("reply_markup")
    message.silent = params.flag("disable_notification")
    message.protected = params.flag("protect_content")
    message.reply_to = answered.message_id if answered else None
    message.topic = topic
    return message


def _answered(world: World, chat_id: int, reply: Json) -> Message | None:
    """The message that a reply refers to; None where it is gone and that does not matter."""
    if not reply:
        return None
    if not world.has(chat_id, int(str(reply["message_id"]))) and reply.get("allow_sending_without_reply"):
        return None
    where = int(str(reply.get("chat_id", chat_id)))
    return world.find(where, int(str(reply["message_id"])), "message to be replied not found")


def _topic(world: World, chat_id: int, params: Params, answered: Message | None) -> int | None:
    """An answer goes where the answered message stands; anything else, unless told, into the general topic."""
    if not params.has("message_thread_id"):
        return answered.topic if answered else None
    topic = params.integer("message_thread_id")
    if topic not in world.topics.get(chat_id, ()):
        raise bad_request("message thread not found")
    return topic


@method("sendMessage")
def _send_message(world: World, params: Params) -> object:
    return world.show(_send(world, params, "text", _revision(params, "text", TEXT_LIMIT, required=True)))


@method("sendPhoto")
def _send_photo(world: World, params: Params) -> object:
    return _send_file(world, params, "photo")


@method("sendDocument")
def _send_document(world: World, params: Params) -> object:
    return _send_file(world, params, "document")


def _send_file(world: World, params: Params, kind: str) -> object:
    upload = _uploaded(params, params.values.get(kind), kind)
    message = _send(world, params, kind, _revision(params, "caption", CAPTION_LIMIT, required=False))
    message.upload = upload
    return world.show(message)


def _uploaded(params: Params, reference: object, kind: str) -> Upload:
    upload = params.upload(kind, reference)
    if upload is None:
        raise bad_request(f"there is no {kind} in the request")
    if not upload.content:
        raise bad_request("file must be non-empty")
    if len(upload.content) > FILE_BYTES:
        raise ApiError(413, "Request Entity Too Large")
    return replace(upload, size=photo_size(upload.content) if kind == "photo" else None)


def _own_message(world: World, params: Params, what: str) -> Message:
    chat_id = params.integer("chat_id")
    world.chat(chat_id)
    message = world.find(chat_id, params.integer("message_id"), f"message to {what} not found")
    if message.sender_id != world.bot_id or not message.below.can_be_edited:
        raise bad_request("message can't be edited")
    return message


def _edit(world: World, params: Params, message: Message, revision: Revision) -> object:
    """An edit without reply_markup takes the keyboard away, as Telegram does."""
    revision = replace(revision, keyboard=parse_keyboard(params.table("reply_markup")))
    if message.revisions[-1].looks_like(revision):
        raise bad_request(_NOT_MODIFIED)
    message.revisions.append(revision)
    message.markup = params.table("reply_markup")
    return world.show(message)


@method("editMessageText")
def _edit_text(world: World, params: Params) -> object:
    message = _own_message(world, params, "edit")
    if message.kind != "text":
        raise bad_request("there is no text in the message to edit")
    return _edit(world, params, message, _revision(params, "text", TEXT_LIMIT, required=True))


@method("editMessageCaption")
def _edit_caption(world: World, params: Params) -> object:
    message = _own_message(world, params, "edit")
    if message.kind == "text":
        raise bad_request("there is no caption in the message to edit")
    return _edit(world, params, message, _revision(params, "caption", CAPTION_LIMIT, required=False))


@method("editMessageReplyMarkup")
def _edit_markup(world: World, params: Params) -> object:
    message = _own_message(world, params, "edit")
    now = message.revisions[-1]
    return _edit(world, params, message, now)


@method("editMessageMedia")
def _edit_media(world: World, params: Params) -> object:
    """Also gives a text message its first file; a new upload is always a change."""
    message = _own_message(world, params, "edit")
    media = params.table("media")
    kind = str(media.get("type"))
    if kind not in ("photo", "document"):
        raise bad_request(f"this rig has no media of type {kind}")
    upload = _uploaded(params, media.get("media"), kind)
    text, source, entities = _formatted(str(media.get("caption", "")), str(media.get("parse_mode", "")))
    _refuse_length(text, CAPTION_LIMIT, required=False)
    message.kind, message.upload = kind, upload
    message.revisions.append(Revision(text, source, tuple(entities), parse_keyboard(params.table("reply_markup"))))
    message.markup = params.table("reply_markup")
    return world.show(message)


@method("deleteMessage")
def _delete(world: World, params: Params) -> object:
    chat_id = params.integer("chat_id")
    world.find(chat_id, params.integer("message_id"), "message to delete not found").deleted = True
    return True


@method("answerCallbackQuery")
def _answer(world: World, params: Params) -> object:
    press = world.presses.get(params.text("callback_query_id"))
    if press is None or press.answered or time.monotonic() - press.asked_at_s > ANSWER_WITHIN_S:
        raise bad_request(_QUERY_TOO_OLD)
    if utf16_len(params.text("text")) > TOAST_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    press.answered, press.toast, press.alert = True, params.text("text"), params.flag("show_alert")
    return True


@method("setMessageReaction")
def _react(world: World, params: Params) -> object:
    chat_id = params.integer("chat_id")
    message = world.find(chat_id, params.integer("message_id"), "message to react not found")
    reactions = params.structure("reaction") or []
    if not isinstance(reactions, list) or any(reaction.get("emoji") not in _REACTIONS for reaction in reactions):
        raise bad_request("REACTION_INVALID")
    message.reaction = str(reactions[0]["emoji"]) if reactions else None
    return True
