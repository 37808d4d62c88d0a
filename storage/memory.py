"""What must survive a restart as one text each: the kernel's memory, the paper account, and the program's own notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from storage.columns import time_text
from storage.database import Database, has_database, open_database


class SqliteHedgeMemory:
    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def load(self, hedge: str) -> str | None:
        """As it was saved: not parsed here."""
        row = await self._db.row("SELECT memory FROM hedge_memory WHERE scope = ? AND hedge = ?", (self._scope, hedge))
        return None if row is None else str(row["memory"])

    async def save(self, hedge: str, memory: str, at: datetime) -> None:
        """One row for each hedge, written over."""
        await self._db.write(
            "INSERT INTO hedge_memory (scope, hedge, memory, saved_at) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (scope, hedge) DO UPDATE SET memory = excluded.memory, saved_at = excluded.saved_at",
            (self._scope, hedge, memory, time_text(at)),
        )


class PaperAccounts:
    """The paper venue's whole account as one JSON text, per scope."""

    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def load(self) -> str | None:
        """None when this scope never traded on paper."""
        row = await self._db.row("SELECT account FROM paper_accounts WHERE scope = ?", (self._scope,))
        return None if row is None else str(row["account"])

    async def save(self, account: str, at: datetime) -> None:
        """One row for each scope, written over."""
        await self._db.write(
            "INSERT INTO paper_accounts (scope, account, saved_at) VALUES (?, ?, ?)"
            " ON CONFLICT (scope) DO UPDATE SET account = excluded.account, saved_at = excluded.saved_at",
            (self._scope, account, time_text(at)),
        )


class Meta:
    """Small notes of the whole database, by name."""

    def __init__(self, database: Database) -> None:
        self._db = database

    async def get(self, key: str) -> str | None:
        """None for a name that was never set."""
        row = await self._db.row("SELECT value FROM meta WHERE key = ?", (key,))
        return None if row is None else str(row["value"])

    async def set(self, key: str, value: str) -> None:
        """In place of what it was; durable when this returns."""
        await self._db.write(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (key, value),
        )


class SqliteFollowedPositions:
    """`core.following.FollowedPositions`, kept with the notes."""

    def __init__(self, database: Database, scope: str) -> None:
        self._meta = Meta(database)
        self._scope = scope

    async def of(self, hedge: str) -> tuple[int, ...]:
        """In the order in which they were followed."""
        text = await self._meta.get(self._key(hedge))
        return tuple(int(word) for word in text.split()) if text else ()

    async def by_hedge(self, hedges: Iterable[str]) -> Mapping[str, Sequence[int]]:
        """Of each, what the operator had followed beside the configured positions."""
        return {name: await self.of(name) for name in hedges}

    async def add(self, hedge: str, position_id: int) -> None:
        """Read, then written: for the one process that hedges."""
        ids = dict.fromkeys((*await self.of(hedge), position_id))
        await self._meta.set(self._key(hedge), " ".join(map(str, ids)))

    def _key(self, hedge: str) -> str:
        return f"followed:{self._scope}:{hedge}"


async def remembered_hedges(path: Path, *, now: datetime) -> tuple[str, ...]:
    """Names of all hedges that ever ran on the database at `path`, in any mode; none where there is no database. Its
    schema may be older: this is asked before a start brings it up.
    """
    if not has_database(path):
        return ()
    async with open_database(path, now=now, read_only=True, of_any_age=True) as database:
        return tuple(str(row["hedge"]) for row in await database.rows("SELECT DISTINCT hedge FROM hedge_memory"))
