"""One service per database: a lock of the operating system, which the kernel releases however its holder ends.

The service holds `flock` on `<db>.lock`, exclusively. Who only asks takes it as a sharer for an instant; so that this
instant cannot turn a starting service away, both do their first step behind a gate, a record lock on the same file.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from core.errors import ConfigurationError

_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)


class InstanceLock:
    """Held from `acquire` until `release` or the end of the process. The file stays and names the last holder's pid."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._handle: int | None = None

    def acquire(self) -> None:
        """Raises ConfigurationError when another process, or another lock of this one, holds it."""
        handle = self._open()
        try:
            with _gate(handle, fcntl.LOCK_EX):
                taken = not _take(handle, fcntl.LOCK_EX)
            if taken:
                raise ConfigurationError(
                    f"another lp-hedge (pid {_pid_in(handle)}) already runs on {self._database}: stop it first, or "
                    "name another database with --db."
                )
            os.ftruncate(handle, 0)
            os.pwrite(handle, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(handle)
            raise ConfigurationError(
                f"{self._database} cannot be locked ({error.strerror}): use a local disk"
            ) from error
        except ConfigurationError:
            os.close(handle)
            raise
        self._handle = handle

    def release(self) -> None:
        """Leaves the file: removing it would let two processes lock two files of one name."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _open(self) -> int:
        try:
            self._database.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return os.open(_lock_file(self._database), os.O_CREAT | os.O_RDWR, 0o600)
        except OSError as error:
            raise ConfigurationError(f"the lock of {self._database} cannot be opened: {error.strerror}") from error


def is_running(database: Path) -> bool:
    """Whether a service holds the lock of this database now. Raises ConfigurationError when that cannot be seen."""
    try:
        handle = os.open(_lock_file(database), os.O_RDONLY)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise ConfigurationError(f"the lock of {database} cannot be read: {error.strerror}") from error
    try:
        with _gate(handle, fcntl.LOCK_SH):
            free = _take(handle, fcntl.LOCK_SH)
            fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)
    return not free


def _lock_file(database: Path) -> Path:
    return database.with_name(database.name + ".lock")


@contextmanager
def _gate(handle: int, kind: int) -> Iterator[None]:
    """Waits for whoever is inside, which is never longer than one attempt."""
    fcntl.lockf(handle, kind)
    try:
        yield
    finally:
        fcntl.lockf(handle, fcntl.LOCK_UN)


def _take(handle: int, kind: int) -> bool:
    try:
        fcntl.flock(handle, kind | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in _TAKEN:
            raise
        return False
    return True


def _pid_in(handle: int) -> str:
    return os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
