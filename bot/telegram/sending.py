"""Everything the bot says to Telegram. Errors as in `calls`: Transient, or Refused."""

from __future__ import annotations

import logging
import os
from collections.abc import Awaitable, Sequence
from dataclasses import replace
from typing import NamedTuple

from telegram import Bot, BotCommand, BotCommandScope, LinkPreviewOptions
from telegram.request import HTTPXRequest

from bot.replies import Attachment, Reply
from bot.telegram.calls import BAD_REQUEST, UNREACHABLE, Patience, sort_error, telegram_words
from bot.telegram.markups import Keys, inline_markup, markup_of
from bot.telegram.media import Envelope, Media, fits_below
from bot.telegram.pieces import clipped, pieces
from bot.telegram.settings import TelegramSettings, Timings
from core.clock import Clock
from core.errors import Refused

__all__ = ["BAD_REQUEST", "UNREACHABLE", "Sender", "sort_error", "telegram_words"]

_LOG = logging.getLogger(__name__)
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_TOAST_LIMIT = 200
_NO_TEXT = "no text in the message to edit"
_GONE = ("message to edit not found", "message can't be edited", "message_id_invalid")


class Pinned(NamedTuple):
    """`own`: this bot's, such as one of an earlier database."""

    message_id: int
    own: bool


class Sender:
    """Sends through a connection of its own, which outlives those that listen."""

    def __init__(self, settings: TelegramSettings, clock: Clock, timings: Timings) -> None:
        # Opts in to retry_after as a timedelta; without it the library warns at every flood wait.
        os.environ.setdefault("PTB_TIMEDELTA", "1")
        self._request = HTTPXRequest(
            connection_pool_size=8,
            connect_timeout=timings.connect_timeout_s,
            read_timeout=timings.read_timeout_s,
            pool_timeout=timings.read_timeout_s,
        )
        self._bot = Bot(settings.token, base_url=settings.base_url, request=self._request)
        self._bot_id = settings.bot_id
        self._patience = Patience(clock, timings.patience_s)
        self._media = Media(self._bot, self._patience)

    async def send(
        self,
        chat_id: int,
        reply: Reply,
        *,
        silent: bool = False,
        reply_to: int | None = None,
        keys: Keys = (),
        asks_one: bool = False,
    ) -> int:
        """The id of the message; of the last one, which bears the buttons, when it took several.

        `keys`: the keyboard to show below a reply that bears nothing of its own. `asks_one`: as `of_one` of a markup.
        """
        envelope = Envelope(chat_id, silent, reply_to, markup_of(reply, keys, of_one=asks_one))
        if reply.attachment is not None:
            return await self._send_with_file(envelope, reply, reply.attachment)
        return await self._send_text(envelope, reply)

    async def _send_with_file(self, envelope: Envelope, reply: Reply, file: Attachment) -> int:
        """The text stands below the file, or follows it where it is too long for that; it comes without a file too."""
        below = fits_below(reply)
        try:
            if below:
                return await self._media.send(envelope, file, reply.text, is_html=reply.html)
            await self._media.send(replace(envelope, markup=None), file, "", is_html=False)
        except Refused as refused:
            if refused.code != BAD_REQUEST:
                raise
            _LOG.error("file %s is left out: %s", file.name, refused)
            reply = replace(reply, text=f"{reply.text}\nIts file could not be sent; the log says why.".strip())
        return await self._send_text(envelope, reply)

    async def _send_text(self, envelope: Envelope, reply: Reply) -> int:
        *first, (last, last_html) = pieces(reply.text, is_html=reply.html)
        for text, is_html in first:
            await self._send_piece(replace(envelope, markup=None), text, is_html)
        return await self._send_piece(envelope, last, last_html)

    async def _send_piece(self, envelope: Envelope, text: str, is_html: bool) -> int:
        async def attempt(shown: str, mode: str | None) -> int:
            sent = await self._bot.send_message(
                envelope.chat_id,
                shown,
                parse_mode=mode,
                disable_notification=envelope.silent,
                reply_markup=envelope.markup,
                reply_parameters=envelope.reply_parameters,
                link_preview_options=_NO_PREVIEW,
            )
            return sent.message_id

        return await self._patience.formatted(text, is_html, attempt)

    async def edit(self, chat_id: int, message_id: int, reply: Reply) -> bool:
        """Replaces text, file and buttons. False when that message cannot come to show this; what is cut off is left
        out.
        """
        if reply.attachment is not None:
            return fits_below(reply) and await _done(self._media.edit(chat_id, message_id, reply.attachment, reply))
        try:
            return await _done(self._edit_text(chat_id, message_id, reply))
        except Refused as refused:
            if _NO_TEXT not in str(refused).lower():
                raise
        return fits_below(reply) and await _done(self._media.edit_caption(chat_id, message_id, reply))

    async def _edit_text(self, chat_id: int, message_id: int, reply: Reply) -> None:
        text, is_html = pieces(reply.text, is_html=reply.html)[0]

        async def attempt(shown: str, mode: str | None) -> None:
            await self._bot.edit_message_text(
                shown,
                chat_id,
                message_id,
                parse_mode=mode,
                reply_markup=inline_markup(reply.buttons),
                link_preview_options=_NO_PREVIEW,
            )

        await self._patience.formatted(text, is_html, attempt)

    async def answer(self, query_id: str, toast: str) -> None:
        """To a pressed button; a toast that is too long is cut."""
        await self._patience.make(lambda: self._bot.answer_callback_query(query_id, clipped(toast, _TOAST_LIMIT)))

    async def act(self, chat_id: int, action: str) -> None:
        """The chat's header says for five seconds that the bot is at it."""
        await self._patience.make(lambda: self._bot.send_chat_action(chat_id, action))

    async def pin(self, chat_id: int, message_id: int) -> None:
        """Without a sound."""
        await self._patience.make(lambda: self._bot.pin_chat_message(chat_id, message_id, disable_notification=True))

    async def pinned(self, chat_id: int) -> Pinned | None:
        """What is pinned there last."""
        message = (await self._patience.make(lambda: self._bot.get_chat(chat_id))).pinned_message
        if message is None:
            return None
        sender = getattr(message, "from_user", None)
        return Pinned(message.message_id, own=sender is not None and str(sender.id) == self._bot_id)

    async def set_menu(self, scope: BotCommandScope, entries: Sequence[tuple[str, str]]) -> None:
        """The list behind the menu button, for those whom `scope` means; no entries: that of the next wider scope."""
        commands = [BotCommand(name, description[:256]) for name, description in entries]
        if commands:
            await self._patience.make(lambda: self._bot.set_my_commands(commands, scope))
        else:
            await self._patience.make(lambda: self._bot.delete_my_commands(scope))

    async def close(self) -> None:
        """Ends its connection."""
        await self._request.shutdown()


async def _done(edit: Awaitable[None]) -> bool:
    """A message that shows it already is done too. False: the message is gone, or of a kind that cannot be edited."""
    try:
        await edit
    except Refused as refused:
        reason = str(refused).lower()
        if "message is not modified" in reason:
            return True
        if any(gone in reason for gone in _GONE):
            return False
        raise
    return True
