"""The Bot API methods that the rig serves, as strict as Telegram in what a bot can get wrong.

An unknown method is refused loudly (404), which client libraries take for a wrong token: add it here first.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable

from tests.rigs.telegram.entities import parse_html, utf16_len
from tests.rigs.telegram.errors import ApiError, bad_request
from tests.rigs.telegram.markup import parse_keyboard
from tests.rigs.telegram.wire import Params
from tests.rigs.telegram.world import ANSWER_WITHIN_S, Json, Message, Revision, World

TEXT_LIMIT, CAPTION_LIMIT, TOAST_LIMIT = 4096, 1024, 200
_QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same "
    "as a current content and reply markup of the message"
)
_CHAT_ACTIONS = {"typing", "upload_photo", "upload_document", "choose_sticker", "find_location", "record_voice"}
_REACTIONS = {"👍", "👎", "❤", "🔥", "👀", "🤔", "🎉", "👌", "✍", "⚡"}
_IMAGE_MAGIC = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")

Method = Callable[[World, Params], object]
METHODS: dict[str, Method] = {}


def _method(name: str) -> Callable[[Method], Method]:
    def register(method: Method) -> Method:
        METHODS[name] = method
        return method

    return register


def call(world: World, method: str, params: Params) -> object:
    if method not in METHODS:
        raise ApiError(404, f"Not Found: method {method} is not served by this rig")
    return METHODS[method](world, params)


@_method("getMe")
def _get_me(world: World, params: Params) -> object:
    return {
        **world.me(),
        "can_join_groups": False,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
    }


@_method("deleteWebhook")
def _delete_webhook(world: World, params: Params) -> object:
    if params.flag("drop_pending_updates"):
        world.updates.drop_all()
    return True


@_method("getWebhookInfo")
def _get_webhook_info(world: World, params: Params) -> object:
    return {"url": "", "has_custom_certificate": False, "pending_update_count": len(world.updates.pending())}


def _revision(params: Params, field: str, limit: int, *, required: bool) -> Revision:
    source = params.text(field).strip()
    mode = params.text("parse_mode")
    if mode not in ("", "HTML"):
        raise bad_request(f"this rig does not parse {mode}")
    text, entities = parse_html(source) if mode else (source, [])
    if required and not text.strip():
        raise bad_request("message text is empty")
    if utf16_len(text) > limit:
        raise bad_request("message is too long" if required else "message caption is too long")
    return Revision(text, source, tuple(entities), parse_keyboard(params.table("reply_markup")))


def _send(world: World, params: Params, kind: str, revision: Revision) -> Message:
    chat_id = params.integer("chat_id")
    world.chat(chat_id)
    reply = params.table("reply_parameters")
    if reply and not reply.get("allow_sending_without_reply"):
        world.find(
            int(str(reply.get("chat_id", chat_id))), int(str(reply["message_id"])), "message to be replied not found"
        )
    message = world.add(chat_id, world.bot_id, kind, revision)
    message.markup = params.table("reply_markup")
    message.silent = params.flag("disable_notification")
    message.protected = params.flag("protect_content")
    message.reply_to = int(str(reply["message_id"])) if reply else None
    return message


@_method("sendMessage")
def _send_message(world: World, params: Params) -> object:
    return world.show(_send(world, params, "text", _revision(params, "text", TEXT_LIMIT, required=True)))


@_method("sendPhoto")
def _send_photo(world: World, params: Params) -> object:
    return _send_file(world, params, "photo")


@_method("sendDocument")
def _send_document(world: World, params: Params) -> object:
    return _send_file(world, params, "document")


def _send_file(world: World, params: Params, kind: str) -> object:
    upload = params.upload(kind)
    if upload is None:
        raise bad_request(f"there is no {kind} in the request")
    if not upload.content:
        raise bad_request("file must be non-empty")
    if kind == "photo" and not upload.content.startswith(_IMAGE_MAGIC):
        raise bad_request("IMAGE_PROCESS_FAILED")
    message = _send(world, params, kind, _revision(params, "caption", CAPTION_LIMIT, required=False))
    message.upload = upload
    return world.show(message)


def _own_message(world: World, params: Params, what: str) -> Message:
    chat_id = params.integer("chat_id")
    world.chat(chat_id)
    message = world.find(chat_id, params.integer("message_id"), f"message to {what} not found")
    if message.sender_id != world.bot_id:
        raise bad_request("message can't be edited")
    return message


def _edit(world: World, params: Params, message: Message, revision: Revision) -> object:
    """An edit without reply_markup takes the keyboard away, as Telegram does."""
    if message.revisions[-1].looks_like(revision):
        raise bad_request(_NOT_MODIFIED)
    message.revisions.append(revision)
    message.markup = params.table("reply_markup")
    return world.show(message)


@_method("editMessageText")
def _edit_text(world: World, params: Params) -> object:
    message = _own_message(world, params, "edit")
    if message.kind != "text":
        raise bad_request("there is no text in the message to edit")
    return _edit(world, params, message, _revision(params, "text", TEXT_LIMIT, required=True))


@_method("editMessageCaption")
def _edit_caption(world: World, params: Params) -> object:
    message = _own_message(world, params, "edit")
    if message.kind == "text":
        raise bad_request("there is no caption in the message to edit")
    return _edit(world, params, message, _revision(params, "caption", CAPTION_LIMIT, required=False))


@_method("editMessageReplyMarkup")
def _edit_markup(world: World, params: Params) -> object:
    message = _own_message(world, params, "edit")
    now = message.revisions[-1]
    keyboard = parse_keyboard(params.table("reply_markup"))
    return _edit(world, params, message, Revision(now.text, now.source, now.entities, keyboard))


@_method("deleteMessage")
def _delete(world: World, params: Params) -> object:
    chat_id = params.integer("chat_id")
    world.find(chat_id, params.integer("message_id"), "message to delete not found").deleted = True
    return True


@_method("answerCallbackQuery")
def _answer(world: World, params: Params) -> object:
    press = world.presses.get(params.text("callback_query_id"))
    if press is None or press.answered or time.monotonic() - press.asked_at_s > ANSWER_WITHIN_S:
        raise bad_request(_QUERY_TOO_OLD)
    if utf16_len(params.text("text")) > TOAST_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    press.answered, press.toast, press.alert = True, params.text("text"), params.flag("show_alert")
    return True


@_method("pinChatMessage")
def _pin(world: World, params: Params) -> object:
    """The bot also receives the service message about its own pin, sent in its own name."""
    chat_id = params.integer("chat_id")
    message = world.find(chat_id, params.integer("message_id"), "message to pin not found")
    message.pinned = True
    note: Json = {"message_id": 1, "date": int(time.time()), "chat": world.chat(chat_id), "from": world.me()}
    world.updates.push("message", {**note, "pinned_message": world.show(message)})
    return True


@_method("unpinChatMessage")
def _unpin(world: World, params: Params) -> object:
    chat_id = params.integer("chat_id")
    world.find(chat_id, params.integer("message_id"), "message to unpin not found").pinned = False
    return True


def _scope(world: World, params: Params) -> str:
    scope = params.table("scope") or {"type": "default"}
    if "chat_id" in scope:
        world.chat(int(str(scope["chat_id"])))
    return json.dumps(scope, sort_keys=True)


@_method("setMyCommands")
def _set_commands(world: World, params: Params) -> object:
    commands = params.structure("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad_request("BOT_COMMANDS_TOO_MUCH")
    for command in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(command.get("command"))):
            raise bad_request("BOT_COMMAND_INVALID")
        if not 1 <= len(str(command.get("description", ""))) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    world.commands[_scope(world, params)] = commands
    return True


@_method("getMyCommands")
def _get_commands(world: World, params: Params) -> object:
    return world.commands.get(_scope(world, params), [])


@_method("deleteMyCommands")
def _delete_commands(world: World, params: Params) -> object:
    world.commands.pop(_scope(world, params), None)
    return True


@_method("sendChatAction")
def _chat_action(world: World, params: Params) -> object:
    world.chat(params.integer("chat_id"))
    if params.text("action") not in _CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    return True


@_method("setMessageReaction")
def _react(world: World, params: Params) -> object:
    chat_id = params.integer("chat_id")
    message = world.find(chat_id, params.integer("message_id"), "message to react not found")
    reactions = params.structure("reaction") or []
    if not isinstance(reactions, list) or any(reaction.get("emoji") not in _REACTIONS for reaction in reactions):
        raise bad_request("REACTION_INVALID")
    message.reaction = str(reactions[0]["emoji"]) if reactions else None
    return True


@_method("getChat")
def _get_chat(world: World, params: Params) -> object:
    required: Json = {"accent_color_id": 0, "max_reaction_count": 1}
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    chat = world.chat(params.integer("chat_id"))
    pinned = [m for m in world.messages if m.chat_id == chat["id"] and m.pinned and not m.deleted]
    shown = {"pinned_message": world.show(pinned[-1])} if pinned else {}
    return {**chat, **required, **shown, "accepted_gift_types": dict.fromkeys(gifts, False)}
