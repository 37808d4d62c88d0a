"""`db restore`: a copy in the place of the database, in steps of which each leaves something whole under its name."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import count
from pathlib import Path
from urllib.parse import quote

from core.errors import ConfigurationError
from storage.database import copy_whole, has_database
from storage.files import LOGS, are_one_file, beside, sync_directory
from storage.lock import Holding, InstanceLock, real_place

FRESH = ".restored"


async def restore(path: Path, source: Path, *, now: datetime) -> Path | None:
    """Puts a copy of `source` in the place of `path`, where no service may run, and leaves `source` alone. What was
    there before is kept beside it, under the name given back; None where there was nothing.

    Raises ConfigurationError, with nothing changed, for a `source` that is no whole database of ours.
    """
    path = real_place(path)
    fresh = beside(path, FRESH)
    _require_another(path, source, fresh)
    with InstanceLock(path, Holding.RESTORE):
        try:
            await copy_whole(source, fresh)
            return _put_in_place(path, fresh, now)
        except OSError as error:
            raise ConfigurationError(f"{path} cannot be restored from {source}: {error.strerror}") from error
        finally:
            _tidy_up(path, fresh)


def _require_another(path: Path, source: Path, fresh: Path) -> None:
    if are_one_file(path, source):
        raise ConfigurationError(f"{source} is the database itself: name a copy of it, as `db backup` makes them.")
    if are_one_file(fresh, source):
        raise ConfigurationError(
            f"{source} is what an earlier `db restore` left, and this one would use it up: rename it and restore from "
            "that name, or from the copy that it was made of."
        )


def _put_in_place(path: Path, fresh: Path, now: datetime) -> Path | None:
    """The name is never without a database that it had, nor a database without its log: a kill between any two of
    these lines leaves the old one or the new one.
    """
    if has_database(path) and _is_whole(path):
        _fold_log(path)
    before = _set_aside(path, now)
    for suffix in LOGS:  # left behind, it would be taken for the log of what comes in its place
        beside(path, suffix).unlink(missing_ok=True)
    sync_directory(path.parent)
    fresh.replace(path)
    sync_directory(path.parent)
    return before


def _is_whole(path: Path) -> bool:
    """One that is broken is put aside as it is, its log too: only a reader leaves both alone."""
    try:
        with closing(_connection(path, "ro")) as connection:
            return connection.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:
        return False


def _fold_log(path: Path) -> None:
    """Into the file itself, which is then whole without it.

    Raises ConfigurationError while another program reads it, and when it cannot be written.
    """
    try:
        with closing(_connection(path, "rw")) as connection:
            (is_busy, *_) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.DatabaseError as error:
        raise ConfigurationError(f"the log of {path} cannot be brought to its end: {error}") from error
    if is_busy:
        raise ConfigurationError(f"{path} is being read by another program: wait for its end.")


def _connection(path: Path, mode: str) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(path.as_posix())}?mode={mode}", uri=True)


def _set_aside(path: Path, now: datetime) -> Path | None:
    """A second name for each file that is there."""
    there = [suffix for suffix in ("", *LOGS) if beside(path, suffix).exists()]
    if not there:
        return None
    aside = _free_name(path, there, now)
    for suffix in there:
        os.link(beside(path, suffix), beside(aside, suffix))
    sync_directory(path.parent)
    return aside


def _free_name(path: Path, suffixes: Sequence[str], now: datetime) -> Path:
    """The first under which none of the files with these suffixes is there yet."""
    return next(name for name in _names(path, now) if not any(beside(name, each).exists() for each in suffixes))


def _names(path: Path, now: datetime) -> Iterator[Path]:
    name = beside(path, f".before-{now:%Y%m%dT%H%M%SZ}")
    yield name
    for number in count(2):
        yield beside(name, f".{number}")


def _tidy_up(path: Path, fresh: Path) -> None:
    """After a failure. Where the database is gone the copy stays, and no start makes an empty one in its place."""
    if path.exists():
        fresh.unlink(missing_ok=True)
