"""What happened and what is said of it, written down together and in order, if need be later."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from core.cancellation import heard_of
from core.errors import InvariantBroken, Transient
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

    def note(self, event: Event | None, notices: Sequence[OutboxMessage]) -> None:
        """Taken in, for `catch_up` to write; `event` None: notices of none."""
        if event is not None or notices:
            self._entries.append(_Entry(event, notices))

    def waiting(self) -> int:
        """How many events, or notices of none, are noted and not written."""
        return len(self._entries)

    async def catch_up(self) -> None:
        """Write what waits. A caller that is cancelled leaves it to end by itself, or one could not tell what was
        written. Raises InvariantBroken when the database refuses one for good; the others wait on."""
        if self._entries:
            writing = asyncio.ensure_future(self._write_all())
            writing.add_done_callback(heard_of)
            await asyncio.shield(writing)

    async def _write_all(self) -> None:
        async with self._turn:
            while self._entries:
                with ExitStack() as over:
                    over.callback(self._forget_first)
                    try:
                        await self._write(self._entries[0])
                    except Transient as error:
                        over.pop_all()
                        self._say_that_it_waits(error)
                        return
            self._waits = False

    async def _write(self, entry: _Entry) -> None:
        if entry.event is None:
            written = await self._put(entry.notices)
        else:
            written = await self._append(entry.event, entry.notices)
        if written:
            self._poke()

    async def _put(self, notices: Sequence[OutboxMessage]) -> Sequence[OutboxMessage]:
        for message in notices:
            await self._outbox.put(await self._review(message))
        return notices

    async def _append(self, event: Event, notices: Sequence[OutboxMessage]) -> Sequence[OutboxMessage]:
        if self._first_told is None:
            self._first_told = await self._tell(event)
        messages = [await self._review(message) for message in (*notices, *self._first_told.messages)]
        await self._log.append(event, messages, self._first_told.offers)
        return messages

    async def write_rest(self) -> None:
        """The last try of this process; what is left after it is logged, for it is lost."""
        left = len(self._entries) + 1
        while left > (left := len(self._entries)) > 0:
            try:
                await self.catch_up()
            except InvariantBroken:
                _LOG.exception("what happened was not written down")
        if self._entries:
            kinds = ", ".join(str(entry.event.kind if entry.event else "a message") for entry in self._entries)
            _LOG.error("could not be written down before the end, %s in all: %s", len(self._entries), kinds)

    def _forget_first(self) -> None:
        self._entries.popleft()
        self._first_told = None

    def _say_that_it_waits(self, error: Transient) -> None:
        """Once, not at every try."""
        if not self._waits:
            _LOG.warning("what happened waits to be written down: %s", error)
        self._waits = True
