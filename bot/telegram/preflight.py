"""Questions asked before the program runs: is the token right, are the chats open, who is writing."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import SecretStr
from telegram import Bot
from telegram.error import InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from bot.telegram.sending import UNREACHABLE, sort_error
from bot.telegram.settings import DEFAULT_API_URL, TelegramSettings
from core.errors import LpHedgeError, Refused

BAD_TOKEN = "bad_token"  # noqa: S105 - the name of an error
_TIMEOUT_S = 15.0
_WAIT_S = 10


@dataclass(frozen=True, slots=True)
class Probe:
    """`closed_chats`: where the bot cannot write yet; its owner must open the bot in Telegram and press Start."""

    username: str
    closed_chats: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Writer:
    user_id: int
    name: str
    chat_id: int
    chat_type: str


async def probe(settings: TelegramSettings) -> Probe:
    """Asks without sending anything. Raises Refused (code "bad_token") or Transient."""
    async with _bot(settings.token, settings.api_url) as bot:
        me = await bot.get_me()
        closed = [chat_id for chat_id in settings.destinations if not await _is_open(bot, chat_id)]
        return Probe(str(me.username), tuple(closed))


async def who_writes(token: SecretStr, api_url: str = DEFAULT_API_URL) -> AsyncGenerator[Writer, None]:
    """Each message's author, as they write, until the caller stops. For the set-up only: it takes the messages away
    from a program that runs on the same token. Raises Refused (code "bad_token") or Transient.
    """
    async with _bot(token, api_url) as bot:
        offset = 0
        while True:
            for update in await bot.get_updates(offset=offset, timeout=_WAIT_S, allowed_updates=["message"]):
                offset = update.update_id + 1
                user, chat = update.effective_user, update.effective_chat
                if user is not None and chat is not None and not user.is_bot:
                    yield Writer(user.id, user.full_name, chat.id, chat.type)


@asynccontextmanager
async def _bot(token: SecretStr, api_url: str) -> AsyncIterator[Bot]:
    request = HTTPXRequest(connection_pool_size=2, connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S)
    polling = HTTPXRequest(connection_pool_size=1, connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S)
    try:
        yield Bot(
            token.get_secret_value(),
            base_url=f"{api_url.rstrip('/')}/bot",
            request=request,
            get_updates_request=polling,
        )
    except TelegramError as error:
        raise _preflight_error(error) from error
    finally:
        await request.shutdown()
        await polling.shutdown()


def _preflight_error(error: TelegramError) -> LpHedgeError:
    """Before the start a refused token is a mistake to mend, not an outage to sit out."""
    if isinstance(error, InvalidToken):
        return Refused(
            "Telegram does not know this bot token; copy TELEGRAM_BOT_TOKEN from @BotFather.", code=BAD_TOKEN
        )
    return sort_error(error)


async def _is_open(bot: Bot, chat_id: int) -> bool:
    try:
        await bot.get_chat(chat_id)
    except TelegramError as error:
        sorted_error = sort_error(error)
        if isinstance(sorted_error, Refused) and sorted_error.code == UNREACHABLE:
            return False
        raise
    return True
