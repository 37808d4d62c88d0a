"""What happened, appended and read back: events, the audit of who did what, and the series for P&L and charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from core.events import Event, EventKind
from storage.columns import mapping_of, mapping_text, maybe_number, maybe_number_text, time_of, time_text
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


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One hedge at one moment; None is unknown. `figures`: further named amounts, such as lp_base or equity_quote."""

    hedge: str
    at: datetime
    price: Decimal | None = None
    net_base: Decimal | None = None
    perp_base: Decimal | None = None
    gap_base: Decimal | None = None
    gap_quote: Decimal | None = None
    residual_base: Decimal | None = None
    figures: Mapping[str, Decimal] = field(default_factory=dict)


class Series:
    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def append(self, snapshot: Snapshot) -> None:
        """A second snapshot of the same hedge and microsecond is dropped."""
        await self._db.write(
            "INSERT INTO series (scope, hedge, at, price, net_base, perp_base, gap_base, gap_quote, residual_base,"
            " figures) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, hedge, at) DO NOTHING",
            (
                self._scope,
                snapshot.hedge,
                time_text(snapshot.at),
                maybe_number_text(snapshot.price),
                maybe_number_text(snapshot.net_base),
                maybe_number_text(snapshot.perp_base),
                maybe_number_text(snapshot.gap_base),
                maybe_number_text(snapshot.gap_quote),
                maybe_number_text(snapshot.residual_base),
                mapping_text({name: str(value) for name, value in snapshot.figures.items()}),
            ),
        )

    async def between(self, hedge: str, start: datetime, end: datetime) -> tuple[Snapshot, ...]:
        """Oldest first, `start` included, `end` not."""
        rows = await self._db.rows(
            "SELECT * FROM series WHERE scope = ? AND hedge = ? AND at >= ? AND at < ? ORDER BY at",
            (self._scope, hedge, time_text(start), time_text(end)),
        )
        return tuple(
            Snapshot(
                hedge=row["hedge"],
                at=time_of(row["at"]),
                price=maybe_number(row["price"]),
                net_base=maybe_number(row["net_base"]),
                perp_base=maybe_number(row["perp_base"]),
                gap_base=maybe_number(row["gap_base"]),
                gap_quote=maybe_number(row["gap_quote"]),
                residual_base=maybe_number(row["residual_base"]),
                figures={name: Decimal(value) for name, value in mapping_of(row["figures"]).items()},
            )
            for row in rows
        )
