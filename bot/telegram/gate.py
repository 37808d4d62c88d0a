"""The one door: every update passes here first, and what is not plainly allowed is dropped in silence."""

from __future__ import annotations

from telegram import Chat, Message, Update, User
from telegram.constants import ChatType
from telegram.ext import ApplicationHandlerStop, ContextTypes

from bot.telegram.notices import Notices
from bot.telegram.settings import TelegramSettings

_NAME_CHARS = 64
FORWARDED = "A forwarded message is no command and its buttons do nothing. Type the command yourself if you mean it."


class Gate:
    """Runs first, in a handler group of its own. A stranger gets no answer at all; the operators are told, rarely."""

    def __init__(self, settings: TelegramSettings, notices: Notices) -> None:
        self._settings = settings
        self._notices = notices

    def allows(self, update: Update) -> bool:
        """False for whatever lacks a person or a chat: posts of channels, anonymous admins, broken updates.

        A press on a message that is gone comes without a chat; it passes for a listed person, to be told so.
        """
        user, chat, query = update.effective_user, update.effective_chat, update.callback_query
        if user is None or user.is_bot:
            return False
        if chat is None:
            return query is not None and query.message is None and user.id in self._settings.operator_ids
        return self._settings.admits(user_id=user.id, chat_id=chat.id, private=chat.type == ChatType.PRIVATE)

    async def __call__(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        user = update.effective_user
        if not self.allows(update):
            if user is not None and not user.is_bot:
                self._notices.post("stranger", self._describe(user, update.effective_chat))
            raise ApplicationHandlerStop
        if not _in_own_words(update):
            self._notices.post("forwarded", FORWARDED)
            raise ApplicationHandlerStop

    def _describe(self, user: User, chat: Chat | None) -> str:
        who = f"{user.full_name[:_NAME_CHARS]} (user id {user.id})"
        where = "nowhere" if chat is None else f"chat {chat.id} ({chat.type})"
        if user.id in self._settings.operator_ids:
            return (
                f"{who} is on the list of operators, but wrote in {where}, which is not allowed. There was no answer."
            )
        return f"Someone who is not on the list of operators wrote to this bot: {who}, {where}. There was no answer."


def _in_own_words(update: Update) -> bool:
    """False for what somebody else, or another bot, wrote and a listed person only passed on."""
    query = update.callback_query
    message = update.message if query is None else query.message
    return not isinstance(message, Message) or (message.forward_origin is None and message.via_bot is None)
