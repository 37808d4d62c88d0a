"""The instance lock within one process; `test_crash.py` has it across processes."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from storage.lock import InstanceLock, is_running


def test_second_lock_is_refused_until_release(path: Path) -> None:
    """Two locks of one database exclude each other, also in one process; two databases do not."""
    first, second = InstanceLock(path), InstanceLock(path)
    first.acquire()
    with pytest.raises(ConfigurationError, match="already runs"):
        second.acquire()
    with InstanceLock(path.with_name("other.db")):
        pass
    first.release()
    first.release()
    with second:
        assert is_running(path)


def test_lock_file_is_private_and_stays(path: Path) -> None:
    """Mode 0600, and not removed: a removed file could be locked twice."""
    with InstanceLock(path):
        pass
    file = path.with_name("lp_hedge.db.lock")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_asking_creates_nothing(path: Path) -> None:
    """Without a lock file nothing runs, and none is made."""
    assert not is_running(path)
    assert not path.parent.exists()


def test_lock_that_cannot_be_made_gives_a_sentence(tmp_path: Path) -> None:
    """A file where the directory should be is the operator's to mend."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        InstanceLock(tmp_path / "file" / "db").acquire()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        is_running(tmp_path / "file" / "db")
