"""Pictures and files with the text below them."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, replace

from telegram import Bot, InputMediaDocument, InputMediaPhoto, ReplyParameters

from bot.replies import Attachment, Reply
from bot.telegram.calls import BAD_REQUEST, Patience
from bot.telegram.markups import Markup, inline_markup
from bot.telegram.pieces import plain, utf16_len
from core.errors import Refused

_LOG = logging.getLogger(__name__)
CAPTION_LIMIT = 1024
PHOTO_BYTES = 10_000_000
FILE_BYTES = 50_000_000
# Of the sender's eight connections: the rest are there for words, however slowly pictures go up.
_UPLOADS_AT_ONCE = 2


@dataclass(frozen=True, slots=True)
class Envelope:
    """Where one message goes and how. `markup` None: nothing hangs below it."""

    chat_id: int
    silent: bool
    reply_to: int | None
    markup: Markup | None

    @property
    def reply_parameters(self) -> ReplyParameters | None:
        """It is sent all the same when the message that it answers is gone."""
        return None if self.reply_to is None else ReplyParameters(self.reply_to, allow_sending_without_reply=True)


def fits_below(reply: Reply) -> bool:
    """Whether the text can be the caption of a file; its length counts without the markup."""
    return utf16_len(plain(reply.text) if reply.html else reply.text) <= CAPTION_LIMIT


class Media:
    """Errors as in `calls`."""

    def __init__(self, bot: Bot, patience: Patience) -> None:
        self._bot = bot
        self._patience = patience
        self._uploading = asyncio.Semaphore(_UPLOADS_AT_ONCE)

    async def send(self, envelope: Envelope, file: Attachment, text: str, *, is_html: bool) -> int:
        """As a picture where it is one that Telegram takes, else as a file."""
        _refuse_too_big(file)
        if file.photo and len(file.content) <= PHOTO_BYTES:
            try:
                return await self._upload(envelope, file, text, is_html)
            except Refused as refused:
                if refused.code != BAD_REQUEST:
                    raise
                _LOG.warning("picture %s is sent as a file: %s", file.name, refused)
        return await self._upload(envelope, replace(file, photo=False), text, is_html)

    async def _upload(self, envelope: Envelope, file: Attachment, text: str, is_html: bool) -> int:
        async def attempt(shown: str, mode: str | None) -> int:
            send = self._bot.send_photo if file.photo else self._bot.send_document
            sent = await send(
                envelope.chat_id,
                file.content,
                shown or None,
                parse_mode=mode,
                disable_notification=envelope.silent,
                reply_markup=envelope.markup,
                reply_parameters=envelope.reply_parameters,
                filename=file.name,
            )
            return sent.message_id

        async with self._uploading:
            return await self._patience.formatted(text, is_html, attempt)

    async def edit(self, chat_id: int, message_id: int, file: Attachment, reply: Reply) -> None:
        """Puts file, caption and buttons in place of what is there."""
        _refuse_too_big(file)
        kind = InputMediaPhoto if file.photo else InputMediaDocument

        async def attempt(shown: str, mode: str | None) -> None:
            media = kind(file.content, shown or None, parse_mode=mode, filename=file.name)
            await self._bot.edit_message_media(media, chat_id, message_id, reply_markup=inline_markup(reply.buttons))

        async with self._uploading:
            await self._patience.formatted(reply.text, reply.html, attempt)

    async def edit_caption(self, chat_id: int, message_id: int, reply: Reply) -> None:
        """And the buttons; the picture stays."""

        async def attempt(shown: str, mode: str | None) -> None:
            await self._bot.edit_message_caption(
                chat_id, message_id, caption=shown, parse_mode=mode, reply_markup=inline_markup(reply.buttons)
            )

        await self._patience.formatted(reply.text, reply.html, attempt)


def _refuse_too_big(file: Attachment) -> None:
    if len(file.content) > FILE_BYTES:
        raise Refused(f"{file.name} has {len(file.content)} bytes, more than Telegram takes.", code=BAD_REQUEST)
