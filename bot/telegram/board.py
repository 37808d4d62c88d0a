"""One pinned message per chat that always shows how things stand, edited in place and never making a sound."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from bot.replies import Reply
from bot.telegram.sending import Sender
from core.clock import Clock
from core.errors import Refused, Transient
from core.ports import Delivery, Outbox, OutboxMessage
from storage.outbox import BOARD_KEY

_LOG = logging.getLogger(__name__)
_ROW_BUTTONS = tuple[tuple[str, str, str], ...]
# Until there is something to show, or while something else goes first.
_LOOK_AGAIN_S = 1.0
_WAITS_FOR_S = 5.0


class Board:
    """The outbox delivers the message once and remembers where; from then on it is edited here, past the queue.

    `content` gives what to show now, None while there is nothing to tell. It keeps quiet while anything waits in the
    outbox, so that no edit uses up what Telegram allows before an alarm does.
    """

    def __init__(
        self,
        content: Callable[[], Reply | None],
        outbox: Outbox,
        sender: Sender,
        chats: Sequence[int],
        clock: Clock,
        every_s: float,
        at_most_every_s: float,
    ) -> None:
        self._content = content
        self._outbox = outbox
        self._sender = sender
        self._chats = chats
        self._clock = clock
        self._every_s = every_s
        self._at_most_every_s = at_most_every_s
        self._poked = asyncio.Event()
        self._shown: dict[int, Reply] = {}
        self._pinned: set[tuple[int, int]] = set()
        self._waits_since_s: float | None = None

    def poke(self) -> None:
        """Something has happened: show it soon."""
        self._poked.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._poked.clear()
            pause_s = await self._refresh()
            if pause_s is None:
                await self._clock.sleep(min(_LOOK_AGAIN_S, self._every_s))
                continue
            await self._clock.sleep(max(self._at_most_every_s, pause_s))
            await self._until_poked(self._every_s - self._at_most_every_s)

    async def show_last(self) -> None:
        """Once more at the end of the program, whatever waits."""
        content = self._content()
        copies = {copy.chat_id: copy.message_id for copy in await self._outbox.deliveries(BOARD_KEY)}
        if content is not None:
            await asyncio.gather(*(self._show_in(chat_id, copies[chat_id], content) for chat_id in copies))

    async def _until_poked(self, longest_s: float) -> None:
        try:
            async with asyncio.timeout(max(0.0, longest_s)):
                await self._poked.wait()
        except TimeoutError:
            return

    async def _refresh(self) -> float | None:
        """For how long Telegram wants to be left alone, in seconds; None: nothing could be shown now."""
        content = self._content()
        if content is None or await self._is_to_wait():
            return None
        copies = {copy.chat_id: copy.message_id for copy in await self._outbox.deliveries(BOARD_KEY)}
        if not copies:
            await self._outbox.put(_row(content, self._clock))
            return None
        pauses_s = [await self._show_in(chat_id, copies.get(chat_id), content) for chat_id in self._chats]
        return max(pauses_s, default=0.0)

    async def _is_to_wait(self) -> bool:
        """What is to be told goes first, unless it stays: then something is wrong, and the board is who shows it."""
        if not await self._outbox.due(self._clock.now(), 1):
            self._waits_since_s = None
            return False
        now_s = self._clock.monotonic_s()
        self._waits_since_s = now_s if self._waits_since_s is None else self._waits_since_s
        return now_s - self._waits_since_s < _WAITS_FOR_S

    async def _show_in(self, chat_id: int, message_id: int | None, content: Reply) -> float:
        """Whatever keeps one chat from it, the others see it."""
        try:
            if message_id is None or content != self._shown.get(chat_id):
                message_id = await self._update(chat_id, message_id, content)
                self._shown[chat_id] = content
            await self._pin(chat_id, message_id)
        except (Transient, Refused) as error:
            _LOG.info("the board in chat %s was not refreshed: %s", chat_id, error)
            return error.retry_after_s or 0.0 if isinstance(error, Transient) else 0.0
        return 0.0

    async def _update(self, chat_id: int, message_id: int | None, content: Reply) -> int:
        """The id of the message that shows it: another one when the old one was deleted, or the chat opened later."""
        if message_id is not None and await self._sender.edit(chat_id, message_id, content):
            return message_id
        new_id = await self._sender.send(chat_id, content, silent=True)
        await self._outbox.record_delivery(BOARD_KEY, Delivery(chat_id, new_id))
        return new_id

    async def _pin(self, chat_id: int, message_id: int) -> None:
        """Once per message, and not over what a person pinned instead; a refusal is not argued with."""
        if (chat_id, message_id) in self._pinned:
            return
        pinned = await self._sender.pinned(chat_id)
        if pinned is None or (pinned.own and pinned.message_id != message_id):
            try:
                await self._sender.pin(chat_id, message_id)
            except Refused as refused:
                _LOG.warning("the board in chat %s is not pinned: %s", chat_id, refused)
        self._pinned.add((chat_id, message_id))


def _row(content: Reply, clock: Clock) -> OutboxMessage:
    buttons: tuple[_ROW_BUTTONS, ...] = tuple(
        tuple((button.label, button.data, button.style) for button in row) for row in content.buttons
    )
    return OutboxMessage(
        BOARD_KEY, content.text, content.html, priority=1, silent=True, created_at=clock.now(), buttons=buttons
    )
