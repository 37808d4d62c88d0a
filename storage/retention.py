"""What is not kept for ever: forgotten or thinned out in portions so small that nobody waits for one.

Plans, orders, fills, adoptions, approvals, commands, audit, income, holdings and every event but changes of decision
are kept for ever.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from storage.columns import time_of, time_text
from storage.database import Database, Values
from storage.outbox import BOARD_KEY

MOST_FORGOTTEN = 200
MOST_HOURS = 3
# Tables of what comes to an end, with their key and when it did.
FINISHED = (
    ("outbox", "seq", "finished_at", f"key <> '{BOARD_KEY}'"),
    ("confirmations", "token", "expires_at", "TRUE"),
    ("events", "seq", "at", "kind = 'decision_changed'"),
)
OF_HEDGE = "FROM series WHERE scope = ? AND hedge = ? AND at >= ? AND at < ?"


async def forget_finished(database: Database, before: datetime, *, most: int = MOST_FORGOTTEN) -> int:
    """Deletes delivered messages, old questions and changes of decision that were over before; the number of rows
    deleted, of each kind at most `most`: call it until there are none.
    """
    at, deleted = time_text(before), 0
    async with database.transaction() as tx:
        for table, key, end, chosen in FINISHED:
            deleted += await tx.execute(
                f"DELETE FROM {table} WHERE {key} IN (SELECT {key} FROM {table} WHERE {end} < ?"  # noqa: S608
                f" AND {chosen} ORDER BY {end} LIMIT ?)",
                (at, most),
            )
    return deleted


async def thin_series(database: Database, before: datetime, *, hours: int = MOST_HOURS) -> int:
    """Leaves of the readings of each hour that was over before: its landmarks, by which long periods are told, and the
    last of each quarter, with which a day ends in whatever timezone. At most so many hours of each hedge; the number
    of hedges that had any: call it until there are none.
    """
    horizon, thinned = before.replace(minute=0, second=0, microsecond=0), 0
    for hedge in await _hedges(database):
        thinned += await _thin(database, hedge, horizon, hours)
    return thinned


async def newest_reading(database: Database) -> datetime | None:
    """Of all hedges; None when there was never one."""
    newest = None
    for hedge in await _hedges(database):
        row = await database.row("SELECT max(at) AS at FROM series WHERE scope = ? AND hedge = ?", hedge)
        newest = max(filter(None, (newest, row and row["at"])))
    return time_of(newest) if newest else None


async def _thin(database: Database, hedge: tuple[str, str], horizon: datetime, hours: int) -> bool:
    """Goes on where it ended, which is noted with what it deletes."""
    note = f"thinned:{hedge[0]}:{hedge[1]}"
    found = await database.row("SELECT value FROM meta WHERE key = ?", (note,))
    since = found["value"] if found else ""
    if since > time_text(horizon):  # noted by a clock that was set back since
        since = time_text(horizon)
        await database.write("UPDATE meta SET value = ? WHERE key = ?", (since, note))
    oldest = await database.row(f"SELECT min(at) AS at {OF_HEDGE}", (*hedge, since, time_text(horizon)))
    if oldest is None or oldest["at"] is None:
        return False
    start = time_of(oldest["at"]).replace(minute=0, second=0, microsecond=0)
    end = min(start + timedelta(hours=hours), horizon)
    span: Values = (*hedge, time_text(start), time_text(end))
    async with database.transaction() as tx:
        await tx.execute(
            f"DELETE {OF_HEDGE} AND landmark = 0 AND at NOT IN"
            f" (SELECT max(at) {OF_HEDGE} GROUP BY substr(at, 1, 13), substr(at, 15, 2) / 15)",
            (*span, *span),
        )
        await tx.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (note, time_text(end)),
        )
    return True


async def _hedges(database: Database) -> list[tuple[str, str]]:
    """(scope, hedge) of all that have readings, each found by the index: counting them all takes seconds."""
    found: list[tuple[str, str]] = []
    after: tuple[str, str] = ("", "")
    while row := await database.row(
        "SELECT scope, hedge FROM series WHERE (scope, hedge) > (?, ?) ORDER BY scope, hedge LIMIT 1", after
    ):
        after = (row["scope"], row["hedge"])
        found.append(after)
    return found
