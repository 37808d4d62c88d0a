"""One SQLite file: opening it safely, reading committed rows, writing in transactions that never mix.

Two connections per process: every write goes through one, guarded by a lock, so that two tasks cannot share a
transaction; reads go through the other and see what is committed only. When a caller is cancelled inside a write, the
write is wholly there or not at all, and the connection is left clean: the connection's thread takes calls in order,
and the rollback is queued before the lock is released.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import aiosqlite

from core.errors import ConfigurationError, InvariantBroken, Transient
from storage.files import beside, create_private, make_private, sync_directory
from storage.schema import MIGRATIONS, copy_database, give_back_space, migrate, migrations_in, version_of
from storage.transaction import all_or_nothing

Value = str | int | None
Values = Sequence[Value]

BUSY_TIMEOUT_MS = 5000
# Read, and made into values, within a few milliseconds.
PAGE = 250
MENDED_BY = "restore a copy with `lp-hedge db restore FILE`"
OLDEST_SQLITE = (3, 37, 0)  # STRICT tables
_MAY_PASS = frozenset(
    (
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_READONLY,  # a disk that was mounted so after an error of its own
    )
)


class Transaction:
    """What may be done inside `Database.transaction`: reads here see the transaction's own writes."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, values: Values = ()) -> int:
        """The number of rows changed."""
        async with self._connection.execute(sql, _storable(values)) as cursor:
            return cursor.rowcount

    async def rows(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """Fetched whole, so for what is short."""
        return list(await self._connection.execute_fetchall(sql, _storable(values)))

    async def row(self, sql: str, values: Values = ()) -> sqlite3.Row | None:
        """The first one; None when there is none."""
        found = await self.rows(sql, values)
        return found[0] if found else None


class Database:
    """An open file. Raises Transient when it is locked, full or cannot be written now; InvariantBroken when a row is
    refused by a constraint or the file is damaged.
    """

    def __init__(self, path: Path, reader: aiosqlite.Connection, writer: aiosqlite.Connection | None) -> None:
        self.path = path
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    async def rows(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """Committed rows, one statement at one moment."""
        with _sorted_errors(self.path):
            return list(await self._reader.execute_fetchall(sql, _storable(values)))

    async def pages(
        self, sql: str, values: Values, *, key: Sequence[str], before: Values
    ) -> AsyncIterator[list[sqlite3.Row]]:
        """What may be long, in parts between which every other reader has its turn, and the event loop too.

        `sql` ends with the rows whose `key` comes after given values, in that order, and a limit; `before`: a key that
        comes before all.
        """
        after = before
        while rows := await self.rows(sql, (*values, *after, PAGE)):
            yield rows
            if len(rows) < PAGE:
                return
            after = tuple(rows[-1][name] for name in key)

    async def row(self, sql: str, values: Values = ()) -> sqlite3.Row | None:
        """The first committed one; None when there is none."""
        found = await self.rows(sql, values)
        return found[0] if found else None

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[None]:
        """All reads inside the block are of one moment. For a database that one task opened for itself: the reads of
        every task are held at that moment.
        """
        with _sorted_errors(self.path):
            await self._reader.execute("BEGIN")
        try:
            yield
        finally:
            await self._reader.rollback()

    async def write(self, sql: str, values: Values = ()) -> int:
        """One statement, durable when this returns; the number of rows changed."""
        connection = self._for_writing()
        async with self._turn:
            with _sorted_errors(self.path):
                return await Transaction(connection).execute(sql, values)

    async def write_returning(self, sql: str, values: Values = ()) -> sqlite3.Row | None:
        """One statement with a RETURNING clause of at most one row, durable when this returns."""
        connection = self._for_writing()
        async with self._turn:
            with _sorted_errors(self.path):
                return await Transaction(connection).row(sql, values)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Of all tasks one at a time; see `all_or_nothing`."""
        connection = self._for_writing()
        async with self._turn:
            with _sorted_errors(self.path):
                async with all_or_nothing(connection):
                    yield Transaction(connection)

    async def backup_to(self, target: Path) -> None:
        """A consistent copy of what is committed, while others go on writing; `copy_database` has the rest."""
        with _sorted_errors(self.path):
            # Nobody keeps a second one of the same name from beginning meanwhile.
            await copy_database(self._reader, target, part=f".{secrets.token_hex(4)}.partial")

    def _for_writing(self) -> aiosqlite.Connection:
        if self._writer is None:
            raise InvariantBroken(f"a row was to be written to {self.path}, which is open for reading only")
        return self._writer


@asynccontextmanager
async def open_database(
    path: Path, *, now: datetime, read_only: bool = False, of_any_age: bool = False, migrations: Path = MIGRATIONS
) -> AsyncIterator[Database]:
    """The database at `path`; for writing it is created (mode 0600) and migrated as needed, `now` stamps that. Whoever
    may migrate it holds the instance lock. `of_any_age`: one to be read is taken as an older program left it.

    Raises ConfigurationError, and leaves the file as it was, when it is no database of ours, damaged, newer than this
    program, or cannot be opened; with `read_only` also when there is none yet or it waits for a migration.
    """
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise ConfigurationError(f"SQLite {sqlite3.sqlite_version} is too old: Python with 3.37 or newer is needed")
    known = migrations_in(migrations)
    _prepare_file(path, create=not read_only)
    async with AsyncExitStack() as stack:
        with _opening_errors(path):
            if read_only:
                reader = await _connect_reader(stack, path)
                version = await version_of(reader, path, known[-1].version)
                if version < known[-1].version and not of_any_age:
                    raise ConfigurationError(f"{path} is of an older version: start `lp-hedge run` once to bring it up")
                database = Database(path, reader, None)
            else:
                writer = await _connect(stack, path, "rw")
                await version_of(writer, path, known[-1].version)
                await _refuse_damaged(writer, path)
                make_private(path)  # once it is known to be ours
                await _use_write_ahead_log(writer, path)
                await migrate(writer, path, known, now)
                await give_back_space(writer, path)
                database = Database(path, await _connect_reader(stack, path), writer)
        yield database


async def copy_whole(source: Path, target: Path) -> None:
    """A copy of a file that nobody has open, of whatever version this program can bring up; see `copy_database`.

    Raises ConfigurationError where that is no whole database of ours, or `target` cannot be written.
    """
    if not has_database(source):
        raise ConfigurationError(f"there is no copy at {source}: name the file that `lp-hedge db backup` wrote")
    async with AsyncExitStack() as stack:
        with _opening_errors(source):
            reader = await _connect_reader(stack, source)
            await version_of(reader, source, migrations_in(MIGRATIONS)[-1].version)
            await _refuse_damaged(reader, source)
            await copy_database(reader, target)


def has_database(path: Path) -> bool:
    """False when there is no file, or one in which nothing was ever written. Raises ConfigurationError."""
    try:
        return path.is_file() and path.stat().st_size > 0
    except OSError as error:
        raise ConfigurationError(f"the database {path} cannot be opened: {error.strerror}") from error


async def _connect(stack: AsyncExitStack, path: Path, mode: str) -> aiosqlite.Connection:
    uri = f"file:{quote(path.as_posix())}?mode={mode}"
    # A failed connect leaves aiosqlite's thread speaking to a loop that may be closed by then: fail before that.
    sqlite3.connect(uri, uri=True).close()
    connection = await stack.enter_async_context(aiosqlite.connect(uri, uri=True, isolation_level=None))
    connection.row_factory = sqlite3.Row
    await connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    await connection.execute("PRAGMA foreign_keys = ON")
    await connection.execute("PRAGMA synchronous = FULL")
    await connection.execute("PRAGMA trusted_schema = OFF")
    return connection


async def _connect_reader(stack: AsyncExitStack, path: Path) -> aiosqlite.Connection:
    reader = await _connect(stack, path, "ro")
    await reader.execute("PRAGMA query_only = ON")
    return reader


async def _refuse_damaged(connection: aiosqlite.Connection, path: Path) -> None:
    (first,) = await connection.execute_fetchall("PRAGMA quick_check(1)")
    if first[0] != "ok":
        raise ConfigurationError(f"{path} is damaged ({first[0]}): {MENDED_BY}")


async def _use_write_ahead_log(connection: aiosqlite.Connection, path: Path) -> None:
    (mode,) = await connection.execute_fetchall("PRAGMA journal_mode = WAL")
    if mode[0] != "wal":
        raise ConfigurationError(f"{path} is on a file system that SQLite cannot use safely: choose a local disk")
    await connection.execute("PRAGMA journal_size_limit = 67108864")


def _prepare_file(path: Path, *, create: bool) -> None:
    """Makes an empty file, and its directory, when asked and there is none.

    An existing file is never opened here: closing it would drop the locks that connections of this very process hold
    on it, as POSIX has it, and SQLite of another process could then take the log away from under us.
    """
    try:
        if create:
            _create_missing(path)
        elif not has_database(path):
            raise ConfigurationError(f"there is no database at {path} yet: start `lp-hedge run`, or name it with --db")
    except FileExistsError:
        if not path.is_file():
            raise ConfigurationError(f"the database {path} cannot be opened: it is no file") from None
    except OSError as error:
        raise ConfigurationError(f"the database {path} cannot be opened: {error.strerror}") from error


def _create_missing(path: Path) -> None:
    if path.exists():
        return
    _refuse_remains(path)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    create_private(path)
    sync_directory(path.parent)


def _refuse_remains(path: Path) -> None:
    """A database that is gone is not begun anew in silence: with it went what was halted, approved and held."""
    for remains in (beside(path, suffix) for suffix in ("-wal", ".restored")):
        if has_database(remains):
            raise ConfigurationError(
                f"{path} is gone, yet {remains.name} is there: `lp-hedge db restore FILE` puts a copy in its place. To "
                f"begin with nothing, move {remains.name} away"
            )


@contextmanager
def _opening_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        if _code(error) == sqlite3.SQLITE_NOTADB:
            raise ConfigurationError(f"{path} is not a database: name another file with --db") from error
        if _code(error) == sqlite3.SQLITE_CORRUPT:
            raise ConfigurationError(f"{path} is damaged ({error}): {MENDED_BY}") from error
        raise ConfigurationError(f"the database {path} cannot be opened: {error}") from error


@contextmanager
def _sorted_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        if _code(error) in _MAY_PASS:
            raise Transient(f"the database {path} cannot be used now: {error}") from error
        raise InvariantBroken(f"the database {path} refused: {error}") from error


def _storable(values: Values) -> Values:
    """Half a surrogate pair, as a foreign message may carry, becomes readable text: it must not fail the row."""
    return [
        value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) and not value.isascii() else value
        for value in values
    ]


def _code(error: sqlite3.Error) -> int | None:
    """The primary result code; errors of the Python module itself carry none."""
    extended: int | None = getattr(error, "sqlite_errorcode", None)
    return None if extended is None else extended & 0xFF
