"""Update in, service call, answer out. Nothing is decided here."""

from __future__ import annotations

import asyncio
import logging
import secrets
from datetime import datetime
from typing import Protocol

from telegram import CallbackQuery, Message, Update, User
from telegram.constants import ChatType
from telegram.ext import ApplicationHandlerStop, ContextTypes

from bot import commands
from bot.rendering.approvals import asks_why
from bot.replies import Actor, PressResult, Reply
from bot.telegram.activity import Activity
from bot.telegram.markups import Keys
from bot.telegram.menus import Menus
from bot.telegram.sending import Sender
from core.clock import Clock
from core.errors import Refused, Transient

_LOG = logging.getLogger(__name__)
SOURCE = "telegram"
UNSEEN = "I cannot see that message any more, so nothing was done. /pending shows what waits for an answer."
_WITH_KEYS = frozenset({"start", "help"})


class Operator(Protocol):
    """The operator's service, as much of it as a front end may use. `in_answer_to`: what the bot had said in the
    message that this one answers.
    """

    async def submit(
        self,
        text: str,
        *,
        actor: Actor,
        source: str,
        update_key: str | None,
        issued_at: datetime,
        in_answer_to: str | None = None,
    ) -> Reply:
        """`update_key`: the same once more is a redelivery, which does nothing again."""
        ...

    async def press(self, data: str, *, actor: Actor, update_key: str | None, at: datetime) -> PressResult:
        """`data`: of the button, as we made it. `update_key` as in `submit`."""
        ...


class Handlers:
    def __init__(
        self, operator: Operator, sender: Sender, clock: Clock, *, bot_id: str, menus: Menus, activity: Activity
    ) -> None:
        self._operator = operator
        self._sender = sender
        self._clock = clock
        self._bot_id = bot_id
        self._menus = menus
        self._activity = activity

    async def on_text(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """One that is not meant for this bot is passed over."""
        message, user = update.message, update.effective_user
        if message is None or message.text is None or user is None:
            return
        word, answered = commands.parse(message.text).word, self._answered_by(message)
        if not _is_meant(message, answered, str(context.bot.username)):
            return
        async with self._activity.shown(message.chat_id) as doing:
            reply = await self._operator.submit(
                message.text,
                actor=_actor(user),
                source=SOURCE,
                update_key=self._update_key(update),
                issued_at=message.date,
                in_answer_to=answered,
            )
            doing.sends(reply)
            await self._answer_to(message, reply, word)
        if word == "start":
            await self._menus.register()

    async def _answer_to(self, message: Message, reply: Reply, word: str) -> None:
        """In a group as an answer to its asker; the keyboard is for private chats, where it is nobody else's."""
        if _in_group(message):
            await self._say(message.chat_id, reply, message.message_id, asks_one=True)
        else:
            await self._say(message.chat_id, reply, None, keys=commands.keyboard() if word in _WITH_KEYS else ())

    def _answered_by(self, message: Message) -> str | None:
        """What this bot had said there; somebody else's words are not told apart from none."""
        said = message.reply_to_message
        if said is None or said.from_user is None or str(said.from_user.id) != self._bot_id:
            return None
        return said.text or said.caption

    async def on_press(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        """Resolve first; the answer and the edit are shows of it and may fail without undoing it."""
        query = update.callback_query
        if query is None or query.data is None:
            return
        message = _pressed(query)
        if message is None:
            await self._answer(query.id, UNSEEN)
            return
        result = await self._operator.press(
            query.data, actor=_actor(query.from_user), update_key=self._update_key(update), at=self._clock.now()
        )
        shows = [self._answer(query.id, result.toast)]
        if result.edited is not None:
            shows.append(self._show_decided(message, result.edited))
        if result.said is not None:
            shows.append(self._say(message.chat.id, result.said, message.message_id))
        await asyncio.gather(*shows)

    async def on_error(self, update: object, context: ContextTypes.DEFAULT_TYPE) -> None:
        """The details go to the log under a number, only the number to the chat."""
        number = secrets.token_hex(3)
        _LOG.error("error %s while handling an update", number, exc_info=context.error)
        reply = Reply(
            f"Something went wrong inside (error {number}); nothing is known to have been done. See the log.",
            html=False,
        )
        if isinstance(update, Update) and update.callback_query is not None:
            await self._answer(update.callback_query.id, reply.text)
        elif isinstance(update, Update) and update.message is not None:
            await self._say(update.message.chat_id, reply, None)
        # Without this, an error inside the gate would let the update through to the other handlers.
        raise ApplicationHandlerStop

    def _update_key(self, update: Update) -> str:
        return f"tg:{self._bot_id}:{update.update_id}"

    async def _show_decided(self, pressed: Message, reply: Reply) -> None:
        """On the pressed message; as a new one when that is gone meanwhile or cannot come to show it."""
        try:
            if await self._sender.edit(pressed.chat.id, pressed.message_id, reply):
                return
        except Transient as error:
            _LOG.warning("the pressed message could not be edited: %s", error)
            return
        except Refused as error:
            _LOG.warning("the pressed message was not edited, a new one is sent: %s", error)
        await self._say(pressed.chat.id, reply, None)

    async def _say(
        self, chat_id: int, reply: Reply, reply_to: int | None, *, keys: Keys = (), asks_one: bool = False
    ) -> None:
        try:
            await self._sender.send(chat_id, reply, reply_to=reply_to, keys=keys, asks_one=asks_one)
        except (Transient, Refused) as error:
            _LOG.warning("an answer was not delivered: %s", error)

    async def _answer(self, query_id: str, toast: str) -> None:
        try:
            await self._sender.answer(query_id, toast)
        except (Transient, Refused) as error:
            _LOG.info("a press was not answered: %s", error)


def _actor(user: User) -> Actor:
    return Actor(f"tg:{user.id}", user.full_name[:64])


def _in_group(message: Message) -> bool:
    return message.chat.type != ChatType.PRIVATE


def _pressed(query: CallbackQuery) -> Message | None:
    """The message that holds the button; None when it cannot be seen any more."""
    message = query.message
    return message if isinstance(message, Message) and message.is_accessible else None


def _is_meant(message: Message, answered: str | None, username: str) -> bool:
    """In a group only commands, and what answers the bot's question for a reason."""
    is_reason = answered is not None and asks_why(answered) is not None
    return not _in_group(message) or is_reason or _is_command_for(message.text or "", username)


def _is_command_for(text: str, username: str) -> bool:
    """Not one that names another bot."""
    word = text.split(maxsplit=1)[0] if text.strip() else ""
    addressed = word.partition("@")[2]
    return word.startswith("/") and addressed.lower() in ("", username.lower())
