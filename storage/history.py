"""What happened, appended and read back: events, and the audit of who did what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Row

from core.events import Event, EventKind
from core.offers import Offer
from core.ports import OutboxMessage
from storage.columns import mapping_of, mapping_text, time_of, time_text
from storage.database import Database
from storage.offers import put_offer
from storage.outbox import put_message

INSERT = "INSERT INTO events (scope, kind, hedge, at, data) VALUES (?, ?, ?, ?, ?)"


class SqliteEventLog:
    """`core.ports.News`."""

    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def append(self, event: Event, messages: Sequence[OutboxMessage] = (), offers: Sequence[Offer] = ()) -> None:
        values = (self._scope, event.kind, event.hedge, time_text(event.at), mapping_text(event.data))
        if not messages and not offers:
            await self._db.write(INSERT, values)
            return
        async with self._db.transaction() as tx:
            await tx.execute(INSERT, values)
            for message in messages:
                await put_message(tx, message)
            for offer in offers:
                await put_offer(tx, self._scope, offer)

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        """Newest first, in the order of appending; `hedge` None: those of every hedge and of the whole program."""
        if hedge is None:
            rows = await self._db.rows(
                "SELECT * FROM events WHERE scope = ? ORDER BY seq DESC LIMIT ?", (self._scope, limit)
            )
        else:
            rows = await self._of(hedge, limit)
        return tuple(map(_event, rows))

    async def recent_of_the_program(self, limit: int) -> tuple[Event, ...]:
        """Newest first, those that are no single hedge's."""
        return tuple(map(_event, await self._of(None, limit)))

    async def _of(self, hedge: str | None, limit: int) -> list[Row]:
        return await self._db.rows(
            "SELECT * FROM events WHERE scope = ? AND hedge IS ? ORDER BY seq DESC LIMIT ?", (self._scope, hedge, limit)
        )


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
