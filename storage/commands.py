"""What operators asked for: commands that wait for the engine, and questions of the kind "really?"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from sqlite3 import Row

from core.errors import InvariantBroken
from core.ports import Command
from storage.columns import list_of, list_text, time_of, time_text
from storage.database import Database


class SqliteCommandQueue:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def put(
        self, name: str, args: Sequence[str], *, actor: str, source: str, update_key: str | None, at: datetime
    ) -> int | None:
        """The database itself refuses a second row of the same key, also from another process."""
        row = await self._db.write_returning(
            "INSERT INTO commands (name, args, actor, source, update_key, issued_at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (update_key) DO NOTHING RETURNING command_id",
            (name, list_text(args), actor, source, update_key, time_text(at)),
        )
        return None if row is None else int(row["command_id"])

    async def pending(self) -> tuple[Command, ...]:
        """Oldest first."""
        rows = await self._db.rows("SELECT * FROM commands WHERE finished_at IS NULL ORDER BY command_id")
        return tuple(map(_command_of, rows))

    async def of_key(self, update_key: str) -> tuple[Command, bool | None] | None:
        """Also long after the row was carried out."""
        row = await self._db.row("SELECT * FROM commands WHERE update_key = ?", (update_key,))
        if row is None:
            return None
        return _command_of(row), None if row["ok"] is None else bool(row["ok"])

    async def finish(self, command_id: int, *, ok: bool, answer: str, at: datetime) -> None:
        """Raises InvariantBroken when there is no such command or it has its answer already."""
        changed = await self._db.write(
            "UPDATE commands SET ok = ?, answer = ?, finished_at = ? WHERE command_id = ? AND finished_at IS NULL",
            (int(ok), answer, time_text(at), command_id),
        )
        if not changed:
            raise InvariantBroken(f"command {command_id} does not wait for an answer")

    async def answer(self, command_id: int) -> tuple[bool, str] | None:
        """Looks once: whoever waits for it asks again."""
        row = await self._db.row(
            "SELECT ok, answer FROM commands WHERE command_id = ? AND finished_at IS NOT NULL", (command_id,)
        )
        return None if row is None else (bool(row["ok"]), str(row["answer"]))


def _command_of(row: Row) -> Command:
    return Command(
        command_id=row["command_id"],
        name=row["name"],
        args=list_of(row["args"]),
        actor=row["actor"],
        source=row["source"],
        issued_at=time_of(row["issued_at"]),
    )


class SqliteConfirmations:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def put(self, token: str, command: str, *, actor: str, expires_at: datetime) -> None:
        """Raises InvariantBroken when the token was used before."""
        await self._db.write(
            "INSERT INTO confirmations (token, command, actor, expires_at) VALUES (?, ?, ?, ?)",
            (token, command, actor, time_text(expires_at)),
        )

    async def take(self, token: str, *, actor: str, now: datetime) -> str | None:
        """One UPDATE decides who was first, also between processes."""
        row = await self._db.write_returning(
            "UPDATE confirmations SET taken_at = ?"
            " WHERE token = ? AND actor = ? AND taken_at IS NULL AND expires_at > ? RETURNING command",
            (time_text(now), token, actor, time_text(now)),
        )
        return None if row is None else str(row["command"])

    async def close_all(self, at: datetime) -> None:
        """Open questions are good for nothing any more."""
        await self._db.write("UPDATE confirmations SET taken_at = ? WHERE taken_at IS NULL", (time_text(at),))
