"""Calls to Telegram made with patience, and their errors sorted by what the caller must do.

Raises Transient when the same call may work later. After a time-out that includes calls which did take effect: Telegram
has no idempotency key, so what must arrive may arrive twice. Raises Refused for what no repetition mends.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from telegram.constants import ParseMode
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError, TimedOut

from bot.telegram.pieces import plain
from core.clock import Clock
from core.errors import LpHedgeError, Refused, Transient

_LOG = logging.getLogger(__name__)
_FLOOD_TRIES = 3
UNREACHABLE = "unreachable"
# Of bad requests, those that are about the chat and not about what was said.
_NO_WORD_IN = (
    "chat not found",
    "not enough rights to send text messages",
    "have no rights to send a message",
    "need administrator rights",
    "chat_write_forbidden",
    "chat_restricted",
    "peer_id_invalid",
    "topic_closed",
)
BAD_REQUEST = "bad_request"
T = TypeVar("T")


class Patience:
    """`patience_s`: the longest flood wait that one call sits out."""

    def __init__(self, clock: Clock, patience_s: float) -> None:
        self._clock = clock
        self._patience_s = patience_s

    async def make(self, call: Callable[[], Awaitable[T]]) -> T:
        """`call` is made anew after each flood wait. Raises Transient or Refused."""
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

    async def formatted(self, text: str, is_html: bool, attempt: Callable[[str, str | None], Awaitable[T]]) -> T:
        """With markup, or without when Telegram cannot parse it: a plain message beats none."""
        if not is_html:
            return await self.make(lambda: attempt(text, None))
        try:
            return await self.make(lambda: attempt(text, ParseMode.HTML))
        except Refused as refused:
            if "can't parse entities" not in str(refused).lower():
                raise
            _LOG.error("markup refused, sent as plain text: %s", refused)
            return await self.make(lambda: attempt(plain(text), None))


def seconds(flood: RetryAfter) -> float:
    """Of a flood wait, in either form that the library has it."""
    wait = flood.retry_after
    return wait.total_seconds() if isinstance(wait, timedelta) else float(wait)


def sort_error(error: TelegramError) -> LpHedgeError:
    """The library's BadRequest is a NetworkError to it, so the order of the cases matters."""
    if isinstance(error, RetryAfter):
        return Transient("Telegram asks for a pause.", retry_after_s=seconds(error))
    if _is_about_the_chat(error):
        return Refused(f"The chat takes no messages from this bot: {error.message}.", code=UNREACHABLE)
    if isinstance(error, BadRequest):
        return Refused(f"Telegram refused the call: {error.message}.", code=BAD_REQUEST)
    if isinstance(error, InvalidToken):
        return Transient("Telegram does not accept the bot token; check TELEGRAM_BOT_TOKEN.")
    if isinstance(error, TimedOut):
        return Transient("Telegram did not answer in time; the call may have taken effect.")
    return Transient(f"Telegram could not be reached: {telegram_words(error)}.")


def _is_about_the_chat(error: TelegramError) -> bool:
    said = error.message.lower()
    return isinstance(error, Forbidden | ChatMigrated) or any(each in said for each in _NO_WORD_IN)


def telegram_words(error: TelegramError) -> str:
    """The library hands its HTTP client's error on by the name of its class, which tells an operator nothing."""
    return "the connection could not be made, or was cut" if error.message.startswith("httpx.") else error.message
