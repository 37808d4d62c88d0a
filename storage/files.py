"""Files that are their owner's alone, and that outlive a power cut."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import structlog

OWNER_ONLY = 0o600
# What SQLite keeps beside a database, whose mode it gives them.
LOGS = ("-wal", "-shm")

log = structlog.get_logger(__name__)


def beside(path: Path, suffix: str) -> Path:
    """`lp_hedge.db` and `-wal`: `lp_hedge.db-wal` in its folder."""
    return path.with_name(path.name + suffix)


def are_one_file(one: Path, other: Path) -> bool:
    """Under whatever two names; not when either is missing."""
    return one.exists() and other.exists() and one.samefile(other)


def create_private(path: Path) -> None:
    """Empty, mode 0600 whatever the umask. Raises FileExistsError, and OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, OWNER_ONLY))


def make_private(path: Path) -> None:
    """Takes others' rights from a database and its log. Where that is not allowed, a line says so. Opens nothing."""
    for file in (path, *(beside(path, suffix) for suffix in LOGS)):
        try:
            mode = stat.S_IMODE(file.stat().st_mode)
            if mode & ~OWNER_ONLY:
                file.chmod(OWNER_ONLY)
                log.warning("others could read this file, they no longer can", file=str(file), mode=f"{mode:o}")
        except FileNotFoundError:
            continue
        except OSError as error:
            log.warning("others can read this file", file=str(file), why=error.strerror)


def sync_file(path: Path) -> None:
    """Its content is on the disk when this returns."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_directory(directory: Path) -> None:
    """A new file, or a new name, outlives a power cut only once its directory entry is on the disk."""
    sync_file(directory)
