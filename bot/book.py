"""What happened and what is said of it, written down together and in order, if need be later."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from core.errors import Transient
from core.events import Event
from core.offers import Offer
from core.ports import News, Outbox, OutboxMessage

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class Told:
    """What is written beside an event; mutable while it is put together."""

    messages: list[OutboxMessage] = field(default_factory=list)
    offers: Sequence[Offer] = ()


Tell = Callable[[Event], Awaitable[Told]]


@dataclass(slots=True)
class _Entry:
    """`notices`: what the event says of lasting troubles. `told`: None until the rest was put into words. Mutable."""

    event: Event | None
    notices: list[OutboxMessage]
    told: Told | None = None


class EventBook:
    """Of each event all is written or nothing. `tell` may be asked of one event until it has answered once."""

    def __init__(self, log: News, outbox: Outbox, tell: Tell, poke: Callable[[], None]) -> None:
        self._log = log
        self._outbox = outbox
        self._tell = tell
        self._poke = poke
        self._entries: deque[_Entry] = deque()
        self._turn = asyncio.Lock()
        self._waits = False

    async def happened(self, event: Event, notices: list[OutboxMessage]) -> None:
        """Raises InvariantBroken when the database refuses it for good."""
        self._entries.append(_Entry(event, notices))
        await self.catch_up()

    async def say(self, notices: list[OutboxMessage]) -> None:
        """As `happened`, of no event."""
        if notices:
            self._entries.append(_Entry(None, notices, Told()))
        await self.catch_up()

    async def catch_up(self) -> None:
        """Write what waits. A caller that is cancelled leaves it to end by itself, or one could not tell what was
        written."""
        if self._entries:
            await asyncio.shield(asyncio.ensure_future(self._write_all()))

    async def _write_all(self) -> None:
        async with self._turn:
            while self._entries:
                try:
                    await self._write(self._entries[0])
                except Transient as error:
                    self._say_that_it_waits(error)
                    return
                except BaseException:
                    self._entries.popleft()
                    raise
                self._entries.popleft()
            self._waits = False

    async def _write(self, entry: _Entry) -> None:
        if entry.told is None and entry.event is not None:
            entry.told = await self._tell(entry.event)
        told = entry.told or Told()
        messages = [*entry.notices, *told.messages]
        if entry.event is not None:
            await self._log.append(entry.event, messages, told.offers)
        else:
            for message in messages:
                await self._outbox.put(message)
        if messages:
            self._poke()

    def _say_that_it_waits(self, error: Transient) -> None:
        """Once, not at every try."""
        if not self._waits:
            _LOG.warning("what happened waits to be written down: %s", error)
        self._waits = True
