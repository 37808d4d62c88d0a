"""Settings changed from chat. One wins over the file until the file's own value of that key changes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from sqlite3 import Row

from storage.columns import list_text, time_of, time_text
from storage.database import Database, Transaction


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


@dataclass(frozen=True, slots=True)
class Wish:
    """Who asked for a change, where, and in which words: its row among the commands. The same `update_key` counts once.

    `outcome`: what was done, for that row and for the audit.
    """

    actor: str
    source: str
    args: Sequence[str]
    update_key: str | None
    issued_at: datetime
    outcome: str


class Overrides:
    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def set(self, override: Override, wish: Wish) -> bool:
        """Takes the place of an earlier one of this hedge and key. False, and nothing written, for a repeated wish."""
        async with self._db.transaction() as tx:
            if not await _is_new(tx, wish, override.set_at):
                return False
            await tx.execute(
                "INSERT INTO overrides (scope, hedge, key, value, file_value, actor, set_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, hedge, key) DO UPDATE SET value = excluded.value,"
                " file_value = excluded.file_value, actor = excluded.actor, set_at = excluded.set_at",
                (
                    self._scope,
                    override.hedge,
                    override.key,
                    override.value,
                    override.file_value,
                    override.actor,
                    time_text(override.set_at),
                ),
            )
        return True

    async def drop(self, hedge: str, key: str, wish: Wish, at: datetime) -> bool:
        """False, and nothing written, for a repeated wish."""
        async with self._db.transaction() as tx:
            if not await _is_new(tx, wish, at):
                return False
            await self._delete(tx, hedge, key)
        return True

    async def discard(self, overrides: Iterable[Override]) -> None:
        """Drops what a start found to hold no more."""
        async with self._db.transaction() as tx:
            for override in overrides:
                await self._delete(tx, override.hedge, override.key)

    async def all(self) -> tuple[Override, ...]:
        """By hedge and key."""
        rows = await self._db.rows("SELECT * FROM overrides WHERE scope = ? ORDER BY hedge, key", (self._scope,))
        return tuple(_override_of(row) for row in rows)

    async def _delete(self, tx: Transaction, hedge: str, key: str) -> None:
        await tx.execute("DELETE FROM overrides WHERE scope = ? AND hedge = ? AND key = ?", (self._scope, hedge, key))


async def _is_new(tx: Transaction, wish: Wish, at: datetime) -> bool:
    """Writes the command, finished already, and its audit; in the same transaction as what it does."""
    words = " ".join(wish.args)
    row = await tx.row(
        "INSERT INTO commands (name, args, actor, source, update_key, issued_at, finished_at, ok, answer)"
        " VALUES ('set', ?, ?, ?, ?, ?, ?, 1, ?) ON CONFLICT (update_key) DO NOTHING RETURNING command_id",
        (
            list_text(wish.args),
            wish.actor,
            wish.source,
            wish.update_key,
            time_text(wish.issued_at),
            time_text(at),
            wish.outcome,
        ),
    )
    if row is None:
        return False
    await tx.execute(
        "INSERT INTO audit (actor, source, action, detail, at) VALUES (?, ?, 'set', ?, ?)",
        (wish.actor, wish.source, f"{words}: {wish.outcome}", time_text(at)),
    )
    return True


def _override_of(row: Row) -> Override:
    return Override(
        hedge=row["hedge"],
        key=row["key"],
        value=row["value"],
        file_value=row["file_value"],
        actor=row["actor"],
        set_at=time_of(row["set_at"]),
    )
