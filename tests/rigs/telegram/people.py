"""The scripted people: what they type, correct, forward and press, and the updates that the bot gets of it."""

from __future__ import annotations

import time
from dataclasses import replace

from tests.rigs.telegram.entities import command_entities
from tests.rigs.telegram.errors import RigMisuse
from tests.rigs.telegram.markup import ShownButton
from tests.rigs.telegram.world import ANONYMOUS_ADMIN, Json, Message, Press, Revision, World


class People:
    def __init__(self, world: World) -> None:
        self.world = world

    def add_chat(self, chat_id: int) -> None:
        """A person who has pressed Start, or (negative id) a group that the bot is a member of."""
        with self.world.changed:
            self.world.open_chat(chat_id)

    def block(self, user_id: int) -> None:
        with self.world.changed:
            self.world.blocked.add(user_id)

    def unblock(self, user_id: int) -> None:
        with self.world.changed:
            self.world.blocked.discard(user_id)

    def say(
        self,
        user_id: int,
        text: str,
        *,
        chat_id: int | None = None,
        age_s: float = 0.0,
        in_answer_to: Message | None = None,
        topic: int | None = None,
    ) -> Message:
        """A person types `text`, in private unless a chat is named, `age_s` seconds ago.

        `in_answer_to`: the message that it replies to. `topic`: of a supergroup that has such.
        """
        with self.world.changed:
            where = chat_id if chat_id is not None else user_id
            message = self._written(where, user_id, text, age_s=age_s)
            message.reply_to = in_answer_to.message_id if in_answer_to else None
            message.topic = topic
            if topic is not None:
                self.world.topics.setdefault(where, set()).add(topic)
            return self._arrives("message", message, age_s=age_s)

    def tap_key(self, user_id: int, message: Message, text: str) -> Message:
        """A key of the reply keyboard types its own text. Raises RigMisuse when there is no such key."""
        if not any(text in row for row in message.below.keys):
            raise RigMisuse(f"message {message.message_id} shows no key {text!r}, only {message.below.keys}")
        return self.say(user_id, text, chat_id=message.chat_id)

    def forward(self, user_id: int, text: str, *, chat_id: int | None = None, origin: str = "user") -> Message:
        """A person passes on what somebody else (42042), somebody hidden, or a channel had written."""
        with self.world.changed:
            message = self._written(chat_id if chat_id is not None else user_id, user_id, text)
            message.origin = {"type": origin, "date": message.date - 60, **self._origin(origin)}
            return self._arrives("message", message)

    def _origin(self, kind: str) -> Json:
        if kind == "user":
            return {"sender_user": {"id": 42042, "is_bot": False, "first_name": "Mallory"}}
        if kind == "hidden_user":
            return {"sender_user_name": "Mallory"}
        channel: Json = {"id": -1_000_000_000_777, "type": "channel", "title": "Signals"}
        return {"chat": channel, "message_id": 9} if kind == "channel" else {"sender_chat": channel}

    def say_in_the_groups_name(self, group_id: int, text: str) -> Message:
        """An anonymous administrator: Telegram does not tell the bot who."""
        with self.world.changed:
            message = self._written(group_id, ANONYMOUS_ADMIN, text)
            message.sender_chat = group_id
            return self._arrives("message", message)

    def post(self, channel_id: int, text: str) -> Message:
        """A channel that the bot is in says something, in its own name."""
        with self.world.changed:
            self.world.chats[channel_id] = {"id": channel_id, "type": "channel", "title": "Signals"}
            message = self._written(channel_id, channel_id, text)
            message.sender_chat = channel_id
            return self._arrives("channel_post", message)

    def _written(self, chat_id: int, sender_id: int, text: str, *, age_s: float = 0.0) -> Message:
        self.world.open_chat(chat_id)
        return self.world.add(chat_id, sender_id, "text", _typed(text), age_s=age_s)

    def _arrives(self, kind: str, message: Message, *, age_s: float = 0.0) -> Message:
        self.world.updates.push(kind, self.world.show(message), age_s=age_s)
        return message

    def edit(self, message: Message, text: str) -> None:
        """The person corrects their own message."""
        with self.world.changed:
            message.revisions.append(_typed(text))
            self.world.updates.push("edited_message", self.world.show(message))

    def press(
        self,
        user_id: int,
        message: Message,
        label: str,
        *,
        age_s: float = 0.0,
        stale: bool = False,
        accessible: bool = True,
        chatless: bool = False,
    ) -> Press:
        """Taps the button that starts with `label`.

        `stale`: the phone still shows a keyboard that has been edited away. `accessible=False`: the bot can no longer
        see the message; `chatless`: it is not even told which one that was. `age_s` over 15: too late for an answer;
        below zero: so much longer Telegram waits for one.
        Raises RigMisuse when there is no such button.
        """
        with self.world.changed:
            button = _button(message, label, stale=stale)
            press = Press(f"{len(self.world.presses) + 4_000_000_000_001}", time.monotonic() - age_s)
            self.world.presses[press.query_id] = press
            shown = self.world.show(message)
            if not accessible:
                shown = {"chat": shown["chat"], "message_id": message.message_id, "date": 0}
            query: Json = {"id": press.query_id, "from": self.world.person(user_id)}
            query |= {"chat_instance": "8123456", "data": button.data}
            self.world.updates.push("callback_query", query if chatless else {**query, "message": shown})
            return press

    def add_button(self, message: Message, label: str, data: str) -> None:
        """As if the bot had sent the message with this button below it."""
        with self.world.changed:
            now = message.revisions[-1]
            row = ShownButton(label, data, None)
            message.revisions[-1] = replace(now, keyboard=(*now.keyboard, (row,)))
            shown = [[{"text": each.label, "callback_data": each.data} for each in line] for line in message.keyboard]
            message.markup = {"inline_keyboard": shown}

    def push_raw(self, kind: str, content: object) -> int:
        """Any update content, well-formed or not; returns its update id."""
        with self.world.changed:
            return self.world.updates.push(kind, content)


def _typed(text: str) -> Revision:
    return Revision(text, text, tuple(command_entities(text)), ())


def _button(message: Message, label: str, *, stale: bool) -> ShownButton:
    revisions = message.revisions if stale else message.revisions[-1:]
    for revision in reversed(revisions):
        for button in (button for row in revision.keyboard for button in row):
            if button.label.startswith(label) and button.data is not None:
                return button
    raise RigMisuse(f"message {message.message_id} shows no button {label!r}, only {message.labels}")
