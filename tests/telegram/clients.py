"""Two independent Bot API libraries behind one small face, so that one test asks the rig the same through both."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiogram
import telegram
from aiogram import types as aio
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramAPIError
from telegram.error import TelegramError

from tests.rigs.telegram import TelegramRig

REFUSALS = (TelegramAPIError, TelegramError)


class Client(ABC):
    """Each call returns the id of the message, or nothing. `keys`: rows of a reply keyboard."""

    @abstractmethod
    async def ask(self, chat_id: int, text: str, hint: str, *, selective: bool = False) -> int: ...

    @abstractmethod
    async def show_keys(self, chat_id: int, text: str, keys: list[list[str]]) -> int: ...

    @abstractmethod
    async def photo(self, chat_id: int, content: bytes, caption: str) -> int: ...

    @abstractmethod
    async def document(self, chat_id: int, content: bytes, name: str) -> int: ...

    @abstractmethod
    async def edit_text(self, chat_id: int, message_id: int, text: str) -> None: ...

    @abstractmethod
    async def edit_caption(self, chat_id: int, message_id: int, caption: str) -> None: ...

    @abstractmethod
    async def edit_media(self, chat_id: int, message_id: int, content: bytes, caption: str) -> None: ...

    @abstractmethod
    async def act(self, chat_id: int, action: str) -> None: ...

    @abstractmethod
    async def pin(self, chat_id: int, message_id: int) -> None: ...

    @abstractmethod
    async def unpin(self, chat_id: int, message_id: int) -> None: ...

    @abstractmethod
    async def pinned(self, chat_id: int) -> int | None: ...

    @abstractmethod
    async def set_menu(self, chat_id: int, user_id: int, names: list[str]) -> None:
        """For one member of a group."""

    @abstractmethod
    async def answer(
        self, chat_id: int, text: str, to: int, *, even_if_gone: bool, topic: int | None = None
    ) -> int: ...

    @abstractmethod
    async def updates(self, kinds: list[str]) -> list[dict[str, object]]:
        """What waits, as the library understood it; nothing is confirmed."""


class Ptb(Client):
    def __init__(self, bot: telegram.Bot) -> None:
        self._bot = bot

    async def ask(self, chat_id: int, text: str, hint: str, *, selective: bool = False) -> int:
        markup = telegram.ForceReply(selective=selective, input_field_placeholder=hint)
        return (await self._bot.send_message(chat_id, text, reply_markup=markup)).message_id

    async def show_keys(self, chat_id: int, text: str, keys: list[list[str]]) -> int:
        markup = telegram.ReplyKeyboardMarkup(keys, resize_keyboard=True, is_persistent=True)
        return (await self._bot.send_message(chat_id, text, reply_markup=markup)).message_id

    async def photo(self, chat_id: int, content: bytes, caption: str) -> int:
        return (await self._bot.send_photo(chat_id, content, caption, filename="c.png")).message_id

    async def document(self, chat_id: int, content: bytes, name: str) -> int:
        return (await self._bot.send_document(chat_id, content, filename=name)).message_id

    async def edit_text(self, chat_id: int, message_id: int, text: str) -> None:
        await self._bot.edit_message_text(text, chat_id, message_id)

    async def edit_caption(self, chat_id: int, message_id: int, caption: str) -> None:
        await self._bot.edit_message_caption(chat_id, message_id, caption=caption)

    async def edit_media(self, chat_id: int, message_id: int, content: bytes, caption: str) -> None:
        media = telegram.InputMediaPhoto(content, caption, filename="c.png")
        await self._bot.edit_message_media(media, chat_id, message_id)

    async def act(self, chat_id: int, action: str) -> None:
        await self._bot.send_chat_action(chat_id, action)

    async def pin(self, chat_id: int, message_id: int) -> None:
        await self._bot.pin_chat_message(chat_id, message_id, disable_notification=True)

    async def unpin(self, chat_id: int, message_id: int) -> None:
        await self._bot.unpin_chat_message(chat_id, message_id)

    async def pinned(self, chat_id: int) -> int | None:
        message = (await self._bot.get_chat(chat_id)).pinned_message
        return message.message_id if message else None

    async def set_menu(self, chat_id: int, user_id: int, names: list[str]) -> None:
        scope = telegram.BotCommandScopeChatMember(chat_id, user_id)
        await self._bot.set_my_commands([telegram.BotCommand(name, "what it does") for name in names], scope)

    async def answer(self, chat_id: int, text: str, to: int, *, even_if_gone: bool, topic: int | None = None) -> int:
        reply = telegram.ReplyParameters(to, allow_sending_without_reply=even_if_gone)
        sent = await self._bot.send_message(chat_id, text, reply_parameters=reply, message_thread_id=topic)
        return sent.message_id

    async def updates(self, kinds: list[str]) -> list[dict[str, object]]:
        return [update.to_dict() for update in await self._bot.get_updates(timeout=0, allowed_updates=kinds)]


class Aiogram(Client):
    def __init__(self, bot: aiogram.Bot) -> None:
        self._bot = bot

    async def ask(self, chat_id: int, text: str, hint: str, *, selective: bool = False) -> int:
        markup = aio.ForceReply(selective=selective, input_field_placeholder=hint)
        return (await self._bot.send_message(chat_id, text, reply_markup=markup)).message_id

    async def show_keys(self, chat_id: int, text: str, keys: list[list[str]]) -> int:
        rows = [[aio.KeyboardButton(text=key) for key in row] for row in keys]
        markup = aio.ReplyKeyboardMarkup(keyboard=rows, resize_keyboard=True, is_persistent=True)
        return (await self._bot.send_message(chat_id, text, reply_markup=markup)).message_id

    async def photo(self, chat_id: int, content: bytes, caption: str) -> int:
        return (
            await self._bot.send_photo(chat_id, aio.BufferedInputFile(content, "c.png"), caption=caption)
        ).message_id

    async def document(self, chat_id: int, content: bytes, name: str) -> int:
        return (await self._bot.send_document(chat_id, aio.BufferedInputFile(content, name))).message_id

    async def edit_text(self, chat_id: int, message_id: int, text: str) -> None:
        await self._bot.edit_message_text(text, chat_id=chat_id, message_id=message_id)

    async def edit_caption(self, chat_id: int, message_id: int, caption: str) -> None:
        await self._bot.edit_message_caption(chat_id=chat_id, message_id=message_id, caption=caption)

    async def edit_media(self, chat_id: int, message_id: int, content: bytes, caption: str) -> None:
        media = aio.InputMediaPhoto(media=aio.BufferedInputFile(content, "c.png"), caption=caption)
        await self._bot.edit_message_media(media, chat_id=chat_id, message_id=message_id)

    async def act(self, chat_id: int, action: str) -> None:
        await self._bot.send_chat_action(chat_id, action)

    async def pin(self, chat_id: int, message_id: int) -> None:
        await self._bot.pin_chat_message(chat_id, message_id, disable_notification=True)

    async def unpin(self, chat_id: int, message_id: int) -> None:
        await self._bot.unpin_chat_message(chat_id=chat_id, message_id=message_id)

    async def pinned(self, chat_id: int) -> int | None:
        message = (await self._bot.get_chat(chat_id)).pinned_message
        return message.message_id if message else None

    async def set_menu(self, chat_id: int, user_id: int, names: list[str]) -> None:
        scope = aio.BotCommandScopeChatMember(chat_id=chat_id, user_id=user_id)
        await self._bot.set_my_commands(
            [aio.BotCommand(command=name, description="what it does") for name in names], scope
        )

    async def answer(self, chat_id: int, text: str, to: int, *, even_if_gone: bool, topic: int | None = None) -> int:
        reply = aio.ReplyParameters(message_id=to, allow_sending_without_reply=even_if_gone)
        sent = await self._bot.send_message(chat_id, text, reply_parameters=reply, message_thread_id=topic)
        return sent.message_id

    async def updates(self, kinds: list[str]) -> list[dict[str, object]]:
        found = await self._bot.get_updates(timeout=0, allowed_updates=kinds)
        return [update.model_dump(by_alias=True, exclude_none=True) for update in found]


@asynccontextmanager
async def connected(rig: TelegramRig, library: str) -> AsyncIterator[Client]:
    if library == "python-telegram-bot":
        async with telegram.Bot(rig.token, base_url=f"{rig.api_url}/bot") as ptb:
            yield Ptb(ptb)
        return
    session = AiohttpSession(api=TelegramAPIServer.from_base(rig.api_url))
    yield Aiogram(aiogram.Bot(rig.token, session=session))
    await session.close()
