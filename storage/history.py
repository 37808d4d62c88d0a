"""What happened, appended and read back: events, and the audit of who did what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Row

from core.events import Event, EventKind
from storage.columns import mapping_of, mapping_text, time_of, time_text
from storage.database import Database


class SqliteEventLog:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def append(self, event: Event) -> None:
        await self._db.write(
            "INSERT INTO events (kind, hedge, at, data) VALUES (?, ?, ?, ?)",
            (event.kind, event.hedge, time_text(event.at), mapping_text(event.data)),
        )

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        """Newest first, in the order of appending; `hedge` None: those of every hedge and of the whole program."""
        if hedge is None:
            rows = await self._db.rows("SELECT * FROM events ORDER BY seq DESC LIMIT ?", (limit,))
        else:
            rows = await self._db.rows("SELECT * FROM events WHERE hedge = ? ORDER BY seq DESC LIMIT ?", (hedge, limit))
        return tuple(map(_event, rows))

    async def recent_of_the_program(self, limit: int) -> tuple[Event, ...]:
        """Newest first, those that are no single hedge's."""
        rows = await self._db.rows("SELECT * FROM events WHERE hedge IS NULL ORDER BY seq DESC LIMIT ?", (limit,))
        return tuple(map(_event, rows))


def _event(row: Row) -> Event:
    return Event(EventKind(row["kind"]), row["hedge"], time_of(row["at"]), mapping_of(row["data"]))


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """`source`: where it came from, such as telegram, terminal, cli."""

    actor: str
    source: str
    action: str
    detail: str
    at: datetime


class Audit:
    """Rows are never changed nor deleted; the database itself refuses it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def append(self, actor: str, source: str, action: str, detail: str, at: datetime) -> None:
        await self._db.write(
            "INSERT INTO audit (actor, source, action, detail, at) VALUES (?, ?, ?, ?, ?)",
            (actor, source, action, detail, time_text(at)),
        )

    async def recent(self, limit: int) -> tuple[AuditEntry, ...]:
        """Newest first."""
        rows = await self._db.rows("SELECT * FROM audit ORDER BY seq DESC LIMIT ?", (limit,))
        return tuple(
            AuditEntry(row["actor"], row["source"], row["action"], row["detail"], time_of(row["at"])) for row in rows
        )
