"""The one door: every update passes here first, and what is not plainly allowed is dropped in silence."""

from __future__ import annotations

from telegram import Chat, Update, User
from telegram.constants import ChatType
from telegram.ext import ApplicationHandlerStop, ContextTypes

from bot.telegram.notices import Notices
from bot.telegram.settings import TelegramSettings

_NAME_CHARS = 64


class Gate:
    """Runs first, in a handler group of its own. A stranger gets no answer at all; the operators are told, rarely."""

    def __init__(self, settings: TelegramSettings, notices: Notices) -> None:
        self._settings = settings
        self._notices = notices

    def allows(self, update: Update) -> bool:
        """False for whatever lacks a person or a chat: posts of channels, anonymous admins, broken updates."""
        user, chat = update.effective_user, update.effective_chat
        if user is None or chat is None or user.is_bot:
            return False
        return self._settings.admits(user_id=user.id, chat_id=chat.id, private=chat.type == ChatType.PRIVATE)

    async def __call__(self, update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
        if self.allows(update):
            return
        user = update.effective_user
        if user is not None and not user.is_bot:
            self._notices.post("stranger", self._describe(user, update.effective_chat))
        raise ApplicationHandlerStop

    def _describe(self, user: User, chat: Chat | None) -> str:
        who = f"{user.full_name[:_NAME_CHARS]} (user id {user.id})"
        where = "nowhere" if chat is None else f"chat {chat.id} ({chat.type})"
        if user.id in self._settings.operator_ids:
            return (
                f"{who} is on the list of operators, but wrote in {where}, which is not allowed. There was no answer."
            )
        return f"Someone who is not on the list of operators wrote to this bot: {who}, {where}. There was no answer."
