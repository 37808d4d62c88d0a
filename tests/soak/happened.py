"""What was written down as an event is what happened: starts and ends, plans and what they traded, questions."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from core.events import EventKind
from tests.soak.records import Down, reading
from tests.soak.stage import SoakStage

# Of the machine's own time.
STARTS_WITHIN_S = 20.0
WRITTEN_WITHIN_S = 2.0
AFTER_ALL = datetime.max.replace(tzinfo=UTC)
ENDED_STATES = ("expired", "superseded", "voided", "done", "failed", "rejected")


def events_differ(stage: SoakStage, downs: Sequence[Down], began: datetime) -> Iterator[str]:
    """At any moment; what happened just now need not be written yet."""
    with reading(stage.database) as database:
        yield from _lives_differ(database, downs, began, stage)
        written = stage.clock.now() - stage.of_machine(WRITTEN_WITHIN_S)
        yield from _plans_differ(database, written)
        yield from _questions_differ(database, written)


def words_missing(database: Path) -> list[str]:
    """Once all that happened had its time to be written: what was told of plans and questions otherwise than it was."""
    with reading(database) as connection:
        return [*_plans_differ(connection, AFTER_ALL), *_questions_differ(connection, AFTER_ALL)]


def has_begun(stage: SoakStage, since: datetime) -> bool:
    """Whether the life that began then has told that it started."""
    if not stage.database.exists():
        return False
    with reading(stage.database) as database:
        return any(moment >= since for moment in _moments(database, EventKind.STARTED))


def is_stopped(stage: SoakStage) -> bool:
    """Whether any hedge stands still by a person's word."""
    kinds = (EventKind.HALTED.value, EventKind.PAUSED.value, EventKind.RESUMED.value)
    if not stage.database.exists():
        return False
    with reading(stage.database) as database:
        rows = database.execute("SELECT hedge, kind FROM events WHERE kind IN (?, ?, ?) ORDER BY seq", kinds)
        last = {row["hedge"]: row["kind"] for row in rows}
    return any(kind != EventKind.RESUMED.value for kind in last.values())


def _lives_differ(
    database: sqlite3.Connection, downs: Sequence[Down], began: datetime, stage: SoakStage
) -> Iterator[str]:
    """One start to each life, one stop to each that was asked to end, none to one that was killed."""
    starts, stops = _moments(database, EventKind.STARTED), _moments(database, EventKind.STOPPED)
    now = stage.clock.now()
    begins = began
    for down in [*downs, Down(now, "not ended")]:
        ended = down.until or now
        started = _between(starts, begins, down.frm)
        lasted = down.frm - begins > stage.of_machine(STARTS_WITHIN_S)
        if started > 1 or (lasted and not started):
            yield f"the life from {begins:%d %H:%M} on was told as started {started} times"
        stopped = _between(stops, begins, ended)
        if started and down.how in ("SIGTERM", "kill -9") and stopped != (down.how == "SIGTERM"):
            yield f"{down.how} at {down.frm:%d %H:%M} was told as stopped {stopped} times"
        begins = ended


def _plans_differ(database: sqlite3.Connection, until: datetime) -> Iterator[str]:
    """Each plan opened once; executed told once where it traded; failed told where it failed without a trade."""
    opened, executed, failed = (
        _by(database, kind, "plan_id")
        for kind in (EventKind.PLAN_OPENED, EventKind.HEDGE_EXECUTED, EventKind.PLAN_FAILED)
    )
    traded = {row["plan_id"] for row in database.execute("SELECT DISTINCT plan_id FROM attributed_fills")}
    closed = database.execute("SELECT * FROM plans WHERE state <> 'active' AND closed_at < ?", (_text(until),))
    for plan in closed:
        name, wanted = plan["plan_id"], int(plan["plan_id"] in traded)
        if opened[name] != 1:
            yield f"plan {name} was told as opened {opened[name]} times"
        if executed[name] != wanted:
            yield f"plan {name}, which {'traded' if wanted else 'traded nothing'}, was told {executed[name]} times"
        if plan["state"] == "failed" and not wanted and failed[name] != 1:
            yield f"plan {name}, which failed, was told as failed {failed[name]} times"


def _questions_differ(database: sqlite3.Connection, until: datetime) -> Iterator[str]:
    """Each was asked once, and its end was told once."""
    asked = _by(database, EventKind.APPROVAL_ASKED, "approval_id")
    ends = {state: _by(database, EventKind(f"approval_{state}"), "approval_id") for state in ENDED_STATES}
    for row in database.execute("SELECT * FROM approvals WHERE changed_at < ?", (_text(until),)):
        name, state = row["approval_id"], row["state"]
        if asked[name] != 1:
            yield f"question {name} was told as asked {asked[name]} times"
        if state in ends and ends[state][name] != 1:
            yield f"question {name}, {state}, was told so {ends[state][name]} times"


def _moments(database: sqlite3.Connection, kind: EventKind) -> list[datetime]:
    rows = database.execute("SELECT at FROM events WHERE kind = ? ORDER BY seq", (kind.value,))
    return [datetime.fromisoformat(row["at"]) for row in rows]


def _between(moments: Sequence[datetime], begin: datetime, end: datetime) -> int:
    return sum(begin <= moment <= end for moment in moments)


def _by(database: sqlite3.Connection, kind: EventKind, key: str) -> Counter[str]:
    rows = database.execute("SELECT data FROM events WHERE kind = ?", (kind.value,))
    return Counter(json.loads(row["data"]).get(key, "") for row in rows)


def _text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
