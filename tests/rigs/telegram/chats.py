"""Methods about chats rather than messages: pins, menus, what the chat's header says, the chat itself."""

from __future__ import annotations

import json
import re
import time

from tests.rigs.telegram.errors import bad_request
from tests.rigs.telegram.registry import method
from tests.rigs.telegram.wire import Params
from tests.rigs.telegram.world import Json, World

_CHAT_ACTIONS = {"typing", "upload_photo", "upload_document", "choose_sticker", "find_location", "record_voice"}
_OF_ONE_CHAT = ("chat", "chat_administrators", "chat_member")
_SCOPES = ("default", "all_private_chats", "all_group_chats", "all_chat_administrators", *_OF_ONE_CHAT)


@method("pinChatMessage")
def _pin(world: World, params: Params) -> object:
    """The bot also receives the service message about its own pin, sent in its own name."""
    chat_id = params.integer("chat_id")
    message = world.find(chat_id, params.integer("message_id"), "message to pin not found")
    message.pinned, message.pinned_silently = True, params.flag("disable_notification")
    note: Json = {"message_id": 1, "date": int(time.time()), "chat": world.chat(chat_id), "from": world.me()}
    world.updates.push("message", {**note, "pinned_message": world.show(message)})
    return True


@method("unpinChatMessage")
def _unpin(world: World, params: Params) -> object:
    chat_id = params.integer("chat_id")
    world.find(chat_id, params.integer("message_id"), "message to unpin not found").pinned = False
    return True


def _scope(world: World, params: Params) -> str:
    scope = params.table("scope") or {"type": "default"}
    kind = scope.get("type")
    if kind not in _SCOPES:
        raise bad_request("unsupported type specified")
    if kind in _OF_ONE_CHAT:
        chat = world.chat(int(str(scope["chat_id"])))
        if kind != "chat" and chat["type"] not in ("group", "supergroup"):
            raise bad_request(f"can't use the {kind} scope there")
    if kind == "chat_member" and int(str(scope["user_id"])) not in world.people:
        raise bad_request("user not found")
    return json.dumps(scope, sort_keys=True)


@method("setMyCommands")
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


@method("getMyCommands")
def _get_commands(world: World, params: Params) -> object:
    return world.commands.get(_scope(world, params), [])


@method("deleteMyCommands")
def _delete_commands(world: World, params: Params) -> object:
    world.commands.pop(_scope(world, params), None)
    return True


def menu_of(world: World, user_id: int, chat_id: int) -> list[str]:
    """What the menu button shows this person there: the narrowest scope that has a list wins."""
    wide = "all_private_chats" if chat_id > 0 else "all_group_chats"
    scopes: list[Json] = [{"type": "chat", "chat_id": chat_id}, {"type": wide}, {"type": "default"}]
    if chat_id < 0:
        scopes.insert(0, {"type": "chat_member", "chat_id": chat_id, "user_id": user_id})
    for scope in scopes:
        if commands := world.commands.get(json.dumps(scope, sort_keys=True)):
            return [str(command["command"]) for command in commands]
    return []


@method("sendChatAction")
def _chat_action(world: World, params: Params) -> object:
    world.chat(params.integer("chat_id"))
    if params.text("action") not in _CHAT_ACTIONS:
        raise bad_request("wrong parameter action in request")
    return True


@method("getChat")
def _get_chat(world: World, params: Params) -> object:
    required: Json = {"accent_color_id": 0, "max_reaction_count": 1}
    gifts = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")
    chat = world.chat(params.integer("chat_id"))
    pinned = [m for m in world.messages if m.chat_id == chat["id"] and m.pinned and not m.deleted]
    shown = {"pinned_message": world.show(pinned[-1])} if pinned else {}
    return {**chat, **required, **shown, "accepted_gift_types": dict.fromkeys(gifts, False)}
