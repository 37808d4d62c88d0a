"""What happened and what is said of it, written down together and in order, if need be later."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from core.errors import Transient
from core.events import Event
from core.offers import Offer
from core.ports import News, Outbox, OutboxMessage

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What is written beside an event."""

    messages: Sequence[OutboxMessage] = ()
    offers: Sequence[Offer] = ()


Tell = Callable[[Event], Awaitable[Told]]
Review = Callable[[OutboxMessage], Awaitable[OutboxMessage]]


@dataclass(frozen=True, slots=True)
class _Entry:
    """`notices`: what the event says of lasting troubles."""

    event: Event | None
    notices: Sequence[OutboxMessage]


class EventBook:
    """Of each event all is written or nothing. `tell` may be asked of one event until it has answered once; `review`
    makes of a message what is written at that moment."""

    def __init__(self, log: News, outbox: Outbox, tell: Tell, review: Review, poke: Callable[[], None]) -> None:
        self._log = log
        self._outbox = outbox
        self._tell = tell
        self._review = review
        self._poke = poke
        self._entries: deque[_Entry] = deque()
        self._first_told: Told | None = None
        self._turn = asyncio.Lock()
        self._waits = False

    async def happened(self, event: Event, notices: Sequence[OutboxMessage]) -> None:
        """Raises InvariantBroken when the database refuses it for good."""
        self._entries.append(_Entry(event, notices))
        await self.catch_up()

    async def say(self, notices: Sequence[OutboxMessage]) -> None:
        """As `happened`, of no event."""
        if notices:
            self._entries.append(_Entry(None, notices))
        await self.catch_up()

    async def catch_up(self) -> None:
        """Write what waits. A caller that is cancelled leaves it to end by itself, or one could not tell what was
        written."""
        if self._entries:
            writing = asyncio.ensure_future(self._write_all())
            writing.add_done_callback(_heard_of)
            await asyncio.shield(writing)

    async def _write_all(self) -> None:
        async with self._turn:
            while self._entries:
                try:
                    await self._write(self._entries[0])
                except Transient as error:
                    self._say_that_it_waits(error)
                    return
                except BaseException:
                    self._forget_first()
                    raise
                self._forget_first()
            self._waits = False

    async def _write(self, entry: _Entry) -> None:
        if entry.event is None:
            for message in entry.notices:
                await self._outbox.put(await self._review(message))
        else:
            if self._first_told is None:
                self._first_told = await self._tell(entry.event)
            messages = [await self._review(message) for message in (*entry.notices, *self._first_told.messages)]
            await self._log.append(entry.event, messages, self._first_told.offers)
        if entry.notices or (self._first_told and self._first_told.messages):
            self._poke()

    def _forget_first(self) -> None:
        self._entries.popleft()
        self._first_told = None

    def _say_that_it_waits(self, error: Transient) -> None:
        """Once, not at every try."""
        if not self._waits:
            _LOG.warning("what happened waits to be written down: %s", error)
        self._waits = True


def _heard_of(writing: asyncio.Future[None]) -> None:
    """Or asyncio would log what no caller is left to hear."""
    if not writing.cancelled():
        writing.exception()
