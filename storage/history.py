"""What happened, appended and read back: events, and the audit of who did what."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

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
        rows = await self._db.rows(
            "SELECT * FROM events WHERE ? IS NULL OR hedge = ? ORDER BY seq DESC LIMIT ?", (hedge, hedge, limit)
        )
        return tuple(
            Event(EventKind(row["kind"]), row["hedge"], time_of(row["at"]), mapping_of(row["data"])) for row in rows
        )


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
