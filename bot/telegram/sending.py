"""Everything the bot says to Telegram, with its errors sorted by what the caller must do.

Raises Transient when the same call may work later. After a time-out that includes calls which did take effect: Telegram
has no idempotency key, so what must arrive may arrive twice. Raises Refused for what no repetition mends.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from typing import TypeVar

from telegram import (
    Bot,
    BotCommand,
    BotCommandScopeChat,
    BotCommandScopeDefault,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut
from telegram.request import HTTPXRequest

from bot.replies import Button, Reply
from bot.telegram.pieces import clipped, pieces, plain
from bot.telegram.settings import TelegramSettings, Timings
from core.clock import Clock
from core.errors import LpHedgeError, Refused, Transient

_LOG = logging.getLogger(__name__)
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_TOAST_LIMIT = 200
_FLOOD_TRIES = 3
_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "no text in the message to edit")
UNREACHABLE = "unreachable"
BAD_REQUEST = "bad_request"
T = TypeVar("T")


class Sender:
    """Sends through a connection of its own, which outlives those that listen."""

    def __init__(self, settings: TelegramSettings, clock: Clock, timings: Timings) -> None:
        # Opts in to retry_after as a timedelta; without it the library warns at every flood wait.
        os.environ.setdefault("PTB_TIMEDELTA", "1")
        self._clock = clock
        self._patience_s = timings.patience_s
        self._request = HTTPXRequest(
            connection_pool_size=8,
            connect_timeout=timings.connect_timeout_s,
            read_timeout=timings.read_timeout_s,
            pool_timeout=timings.read_timeout_s,
        )
        self._bot = Bot(settings.token, base_url=settings.base_url, request=self._request)

    async def send(self, chat_id: int, reply: Reply, *, silent: bool = False, reply_to: int | None = None) -> int:
        """The id of the message; of the last one, which bears the buttons, when the text needed several."""
        *first, (last, last_html) = pieces(reply.text, is_html=reply.html)
        for text, is_html in first:
            await self._send_one(chat_id, text, is_html, (), silent=silent, reply_to=reply_to)
        return await self._send_one(chat_id, last, last_html, reply.buttons, silent=silent, reply_to=reply_to)

    async def _send_one(
        self,
        chat_id: int,
        text: str,
        is_html: bool,
        buttons: Sequence[Sequence[Button]],
        *,
        silent: bool,
        reply_to: int | None,
    ) -> int:
        async def attempt(shown: str, mode: str | None) -> int:
            sent = await self._bot.send_message(
                chat_id,
                shown,
                parse_mode=mode,
                disable_notification=silent,
                reply_markup=_keyboard(buttons),
                reply_parameters=_reply_to(reply_to),
                link_preview_options=_NO_PREVIEW,
            )
            return sent.message_id

        return await self._formatted(text, is_html, attempt)

    async def edit(self, chat_id: int, message_id: int, reply: Reply) -> bool:
        """Replaces text and buttons. False when the message cannot be edited any more; what is cut off is left out."""
        text, is_html = pieces(reply.text, is_html=reply.html)[0]

        async def attempt(shown: str, mode: str | None) -> bool:
            await self._bot.edit_message_text(
                shown,
                chat_id,
                message_id,
                parse_mode=mode,
                reply_markup=_keyboard(reply.buttons),
                link_preview_options=_NO_PREVIEW,
            )
            return True

        try:
            return await self._formatted(text, is_html, attempt)
        except Refused as refused:
            reason = str(refused).lower()
            if "message is not modified" in reason:
                return True
            if any(gone in reason for gone in _GONE):
                return False
            raise

    async def answer(self, query_id: str, toast: str) -> None:
        await self._patiently(lambda: self._bot.answer_callback_query(query_id, clipped(toast, _TOAST_LIMIT)))

    async def pin(self, chat_id: int, message_id: int) -> None:
        await self._patiently(lambda: self._bot.pin_chat_message(chat_id, message_id, disable_notification=True))

    async def pinned(self, chat_id: int) -> int | None:
        """The message that is pinned there last."""
        chat = await self._patiently(lambda: self._bot.get_chat(chat_id))
        return None if chat.pinned_message is None else chat.pinned_message.message_id

    async def set_menu(self, chat_id: int | None, entries: Sequence[tuple[str, str]]) -> None:
        """The list behind the chat's menu button; None: what everybody else sees."""
        scope = BotCommandScopeDefault() if chat_id is None else BotCommandScopeChat(chat_id)
        commands = [BotCommand(name, description[:256]) for name, description in entries]
        await self._patiently(lambda: self._bot.set_my_commands(commands, scope))

    async def close(self) -> None:
        await self._request.shutdown()

    async def _formatted(self, text: str, is_html: bool, attempt: Callable[[str, str | None], Awaitable[T]]) -> T:
        """With markup, or without when Telegram cannot parse it: a plain message beats none."""
        if not is_html:
            return await self._patiently(lambda: attempt(text, None))
        try:
            return await self._patiently(lambda: attempt(text, ParseMode.HTML))
        except Refused as refused:
            if "can't parse entities" not in str(refused).lower():
                raise
            _LOG.error("markup refused, sent as plain text: %s", refused)
            return await self._patiently(lambda: attempt(plain(text), None))

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        for _ in range(_FLOOD_TRIES):
            try:
                return await call()
            except RetryAfter as flood:
                wait_s = seconds(flood)
                if wait_s > self._patience_s:
                    raise Transient("Telegram asks for a pause.", retry_after_s=wait_s) from flood
                await self._clock.sleep(wait_s)
            except TelegramError as error:
                raise sort_error(error) from error
        raise Transient("Telegram asks for a pause again and again.", retry_after_s=self._patience_s)


def seconds(flood: RetryAfter) -> float:
    wait = flood.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def sort_error(error: TelegramError) -> LpHedgeError:
    """The library's BadRequest is a NetworkError to it, so the order of the cases matters."""
    if isinstance(error, RetryAfter):
        return Transient("Telegram asks for a pause.", retry_after_s=seconds(error))
    if isinstance(error, Forbidden | ChatMigrated) or "chat not found" in error.message.lower():
        return Refused(f"The chat takes no messages from this bot: {error.message}.", code=UNREACHABLE)
    if isinstance(error, BadRequest):
        return Refused(f"Telegram refused the call: {error.message}.", code=BAD_REQUEST)
    if isinstance(error, InvalidToken):
        return Transient("Telegram does not accept the bot token; check TELEGRAM_BOT_TOKEN.")
    if isinstance(error, TimedOut):
        return Transient("Telegram did not answer in time; the call may have taken effect.")
    return Transient(f"Telegram could not be reached: {telegram_words(error)}.")


def telegram_words(error: TelegramError) -> str:
    """The library hands its HTTP client's error on by the name of its class, which tells an operator nothing."""
    return "the connection could not be made, or was cut" if error.message.startswith("httpx.") else error.message


def _keyboard(rows: Sequence[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(b.label, callback_data=b.data, style=b.style or None) for b in row] for row in rows]
    )


def _reply_to(message_id: int | None) -> ReplyParameters | None:
    return None if message_id is None else ReplyParameters(message_id, allow_sending_without_reply=True)
