"""Events in the order in which they happened, written down once what they tell of is done: telling delays no trade."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from core.events import Event
from core.ports import EventLog


class EventIntake(EventLog, Protocol):
    """An `EventLog` that takes in at once what it writes down later."""

    async def append_all(self, events: Sequence[Event]) -> None:
        """In this order. All are taken in before anything is waited for: whoever is cancelled meanwhile loses none."""


class HeldEvents:
    """An `EventLog` of one hedge. What is appended inside `held` is handed over at its end, also when it fails or is
    cancelled."""

    def __init__(self, log: EventIntake) -> None:
        self.log = log
        self._held: list[Event] | None = None

    async def append(self, event: Event) -> None:
        """Written at once outside `held`."""
        if self._held is None:
            await self.log.append(event)
        else:
            self._held.append(event)

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        """Only what is written: an event that is held is not among them yet."""
        return await self.log.recent(hedge=hedge, limit=limit)

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """For one block at a time: they do not nest."""
        self._held = []
        try:
            yield
        finally:
            events, self._held = self._held, None
            await self.log.append_all(events)
