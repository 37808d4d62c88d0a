"""Opening: what is created, what is migrated, what is refused, and that a refused file stays as it was."""

from __future__ import annotations

import errno
import sqlite3
import stat
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.approval_ports import Approvals
from core.clock import ManualClock
from core.errors import ConfigurationError, InvariantBroken
from core.ports import CommandQueue, Confirmations, EventLog, HedgeMemory, Journal, Outbox
from storage.database import open_database
from storage.schema import MIGRATIONS, migrations_in
from storage.store import Store
from tests.storage.samples import SCOPE, SYMBOL, T0, a_plan, after, place

CLOCK = ManualClock(T0)
NEWEST = migrations_in(MIGRATIONS)[-1].version


async def create(path: Path) -> None:
    async with await Store.open(path, scope=SCOPE, clock=CLOCK) as store:
        await place(store)


def content_of(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def write_content(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


async def refusal(path: Path, *, read_only: bool = False) -> str:
    """The sentence of the ConfigurationError that opening raises, after a check that the file is untouched."""
    before = content_of(path)
    with pytest.raises(ConfigurationError) as caught:
        await Store.open(path, scope=SCOPE, clock=CLOCK, read_only=read_only)
    assert content_of(path) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def test_store_satisfies_the_ports(store: Store) -> None:
    """Each attribute is what the core asks for (the type checker's word)."""
    journal: Journal = store.journal
    approvals: Approvals = store.approvals
    outbox: Outbox = store.outbox
    commands: CommandQueue = store.commands
    confirmations: Confirmations = store.confirmations
    memory: HedgeMemory = store.memory
    events: EventLog = store.events
    assert all((journal, approvals, outbox, commands, confirmations, memory, events))


async def test_new_database_is_private(store: Store, path: Path) -> None:
    """Only the owner reads the files or enters the directory that was made."""
    await store.meta.set("a", "b")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_settings_of_the_connection(store: Store, path: Path) -> None:
    """Every commit reaches the disk, references are checked, the log is written ahead and does not stay large, and what
    a file's own schema says is not obeyed.
    """
    settings = {"synchronous": 2, "foreign_keys": 1, "journal_mode": "wal", "trusted_schema": 0, "busy_timeout": 5000}
    of_the_writer = {"journal_size_limit": 64 * 2**20}
    async with store.database.transaction() as tx:
        for pragma, expected in (settings | of_the_writer).items():
            row = await tx.row(f"PRAGMA {pragma}")
            assert row is not None and row[0] == expected, pragma
    for pragma, expected in (settings | {"query_only": 1}).items():
        row = await store.database.row(f"PRAGMA {pragma}")
        assert row is not None and row[0] == expected, pragma


async def test_an_open_database_is_closed_to_others(path: Path) -> None:
    """One that was made with other rights, with its log; a link to it stays what it is."""
    await create(path)
    expose(path)
    async with await Store.open(path, scope=SCOPE, clock=CLOCK) as store:
        await store.meta.set("a", "b")
        expose(path)
        with capture_logs() as logs:
            await (await Store.open(path, scope=SCOPE, clock=CLOCK)).aclose()
        assert {stat.S_IMODE(file.stat().st_mode) for file in beside(path)} == {0o600}
    assert [(line["log_level"], line["mode"]) for line in logs] == [("warning", "644")] * 3


async def test_rights_that_cannot_be_taken_are_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of another owner's file; it works all the same."""
    await create(path)
    expose(path)

    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refused)
    with capture_logs() as logs:
        await (await Store.open(path, scope=SCOPE, clock=CLOCK)).aclose()
    assert {(line["event"], line["why"]) for line in logs} == {("others can read this file", "Operation not permitted")}


def expose(path: Path) -> None:
    for file in beside(path):
        file.chmod(0o644)


def beside(path: Path) -> list[Path]:
    return [*path.parent.glob(f"{path.name}*")]


async def test_every_table_is_strict(store: Store) -> None:
    """A number cannot slip into a text column, nor a text into a number's."""
    rows = await store.database.rows("PRAGMA table_list")
    loose = [row["name"] for row in rows if row["type"] == "table" and not row["strict"]]
    assert [name for name in loose if not name.startswith("sqlite_")] == []


async def test_rows_outlive_the_store(path: Path) -> None:
    """What was written before closing is there after opening."""
    await create(path)
    async with await Store.open(path, scope=SCOPE, clock=CLOCK) as store:
        assert await store.journal.active_plan("bnb") == a_plan()
        assert len(await store.journal.unsettled_orders(SYMBOL)) == 1


async def test_reading_beside_a_running_service(store: Store, path: Path) -> None:
    """A reader sees each commit of the service, and can write nothing."""
    reader = await Store.open_existing(path, scope=SCOPE, clock=CLOCK)
    assert reader is not None
    async with reader:
        assert await reader.journal.active_plan("bnb") is None
        await place(store)
        assert await reader.journal.active_plan("bnb") == a_plan()
        with pytest.raises(InvariantBroken):
            await reader.meta.set("a", "b")


async def test_reading_without_a_service(path: Path) -> None:
    """After a clean stop the file alone is enough."""
    await create(path)
    reader = await Store.open_existing(path, scope=SCOPE, clock=CLOCK)
    assert reader is not None
    async with reader:
        assert await reader.journal.active_plan("bnb") == a_plan()


async def test_reading_creates_nothing(path: Path) -> None:
    """Without a database, or with an empty file, there is nothing to read, and nothing is made."""
    assert await Store.open_existing(path, scope=SCOPE, clock=CLOCK) is None
    with pytest.raises(ConfigurationError, match="no database at"):
        await Store.open(path, scope=SCOPE, clock=CLOCK, read_only=True)
    assert not path.parent.exists()
    write_content(path, b"")
    assert await Store.open_existing(path, scope=SCOPE, clock=CLOCK) is None
    assert content_of(path) == b""


@pytest.mark.parametrize("content", [b"hello", b"x" * 100_000, b"SQLite format 3\x00" + b"\xff" * 5000])
@pytest.mark.parametrize("read_only", [False, True])
async def test_file_that_is_no_database_is_refused(path: Path, content: bytes, read_only: bool) -> None:
    """One sentence, and not a byte changed."""
    write_content(path, bytes(content))
    await refusal(path, read_only=read_only)


async def test_damaged_page_is_refused(path: Path) -> None:
    """A database with garbage in its middle is not opened for writing."""
    await create(path)
    content = bytearray(content_of(path) or b"")
    for page in range(4096, len(content), 4096):
        content[page : page + 64] = b"\xa5" * 64
    write_content(path, bytes(content))
    assert "damaged" in await refusal(path)


async def test_database_of_another_program_is_refused(path: Path) -> None:
    """Somebody else's tables are left alone."""
    path.parent.mkdir()
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE notes (text)")
    foreign.close()
    assert "another program" in await refusal(path)


@pytest.mark.parametrize("read_only", [False, True])
async def test_newer_database_is_refused(path: Path, read_only: bool) -> None:
    """An older program does not guess at a newer file."""
    await create(path)
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {NEWEST + 1}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    assert "newer" in await refusal(path, read_only=read_only)


async def test_directory_in_place_of_the_file_is_refused(tmp_path: Path) -> None:
    """A path that cannot be a file gives a sentence, not a traceback."""
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        await Store.open(tmp_path, scope=SCOPE, clock=CLOCK)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        await Store.open(tmp_path / "file" / "db", scope=SCOPE, clock=CLOCK)


@pytest.fixture
def newer_migrations(tmp_path: Path) -> Path:
    """The program's migrations and one more that it does not have yet."""
    directory = tmp_path / "migrations"
    directory.mkdir()
    for migration in migrations_in(MIGRATIONS):
        (directory / f"{migration.version:04}_known.sql").write_text(migration.sql)
    added = "-- A comment; with ends.\nALTER TABLE plans ADD COLUMN extra TEXT;\nCREATE TABLE more (a TEXT) STRICT;\n"
    (directory / f"{NEWEST + 1:04}_more.sql").write_text(added)
    return directory


async def test_older_database_is_copied_then_migrated(path: Path, newer_migrations: Path) -> None:
    """The rows stay, the version rises, and a copy of the older file is beside it."""
    await create(path)
    async with open_database(path, now=after(1), migrations=newer_migrations) as database:
        assert await database.rows("SELECT extra FROM plans, (SELECT count(*) FROM more)")
        (version,) = await database.rows("PRAGMA user_version")
        assert version[0] == NEWEST + 1
    copy = path.with_name(f"{path.name}.v{NEWEST}.bak")
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    async with await Store.open(copy, scope=SCOPE, clock=CLOCK) as store:
        assert await store.journal.active_plan("bnb") == a_plan()


async def test_failed_migration_leaves_the_older_database(path: Path, newer_migrations: Path) -> None:
    """All of the missing migrations or none of them."""
    await create(path)
    (newer_migrations / f"{NEWEST + 2:04}_bad.sql").write_text(
        "CREATE TABLE good (a TEXT) STRICT;\nINSERT INTO nowhere VALUES (1);\n"
    )
    with pytest.raises(ConfigurationError, match="nowhere"):
        async with open_database(path, now=T0, migrations=newer_migrations):
            pass
    async with await Store.open(path, scope=SCOPE, clock=CLOCK) as store:
        assert await store.journal.active_plan("bnb") == a_plan()


async def test_reading_waits_for_the_migration(path: Path, newer_migrations: Path) -> None:
    """A reader does not migrate; it says what does."""
    await create(path)
    with pytest.raises(ConfigurationError, match="older version"):
        async with open_database(path, now=T0, read_only=True, migrations=newer_migrations):
            pass


async def test_gap_in_the_migrations_is_refused(path: Path, newer_migrations: Path) -> None:
    """A program with a missing migration touches no database."""
    (newer_migrations / f"{NEWEST + 1:04}_more.sql").rename(newer_migrations / f"{NEWEST + 2:04}_more.sql")
    with pytest.raises(ConfigurationError, match="incomplete"):
        async with open_database(path, now=T0, migrations=newer_migrations):
            pass
    assert content_of(path) is None


async def test_path_with_odd_characters(tmp_path: Path) -> None:
    """Spaces, question marks, percent and hash signs in a directory's name are nothing special."""
    await create(tmp_path / "a b?c%20#d" / "lp hedge.db")
    assert (tmp_path / "a b?c%20#d" / "lp hedge.db").stat().st_size > 0
