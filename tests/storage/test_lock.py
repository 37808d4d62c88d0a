"""The instance lock within one process; `test_crash.py` has it across processes."""

from __future__ import annotations

import stat
import threading
from pathlib import Path

import pytest

from bot.database_place import database_path
from core.errors import ConfigurationError
from storage.lock import Holding, InstanceLock, held_for, is_running


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


def test_a_link_leads_to_the_lock_of_the_file(tmp_path: Path) -> None:
    """Two names of one database are one database, to the lock and to what decides where the database is."""
    (tmp_path / "disk").mkdir()
    real, link, further = tmp_path / "disk" / "lp.db", tmp_path / "link.db", tmp_path / "further.db"
    link.symlink_to(real)  # also before there is a file
    further.symlink_to(link)
    for name in (link, further):
        assert database_path(name, None) == real
        with InstanceLock(real), pytest.raises(ConfigurationError, match="already runs"):
            InstanceLock(name).acquire()
        with InstanceLock(name):
            assert is_running(real) and is_running(link)
    assert {file.name for file in tmp_path.rglob("*.lock")} == {"lp.db.lock"}


def test_the_holder_says_what_it_holds_it_for(path: Path) -> None:
    """A restore is no service; a service that is still bringing the schema up is one."""
    for holding, runs, refusal in (
        (Holding.SERVICE, True, "already runs"),
        (Holding.UPDATE, True, "already runs"),
        (Holding.RESTORE, False, "db restore` .* is under way"),
    ):
        with InstanceLock(path, holding) as lock:
            assert (held_for(path), is_running(path)) == (holding, runs)
            with pytest.raises(ConfigurationError, match=refusal):
                InstanceLock(path).acquire()
            lock.now_for(Holding.SERVICE)
            assert held_for(path) is Holding.SERVICE
        assert held_for(path) is None


def test_a_start_waits_for_a_command(path: Path) -> None:
    """That is gone in a moment, and must not turn a service away."""
    command, service = InstanceLock(path, Holding.COMMAND), InstanceLock(path)
    command.acquire()
    starting = threading.Thread(target=service.acquire)
    starting.start()
    starting.join(0.3)
    assert starting.is_alive() and held_for(path) is Holding.COMMAND
    command.release()
    starting.join(60)
    assert held_for(path) is Holding.SERVICE
    service.release()


def test_of_two_starts_that_wait_for_a_command_one_is_refused(path: Path) -> None:
    """And does not wait for as long as the other runs."""
    command, refused, services = (
        InstanceLock(path, Holding.COMMAND),
        list[str](),
        [InstanceLock(path) for _ in range(2)],
    )

    def start(service: InstanceLock) -> None:
        try:
            service.acquire()
        except ConfigurationError as error:
            refused.append(str(error))

    command.acquire()
    starting = [threading.Thread(target=start, args=(service,), daemon=True) for service in services]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join(0.3)
    assert all(thread.is_alive() for thread in starting)
    command.release()
    for thread in starting:
        thread.join(30)
    assert len(refused) == 1 and "already runs" in refused[0] and held_for(path) is Holding.SERVICE
    for service in services:
        service.release()


def test_what_an_earlier_version_holds_is_a_service(path: Path) -> None:
    """It wrote its pid alone."""
    with InstanceLock(path, Holding.RESTORE):
        path.with_name("lp_hedge.db.lock").write_text("4711\n")
        assert is_running(path)
        with pytest.raises(ConfigurationError, match="pid 4711"):
            InstanceLock(path).acquire()
