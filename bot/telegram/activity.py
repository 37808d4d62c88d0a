"""What the chat's header says while an answer takes its time, so that nobody types the command again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from telegram.constants import ChatAction

from bot.replies import Reply
from bot.telegram.sending import Sender
from bot.telegram.settings import Timings
from core.cancellation import end
from core.clock import Clock
from core.errors import Refused, Transient

_LOG = logging.getLogger(__name__)


class Activity:
    """Beside the work, best effort: neither a refusal nor a Telegram that hangs ever holds up the answer."""

    def __init__(self, sender: Sender, clock: Clock, timings: Timings) -> None:
        self._sender = sender
        self._clock = clock
        self._timings = timings

    @asynccontextmanager
    async def shown(self, chat_id: int) -> AsyncIterator[Doing]:
        """For the length of a block; a quick answer needs none of it."""
        doing = Doing()
        task = asyncio.create_task(self._show(chat_id, doing), name="telegram-activity")
        try:
            yield doing
        finally:
            await end(task)

    async def _show(self, chat_id: int, doing: Doing) -> None:
        await self._clock.sleep(self._timings.busy_after_s)
        try:
            while True:
                await self._sender.act(chat_id, doing.action)
                await self._clock.sleep(self._timings.busy_every_s)
        except (Transient, Refused) as error:
            _LOG.info("the activity was not shown in chat %s: %s", chat_id, error)


class Doing:
    """First an answer is made, then it is sent."""

    def __init__(self) -> None:
        self.action = ChatAction.TYPING

    def sends(self, reply: Reply) -> None:
        """Changes what the header says only where a picture or a file is on its way."""
        if reply.attachment is not None:
            self.action = ChatAction.UPLOAD_PHOTO if reply.attachment.photo else ChatAction.UPLOAD_DOCUMENT
