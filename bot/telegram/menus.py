"""Who sees which commands behind the menu button: those who may use them, and nobody else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence

from telegram import BotCommandScope, BotCommandScopeChat, BotCommandScopeChatMember, BotCommandScopeDefault

from bot import commands
from bot.telegram.sending import Sender
from bot.telegram.settings import TelegramSettings
from core.errors import Refused, Transient

_LOG = logging.getLogger(__name__)
_STRANGERS = (("start", "say hello"),)
Entries = Sequence[tuple[str, str]]


def menus(settings: TelegramSettings) -> Iterator[tuple[BotCommandScope, Entries]]:
    """In a group the list is each operator's own; its other members see what everybody sees."""
    yield BotCommandScopeDefault(), _STRANGERS
    for user_id in sorted(settings.operator_ids):
        yield BotCommandScopeChat(user_id), commands.menu()
    group = settings.chat_id
    if group is None or group in settings.operator_ids:
        return
    yield BotCommandScopeChat(group), ()
    for user_id in sorted(settings.operator_ids):
        yield BotCommandScopeChatMember(group, user_id), commands.menu()


class Menus:
    def __init__(self, settings: TelegramSettings, sender: Sender) -> None:
        self._settings = settings
        self._sender = sender

    async def register(self) -> None:
        """All anew. A chat that never wrote to the bot, and a group that somebody is not in, cannot have one yet."""
        await asyncio.gather(*(self._set(scope, entries) for scope, entries in menus(self._settings)))

    async def _set(self, scope: BotCommandScope, entries: Entries) -> None:
        try:
            await self._sender.set_menu(scope, entries)
        except (Transient, Refused) as error:
            _LOG.info("the command menu of %s could not be set: %s", scope.to_dict(), error)
