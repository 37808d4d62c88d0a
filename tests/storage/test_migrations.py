"""Databases of every earlier version, with rows in them, brought to the newest: what they held is there."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import aiosqlite
import pytest
from structlog.testing import capture_logs

from core.clock import ManualClock
from core.errors import ConfigurationError
from storage import schema
from storage.columns import time_text
from storage.database import open_database
from storage.memory import remembered_hedges
from storage.schema import MIGRATIONS, migrations_in, newest_version
from storage.store import Store
from storage.upkeep import check_database
from tests.storage.lived import BEGAN, SCOPE, Life

NEWEST = newest_version()
# What a later version does not keep.
GIVEN_UP = {"account_samples"}


def counts(path: Path) -> dict[str, int]:
    with closing(sqlite3.connect(path)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def size_of(path: Path) -> int:
    return path.stat().st_size


def version_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


async def a_life(path: Path, version: int, *, days: int, hedges: int = 2) -> Life:
    path.parent.mkdir(exist_ok=True)
    life = Life(path, hedges, per_minute=False)
    await life.begin(version)
    life.go_on(days)
    return life


@pytest.mark.parametrize("version", range(1, NEWEST))
async def test_every_earlier_version_is_brought_up(path: Path, version: int) -> None:
    """Each row of each table is there, the journal agrees with itself, and beside it lies what it was before."""
    life = await a_life(path, version, days=40)
    before = counts(path)
    async with await Store.open(path, scope=SCOPE, clock=ManualClock(life.now)) as store:
        first, last = BEGAN, life.now
        assert len(await store.journal.fills_between(first, last)) == before["fills"] == 800
        assert len(await store.series.between("bnb", first, last)) == 960
        assert len(await store.events.recent(hedge=None, limit=9999)) == before["events"]
        assert len(await store.events.recent(hedge="eth", limit=9999)) == 40 * 80
        positions = await store.journal.positions("BNBUSDT")
        assert positions is not None
    after = counts(path)
    assert {name: after.get(name) for name in before if name not in GIVEN_UP | {"meta", "overrides"}} == {
        name: count for name, count in before.items() if name not in GIVEN_UP | {"meta", "overrides"}
    }
    assert not GIVEN_UP & after.keys()
    assert await check_database(path, now=life.now) == ()
    copy = path.with_name(f"{path.name}.v{version}.bak")
    assert (version_of(path), version_of(copy), counts(copy)) == (NEWEST, version, before)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.parametrize("version", range(1, NEWEST))
async def test_what_a_start_asks_first_is_asked_of_every_version(path: Path, version: int) -> None:
    """Which hedges ran, and whether one holds a position: before it may be brought up, and without doing so."""
    await a_life(path, version, days=1)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE leg_totals SET net_base = '0.4'")
        connection.execute("INSERT INTO hedge_memory VALUES (?, 'bnb', '{}', ?)", (SCOPE, time_text(BEGAN)))
    assert await remembered_hedges(path, now=BEGAN) == ("bnb",)
    for scope, holds in ((SCOPE, True), ("live:abcd", False)):
        store = await Store.open_existing(path, scope=scope, clock=ManualClock(BEGAN), of_any_age=True)
        assert store is not None
        async with store:
            assert await store.holds_position() is holds
    assert version_of(path) == version


async def test_a_year_is_brought_up_and_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line before, with how long at most where the file is large, one of the copy, and one for each step."""
    monkeypatch.setattr(schema, "WORTH_A_WORD_MB", 1)
    life = await a_life(path, 1, days=365, hedges=1)
    before = counts(path)
    with capture_logs() as logs:
        async with open_database(path, now=life.now) as database:
            (row,) = await database.rows("SELECT count(*) AS rows FROM events WHERE scope = ?", (SCOPE,))
    assert row["rows"] == before["events"] > 20_000
    said = [(line["event"], line.get("schema")) for line in logs]
    assert said == [
        ("the database is updated", 1),
        ("a copy of it as it was is kept", None),
        *(("the database is updated", version) for version in range(2, NEWEST + 1)),
    ]
    assert "do not end it" in logs[0]["note"]
    assert [each for each in await check_database(path, now=life.now) if each.is_fault] == []


async def test_events_are_given_to_the_run_that_wrote_them(path: Path) -> None:
    """By the mode of the start before them, and the account that this mode had begun by then."""
    life = await a_life(path, 5, days=1, hedges=1)
    live, other = "live:aaaa", "live:bbbb"
    with closing(sqlite3.connect(path)) as connection, connection:
        for number, (scope, mode) in enumerate([(live, "live"), (other, "live"), ("", "paper")], start=2):
            at = BEGAN + timedelta(days=number)
            if scope:
                connection.execute("INSERT INTO meta VALUES (?, ?)", (f"began:{scope}", at.isoformat()))
            for kind, data in (("started", f'{{"mode": "{mode}"}}'), ("paused", "{}")):
                connection.execute(
                    "INSERT INTO events (kind, hedge, at, data) VALUES (?, NULL, ?, ?)", (kind, time_text(at), data)
                )
    times = {SCOPE: [4, 4, 0], live: [2, 2], other: [3, 3]}
    for scope, days in times.items():
        async with await Store.open(path, scope=scope, clock=ManualClock(life.now)) as store:
            told = await store.events.recent_of_the_program(9)
            assert [(event.at - BEGAN).days for event in told] == days
    assert len(events_in(path)) == len(events_in(path.with_name(f"{path.name}.v5.bak")))


def events_in(path: Path) -> list[tuple[int]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute("SELECT seq FROM events").fetchall()


async def test_a_failed_update_leaves_the_rows_of_before(path: Path, tmp_path: Path) -> None:
    """With a step that fails after the good ones: the older file, to the last row, and the next try works."""
    await a_life(path, 3, days=2)
    before = counts(path)
    folder = tmp_path / "broken"
    folder.mkdir()
    for migration in migrations_in(MIGRATIONS):
        (folder / f"{migration.version:04}_known.sql").write_text(migration.sql)
    (folder / f"{NEWEST + 1:04}_bad.sql").write_text("DROP TABLE fills;\nINSERT INTO nowhere VALUES (1);\n")
    with pytest.raises(ConfigurationError, match="nowhere"):
        async with open_database(path, now=BEGAN, migrations=folder):
            pass
    assert (version_of(path), counts(path)) == (3, before)
    async with open_database(path, now=BEGAN):
        pass
    assert version_of(path) == NEWEST


async def test_what_another_process_brought_up_meanwhile_is_left_as_it_is(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its version is read again under the lock: between the first look and that is the copy, which may take long."""
    await a_life(path, 3, days=2)
    copy = schema.copy_database

    async def copied(connection: aiosqlite.Connection, target: Path) -> None:
        await copy(connection, target)
        monkeypatch.setattr(schema, "copy_database", copy)
        async with open_database(path, now=BEGAN):
            pass

    monkeypatch.setattr(schema, "copy_database", copied)
    async with open_database(path, now=BEGAN):
        pass
    assert version_of(path) == NEWEST
    assert not [each for each in await check_database(path, now=BEGAN) if each.is_fault]


async def test_a_file_that_is_mostly_empty_is_made_smaller(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the next start, once, with all that it holds; not where that is little."""
    await a_life(path, NEWEST, days=60)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM events")
        connection.execute("DELETE FROM series")
        connection.execute("DELETE FROM deliveries")
        connection.execute("DELETE FROM outbox")
    before, rows = size_of(path), counts(path)
    async with open_database(path, now=BEGAN):
        pass
    assert size_of(path) == before
    monkeypatch.setattr(schema, "WORTH_IT_PAGES", 100)
    with capture_logs() as logs:
        for _ in range(2):
            async with open_database(path, now=BEGAN):
                pass
    assert [line["event"] for line in logs] == ["the database is made smaller"]
    assert size_of(path) < before / 2 and counts(path) == rows
    assert await check_database(path, now=BEGAN) == ()
