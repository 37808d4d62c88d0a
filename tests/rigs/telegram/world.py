"""What the server remembers: people, chats, messages as a phone would show them, button presses, the command menus."""

from __future__ import annotations

import itertools
import threading
import time
import weakref
from dataclasses import dataclass, field

from tests.rigs.telegram.errors import ApiError, bad_request
from tests.rigs.telegram.faults import Faults
from tests.rigs.telegram.markup import Below, Keyboard
from tests.rigs.telegram.updates import UpdateQueue
from tests.rigs.telegram.wire import Upload

Json = dict[str, object]
ANSWER_WITHIN_S = 15.0
ANONYMOUS_ADMIN = 1087968824
UPLOADED = "<uploaded>"  # stands for a file's content among the values of a call
_SUPERGROUPS_BELOW = -(10**12)
# All that are in use, for whoever watches over a whole run.
WORLDS: weakref.WeakSet[World] = weakref.WeakSet()


@dataclass(frozen=True)
class Revision:
    """One state of a message; `source` is the text as the bot sent it, markup included."""

    text: str
    source: str
    entities: tuple[Json, ...]
    keyboard: Keyboard

    def looks_like(self, other: Revision) -> bool:
        return (self.text, self.entities, self.keyboard) == (other.text, other.entities, other.keyboard)


@dataclass
class Message:
    """One message in a chat; `revisions` ends with what is on the screen now.

    `sender_id` negative: a channel's own. `origin`: what it was forwarded from. `sender_chat`: in whose name it is.
    """

    chat_id: int
    message_id: int
    sender_id: int
    date: int
    kind: str
    revisions: list[Revision]
    markup: Json = field(default_factory=dict)
    silent: bool = False
    protected: bool = False
    pinned: bool = False
    deleted: bool = False
    reply_to: int | None = None
    upload: Upload | None = None
    reaction: str | None = None
    below: Below = field(default_factory=Below)
    pinned_silently: bool = False
    topic: int | None = None
    origin: Json | None = None
    sender_chat: int | None = None

    @property
    def text(self) -> str:
        return self.revisions[-1].text

    @property
    def source(self) -> str:
        return self.revisions[-1].source

    @property
    def keyboard(self) -> Keyboard:
        return self.revisions[-1].keyboard

    @property
    def labels(self) -> list[str]:
        return [button.label for row in self.keyboard for button in row]


@dataclass
class Press:
    """One tap on a button; `toast` is the answer that the bot gave."""

    query_id: str
    asked_at_s: float
    answered: bool = False
    toast: str = ""
    alert: bool = False


@dataclass(frozen=True)
class Call:
    """One request as it arrived, with what it was answered; `status` 0 means the connection was dropped."""

    method: str
    values: Json
    status: int
    at_s: float


class World:
    """Everything behind one lock; `changed` is notified whenever something happened."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.bot_id = int(token.split(":", maxsplit=1)[0])
        self.changed = threading.Condition()
        self.faults = Faults()
        self.updates = UpdateQueue(self.changed)
        self.chats: dict[int, Json] = {}
        self.people: dict[int, Json] = {}
        self.blocked: set[int] = set()
        self.topics: dict[int, set[int]] = {}
        self.messages: list[Message] = []
        self.presses: dict[str, Press] = {}
        self.commands: dict[str, list[Json]] = {}
        self.calls: list[Call] = []
        self.closing = False
        self._ids = itertools.count(101)
        WORLDS.add(self)

    def me(self) -> Json:
        return {"id": self.bot_id, "is_bot": True, "first_name": "Hedge", "username": "lp_hedge_rig_bot"}

    def person(self, user_id: int) -> Json:
        if user_id == self.bot_id:
            return self.me()
        if user_id == ANONYMOUS_ADMIN:
            return {"id": user_id, "is_bot": True, "first_name": "Group", "username": "GroupAnonymousBot"}
        default: Json = {"id": user_id, "is_bot": False, "first_name": f"User{user_id}", "language_code": "en"}
        return self.people.setdefault(user_id, default)

    def chat(self, chat_id: int) -> Json:
        """Raises ApiError as Telegram does for a chat that the bot was never in, or that shut it out."""
        if chat_id in self.blocked:
            raise ApiError(403, "Forbidden: bot was blocked by the user")
        if chat_id not in self.chats:
            raise bad_request("chat not found")
        return self.chats[chat_id]

    def open_chat(self, chat_id: int) -> Json:
        """A positive id is the private chat of that person, a negative one a group, a very low one a supergroup."""
        if chat_id > 0:
            private: Json = {"id": chat_id, "type": "private", "first_name": str(self.person(chat_id)["first_name"])}
            return self.chats.setdefault(chat_id, private)
        kind = "supergroup" if chat_id < _SUPERGROUPS_BELOW else "group"
        return self.chats.setdefault(chat_id, {"id": chat_id, "type": kind, "title": f"Group {chat_id}"})

    def add(self, chat_id: int, sender_id: int, kind: str, revision: Revision, *, age_s: float = 0.0) -> Message:
        date = int(time.time() - age_s)
        message = Message(chat_id, next(self._ids), sender_id, date, kind, [revision])
        self.messages.append(message)
        self.changed.notify_all()
        return message

    def find(self, chat_id: int, message_id: int, refusal: str) -> Message:
        for message in self.messages:
            if (message.chat_id, message.message_id) == (chat_id, message_id) and not message.deleted:
                return message
        raise bad_request(refusal)

    def has(self, chat_id: int, message_id: int) -> bool:
        return any((m.chat_id, m.message_id) == (chat_id, message_id) and not m.deleted for m in self.messages)

    def show(self, message: Message, *, context: bool = True) -> Json:
        """The message as the wire carries it; with the one that it answers, but not what that one answers."""
        shown: Json = {
            "message_id": message.message_id,
            "date": message.date,
            "chat": self.chats[message.chat_id],
        }
        if message.sender_id > 0:
            shown["from"] = self.person(message.sender_id)
        if message.sender_chat is not None:
            shown["sender_chat"] = self.chats[message.sender_chat]
        if message.origin is not None:
            shown["forward_origin"] = message.origin
        if message.topic is not None:
            shown |= {"message_thread_id": message.topic, "is_topic_message": True}
        if context and message.reply_to is not None and self.has(message.chat_id, message.reply_to):
            shown["reply_to_message"] = self.show(self.find(message.chat_id, message.reply_to, ""), context=False)
        _add_content(shown, message)
        if message.keyboard:
            shown["reply_markup"] = message.markup
        if len(message.revisions) > 1:
            shown["edit_date"] = int(time.time())
        if message.protected:
            shown["has_protected_content"] = True
        return shown


def _add_content(shown: Json, message: Message) -> None:
    entities = list(message.revisions[-1].entities)
    if message.kind == "text":
        shown["text"] = message.text
        shown["entities"] = entities
        return
    file: Json = {"file_id": f"file-{message.message_id}", "file_unique_id": f"unique-{message.message_id}"}
    if message.upload is not None:
        file["file_size"] = len(message.upload.content)
    if message.kind == "photo":
        width, height = (message.upload.size if message.upload else None) or (800, 400)
        shown["photo"] = [{**file, "width": width, "height": height}]
    else:
        shown["document"] = {**file, "file_name": message.upload.file_name if message.upload else "file"}
    shown["caption"] = message.text
    shown["caption_entities"] = entities
