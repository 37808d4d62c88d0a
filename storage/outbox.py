"""Messages to the operator as rows, delivered when the chat can be reached."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from sqlite3 import Row

from core.errors import InvariantBroken
from core.ports import Delivery, Gist, OutboxMessage
from storage.columns import time_of, time_text
from storage.database import Database, Transaction

INSERT = (
    "INSERT INTO outbox (key, text, html, priority, silent, created_at, buttons, edits, replies_to, gist)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"
)
# Of all that is ever postponed. What has longer to wait was postponed before the clock was set back, and is due.
LONGEST_POSTPONEMENT = timedelta(seconds=60)
FINISH = "UPDATE outbox SET finished_at = coalesce(finished_at, ?) WHERE key = ?"
# The one message that is edited where it stands for as long as the program is used.
BOARD_KEY = "telegram:board"
Buttons = tuple[tuple[tuple[str, str, str], ...], ...]


class SqliteOutbox:
    def __init__(self, database: Database) -> None:
        self._db = database

    async def put(self, message: OutboxMessage) -> None:
        """The first message of a key stands, a later one of the same key is dropped."""
        await self._db.write(INSERT, _values(message))

    async def merge(self, digest: OutboxMessage, keys: Sequence[str], at: datetime) -> None:
        """`digest` takes the place of the messages of these keys, in one transaction. Raises InvariantBroken when one
        of them is not there."""
        async with self._db.transaction() as tx:
            await put_message(tx, digest)
            for key in keys:
                _refuse_missing(await tx.execute(FINISH, (time_text(at), key)), key)

    async def due(self, now: datetime, limit: int) -> tuple[OutboxMessage, ...]:
        rows = await self._db.rows(
            "SELECT * FROM outbox WHERE finished_at IS NULL"
            " AND (not_before IS NULL OR not_before <= ? OR not_before > ?)"
            " ORDER BY priority, created_at, seq LIMIT ?",
            (time_text(now), time_text(now + LONGEST_POSTPONEMENT), limit),
        )
        return tuple(_message_of(row) for row in rows)

    async def has_rung(self, beginning: str, since: datetime) -> bool:
        row = await self._db.row(
            "SELECT 1 FROM outbox WHERE key >= ? AND key < ? AND silent = 0 AND created_at >= ? LIMIT 1",
            (beginning, f"{beginning}\U0010ffff", time_text(since)),
        )
        return row is not None

    async def deliveries(self, key: str) -> tuple[Delivery, ...]:
        rows = await self._db.rows("SELECT * FROM deliveries WHERE key = ? ORDER BY seq", (key,))
        return tuple(Delivery(row["chat_id"], row["message_id"]) for row in rows)

    async def record_delivery(self, key: str, delivery: Delivery) -> None:
        """Raises InvariantBroken when no message has this key."""
        await self._db.write(
            "INSERT INTO deliveries (key, chat_id, message_id) VALUES (?, ?, ?)"
            " ON CONFLICT (key, chat_id, message_id) DO NOTHING",
            (key, delivery.chat_id, delivery.message_id),
        )

    async def finish(self, key: str, at: datetime) -> None:
        """The first time stands. Raises InvariantBroken when no message has this key."""
        changed = await self._db.write(FINISH, (time_text(at), key))
        _refuse_missing(changed, key)

    async def postpone(self, key: str, not_before: datetime, why: str) -> None:
        """By LONGEST_POSTPONEMENT at most. Raises InvariantBroken when no message has this key."""
        changed = await self._db.write(
            "UPDATE outbox SET not_before = ?, postponed_for = ?, postponements = postponements + 1 WHERE key = ?",
            (time_text(not_before), why, key),
        )
        _refuse_missing(changed, key)

    async def backlog(self) -> int:
        (row,) = await self._db.rows("SELECT count(*) AS waiting FROM outbox WHERE finished_at IS NULL")
        return int(row["waiting"])


async def put_message(tx: Transaction, message: OutboxMessage) -> None:
    """The first message of a key stands."""
    await tx.execute(INSERT, _values(message))


def _refuse_missing(changed: int, key: str) -> None:
    if not changed:
        raise InvariantBroken(f"the outbox has no message {key}")


def _values(message: OutboxMessage) -> tuple[str | int | None, ...]:
    return (
        message.key,
        message.text,
        int(message.html),
        message.priority,
        int(message.silent),
        time_text(message.created_at),
        json.dumps(message.buttons),
        message.edits,
        message.replies_to,
        None if message.gist is None else json.dumps(asdict(message.gist)),
    )


def _message_of(row: Row) -> OutboxMessage:
    return OutboxMessage(
        key=row["key"],
        text=row["text"],
        html=bool(row["html"]),
        priority=row["priority"],
        silent=bool(row["silent"]),
        created_at=time_of(row["created_at"]),
        buttons=_buttons_of(row["buttons"]),
        edits=row["edits"],
        replies_to=row["replies_to"],
        gist=Gist(**json.loads(row["gist"])) if row["gist"] else None,
    )


def _buttons_of(text: str) -> Buttons:
    return tuple(tuple((label, data, style) for label, data, style in line) for line in json.loads(text))
