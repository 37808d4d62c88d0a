"""Numbered migrations: which there are, and bringing a database to the newest in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiosqlite
import structlog

from core.errors import ConfigurationError
from storage.columns import time_text
from storage.files import beside, create_private, sync_directory, sync_file
from storage.transaction import all_or_nothing

MIGRATIONS = Path(__file__).parent / "migrations"
WORTH_A_WORD_MB = 50
# 64 MB.
WORTH_IT_PAGES = 16384
APPLICATION_ID = 0x6C706864  # "lphd": tells our files from other programs' databases
_WRITING = frozenset(
    (
        sqlite3.SQLITE_IOERR_WRITE,
        sqlite3.SQLITE_IOERR_FSYNC,
        sqlite3.SQLITE_IOERR_DIR_FSYNC,
        sqlite3.SQLITE_IOERR_TRUNCATE,
    )
)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Migration:
    version: int
    sql: str


def migrations_in(directory: Path) -> tuple[Migration, ...]:
    """Files `NNNN_name.sql`, numbered from 1 without a gap."""
    found = tuple(
        Migration(int(file.name[:4]), file.read_text(encoding="utf-8"))
        for file in sorted(directory.glob("[0-9][0-9][0-9][0-9]_*.sql"))
    )
    if not found or [migration.version for migration in found] != list(range(1, len(found) + 1)):
        raise ConfigurationError(f"the program's migrations in {directory} are incomplete: install it again")
    return found


def newest_version() -> int:
    """The schema that every open database has."""
    return migrations_in(MIGRATIONS)[-1].version


async def version_of(connection: aiosqlite.Connection, path: Path, newest: int) -> int:
    """The file's schema version, 0 for an empty one.

    Raises ConfigurationError for another program's database and for one newer than `newest`.
    """
    version = await _pragma(connection, "user_version")
    application = await _pragma(connection, "application_id")
    tables = await connection.execute_fetchall("SELECT 1 FROM sqlite_schema LIMIT 1")
    if tables and application != APPLICATION_ID:
        raise ConfigurationError(f"{path} is a database of another program: name another file with --db")
    if version > newest:
        raise ConfigurationError(
            f"{path} was written by a newer lp-hedge (schema {version}, {newest} is known here): update the program"
        )
    return version


async def migrate(
    connection: aiosqlite.Connection, path: Path, migrations: tuple[Migration, ...], now: datetime
) -> None:
    """All missing migrations, or none. An older file is first copied to `<db>.v<version>.bak`.

    The version is read again under the write lock, as another process may have migrated meanwhile.
    """
    newest = migrations[-1].version
    before = await version_of(connection, path, newest)
    if before == newest:
        return
    if before > 0:
        log.info("the database is updated", schema=before, to=newest, note=_patience(_megabytes(path)))
        copy = beside(path, f".v{before}.bak")
        await copy_database(connection, copy)
        log.info("a copy of it as it was is kept", copy=str(copy))
    async with all_or_nothing(connection):
        current = await version_of(connection, path, newest)
        for migration in migrations[current:]:
            if current > 0:
                log.info("the database is updated", schema=migration.version)
            for statement in _statements(migration.sql):
                await connection.execute(statement)
        await connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        await connection.execute(f"PRAGMA user_version = {newest}")
        await connection.execute(
            "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
            (f"schema.{newest}.applied_at", time_text(now)),
        )


async def give_back_space(connection: aiosqlite.Connection, path: Path) -> None:
    """Makes a large file smaller of which most is empty, as after an update that keeps less. Takes as long as what is
    left is large; where it cannot be done now it is left for another time.
    """
    pages, free = await _pragma(connection, "page_count"), await _pragma(connection, "freelist_count")
    if free < WORTH_IT_PAGES or free < pages / 2:
        return
    log.info("the database is made smaller", megabytes=_megabytes(path), empty=f"{100 * free // pages} %")
    try:
        await connection.execute("VACUUM")
        await connection.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        log.warning("the database could not be made smaller, which does no harm", why=str(error))


async def copy_database(connection: aiosqlite.Connection, target: Path, *, part: str = ".partial") -> None:
    """What is committed now, as one file without a log beside it, mode 0600, which appears whole or not at all.

    Takes the place of an earlier `target`. `part`: what its name ends in until it is whole.
    Raises ConfigurationError when that cannot be written.
    """
    partial = beside(target, part)
    try:
        partial.unlink(missing_ok=True)
        create_private(partial)
        async with aiosqlite.connect(partial) as copy:
            await connection.backup(copy)
            await copy.execute("PRAGMA journal_mode = DELETE")
        sync_file(partial)
        partial.replace(target)
        sync_directory(target.parent)
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}") from error
    except sqlite3.OperationalError as error:
        if not _is_of_writing(error):
            raise
        raise ConfigurationError(f"{target} cannot be written: {error}") from error
    finally:
        for file in (partial, beside(partial, "-journal")):
            with suppress(OSError):  # a disk that cannot be written has nothing to take away
                file.unlink(missing_ok=True)


def _is_of_writing(error: sqlite3.OperationalError) -> bool:
    """Of the copy then, as what it is made of is only read."""
    code = getattr(error, "sqlite_errorcode", 0)
    return code in _WRITING or code & 0xFF in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)


async def _pragma(connection: aiosqlite.Connection, name: str) -> int:
    (row,) = await connection.execute_fetchall(f"PRAGMA {name}")
    return int(row[0])


def _megabytes(path: Path) -> int:
    return path.stat().st_size // 1_000_000


def _patience(megabytes: int) -> str:
    if megabytes < WORTH_A_WORD_MB:
        return ""
    return f"{megabytes} MB: this takes up to {1 + megabytes // 1000} minutes, do not end it"


def _statements(script: str) -> Iterator[str]:
    """One by one, as `executescript` would commit before it begins."""
    gathered = ""
    for line in script.splitlines(keepends=True):
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""
