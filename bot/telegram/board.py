"""One pinned message per chat that always shows how things stand, edited in place and never making a sound."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bot.replies import Reply
from bot.telegram.sending import Sender
from core.clock import Clock
from core.errors import Refused, Transient
from core.ports import Delivery, Outbox, OutboxMessage

_LOG = logging.getLogger(__name__)
KEY = "telegram:board"
_ROW_BUTTONS = tuple[tuple[str, str, str], ...]


class Board:
    """The outbox delivers the message once and remembers where; from then on it is edited here, past the queue.

    `content` gives what to show now, None while there is nothing to tell.
    """

    def __init__(
        self, content: Callable[[], Reply | None], outbox: Outbox, sender: Sender, clock: Clock, every_s: float
    ) -> None:
        self._content = content
        self._outbox = outbox
        self._sender = sender
        self._clock = clock
        self._every_s = every_s
        self._shown: dict[int, Reply] = {}
        self._pinned: set[int] = set()

    async def run(self) -> None:
        while True:
            await self._refresh()
            await self._clock.sleep(self._every_s)

    async def _refresh(self) -> None:
        content = self._content()
        if content is None or await self._outbox.due(self._clock.now(), 1):  # what is to be told goes first
            return
        copies = {copy.chat_id: copy.message_id for copy in await self._outbox.deliveries(KEY)}
        if not copies:
            await self._outbox.put(_row(content, self._clock))
            return
        for chat_id, message_id in copies.items():
            try:
                await self._show(chat_id, message_id, content)
            except (Transient, Refused) as error:
                _LOG.info("the board in chat %s was not refreshed: %s", chat_id, error)

    async def _show(self, chat_id: int, message_id: int, content: Reply) -> None:
        if content != self._shown.get(chat_id):
            message_id = await self._update(chat_id, message_id, content)
            self._shown[chat_id] = content
        await self._pin(chat_id, message_id)

    async def _update(self, chat_id: int, message_id: int, content: Reply) -> int:
        """The id of the message that shows it: another one when the old one was deleted."""
        if await self._sender.edit(chat_id, message_id, content):
            return message_id
        new_id = await self._sender.send(chat_id, content, silent=True)
        await self._outbox.record_delivery(KEY, Delivery(chat_id, new_id))
        return new_id

    async def _pin(self, chat_id: int, message_id: int) -> None:
        """Once per message, and not over what the operator pinned instead."""
        if message_id not in self._pinned and await self._sender.pinned(chat_id) is None:
            await self._sender.pin(chat_id, message_id)
        self._pinned.add(message_id)


def _row(content: Reply, clock: Clock) -> OutboxMessage:
    buttons: tuple[_ROW_BUTTONS, ...] = tuple(
        tuple((button.label, button.data, button.style) for button in row) for row in content.buttons
    )
    return OutboxMessage(
        KEY, content.text, content.html, priority=1, silent=True, created_at=clock.now(), buttons=buttons
    )
