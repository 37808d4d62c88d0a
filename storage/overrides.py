"""Settings changed from chat. One wins over the file until the file's own value of that key changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Row

from storage.columns import time_of, time_text
from storage.database import Database


@dataclass(frozen=True, slots=True)
class Override:
    """`hedge` is '' for a setting of the whole program; `file_value`: what the file said when it was set, None when it
    did not name the key.
    """

    hedge: str
    key: str
    value: str
    file_value: str | None
    actor: str
    set_at: datetime


class Overrides:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def set(self, override: Override) -> None:
        """Takes the place of an earlier one of this hedge and key."""
        await self._db.write(
            "INSERT INTO overrides (hedge, key, value, file_value, actor, set_at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (hedge, key) DO UPDATE SET value = excluded.value, file_value = excluded.file_value,"
            " actor = excluded.actor, set_at = excluded.set_at",
            (
                override.hedge,
                override.key,
                override.value,
                override.file_value,
                override.actor,
                time_text(override.set_at),
            ),
        )

    async def get(self, hedge: str, key: str) -> Override | None:
        row = await self._db.row("SELECT * FROM overrides WHERE hedge = ? AND key = ?", (hedge, key))
        return None if row is None else _override_of(row)

    async def all(self) -> tuple[Override, ...]:
        """By hedge and key."""
        rows = await self._db.rows("SELECT * FROM overrides ORDER BY hedge, key")
        return tuple(_override_of(row) for row in rows)

    async def drop(self, hedge: str, key: str) -> bool:
        """False when there was none."""
        return await self._db.write("DELETE FROM overrides WHERE hedge = ? AND key = ?", (hedge, key)) == 1

    async def drop_outdated(self, file_values: Mapping[tuple[str, str], str]) -> tuple[Override, ...]:
        """Drops, and returns, those whose key has another value in the file now; `file_values` by (hedge, key)."""
        dropped = []
        async with self._db.transaction() as tx:
            for row in await tx.rows("SELECT * FROM overrides ORDER BY hedge, key"):
                override = _override_of(row)
                if file_values.get((override.hedge, override.key)) != override.file_value:
                    await tx.execute(
                        "DELETE FROM overrides WHERE hedge = ? AND key = ?", (override.hedge, override.key)
                    )
                    dropped.append(override)
        return tuple(dropped)


def _override_of(row: Row) -> Override:
    return Override(
        hedge=row["hedge"],
        key=row["key"],
        value=row["value"],
        file_value=row["file_value"],
        actor=row["actor"],
        set_at=time_of(row["set_at"]),
    )
