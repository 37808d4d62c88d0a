"""An event log that keeps what it is given."""

from __future__ import annotations

from core.events import Event


class KeepsEvents:
    events: list[Event]

    async def append(self, event: Event) -> None:
        self.events.append(event)

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        return tuple(self.events)
