"""One program at a time on a database: a lock of the operating system, which the kernel releases however its holder
ends.

The holder has `flock` on `<db>.lock`, exclusively, and writes its pid and what it does into it. Who only asks takes it
as a sharer for an instant; so that this instant cannot turn a starting service away, and nobody reads the name of the
holder before, all do their first step behind a gate, a record lock on the same file.
"""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from core.errors import ConfigurationError
from storage.files import OWNER_ONLY, beside

SIGNED_BYTES = 32
PAUSE_S = 0.05
_TAKEN = (errno.EWOULDBLOCK, errno.EACCES)


# Never set: only waited for.
_PAUSE = threading.Event()


class Holding(StrEnum):
    """What the lock is held for. UPDATE: a service that may still have to bring the schema up."""

    SERVICE = "run"
    UPDATE = "update"
    RESTORE = "restore"
    COMMAND = "command"


class InstanceLock:
    """Held from `acquire` until `release` or the end of the process. The file stays, as its last holder wrote it."""

    def __init__(self, database: Path, holding: Holding = Holding.SERVICE) -> None:
        self._database = real_place(database)
        self._holding = holding
        self._handle: int | None = None

    def acquire(self) -> None:
        """Waits for a command, which writes its row and goes. Raises ConfigurationError when another process, or
        another lock of this one, holds it for longer.
        """
        handle = self._open()
        try:
            while not self._attempt(handle):
                _PAUSE.wait(PAUSE_S)
        except OSError as error:
            os.close(handle)
            raise ConfigurationError(
                f"{self._database} cannot be locked ({error.strerror}): use a local disk"
            ) from error
        except ConfigurationError:
            os.close(handle)
            raise
        self._handle = handle

    def now_for(self, holding: Holding) -> None:
        """Its holder does something else from here on, and whoever asks is told so."""
        assert self._handle is not None
        self._holding = holding
        with _gate(self._handle, fcntl.LOCK_EX):
            _sign(self._handle, holding)

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
            return os.open(_lock_file(self._database), os.O_CREAT | os.O_RDWR, OWNER_ONLY)
        except OSError as error:
            raise ConfigurationError(f"the lock of {self._database} cannot be opened: {error.strerror}") from error

    def _attempt(self, handle: int) -> bool:
        """False while a command holds it. Whoever waits with us and was quicker has signed before we look again."""
        with _gate(handle, fcntl.LOCK_EX):
            if _take(handle, fcntl.LOCK_EX):
                _sign(handle, self._holding)
                return True
            pid, holding = _signed(handle)
        if holding is Holding.RESTORE:
            raise ConfigurationError(
                f"`lp-hedge db restore` (pid {pid}) is under way on {self._database}: wait for its end."
            )
        if holding is not Holding.COMMAND:
            raise ConfigurationError(
                f"another lp-hedge (pid {pid}) already runs on {self._database}: stop it first, or name another "
                "database with --db."
            )
        return False


def held_for(database: Path) -> Holding | None:
    """What the lock of this database is held for now; None: nobody holds it. Raises ConfigurationError when that
    cannot be seen.
    """
    try:
        handle = os.open(_lock_file(real_place(database)), os.O_RDONLY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"the lock of {database} cannot be read: {error.strerror}") from error
    try:
        with _gate(handle, fcntl.LOCK_SH):
            free = _take(handle, fcntl.LOCK_SH)
            holding = None if free else _signed(handle)[1]
            fcntl.flock(handle, fcntl.LOCK_UN)
    finally:
        os.close(handle)
    return holding


def is_running(database: Path) -> bool:
    """Whether a service holds the lock of this database now. Raises ConfigurationError when that cannot be seen."""
    return held_for(database) in (Holding.SERVICE, Holding.UPDATE)


def real_place(database: Path) -> Path:
    """Where the file itself is, when the name is a link to it: what lies beside a database is named by that."""
    return Path(os.path.realpath(database)) if database.is_symlink() else database


def _lock_file(database: Path) -> Path:
    return beside(database, ".lock")


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


def _sign(handle: int, holding: Holding) -> None:
    """Over what stands there, of one length, so that a full disk takes it too."""
    os.pwrite(handle, f"{f'{os.getpid()} {holding}':{SIGNED_BYTES - 1}}\n".encode(), 0)


def _signed(handle: int) -> tuple[str, Holding]:
    """Pid and purpose; an earlier version leaves the second out, and is a service."""
    pid, _, holding = os.pread(handle, SIGNED_BYTES, 0).decode("ascii", "replace").strip().partition(" ")
    return pid or "unknown", Holding(holding) if holding in list(Holding) else Holding.SERVICE
