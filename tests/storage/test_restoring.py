"""`db restore` with what a kill, a missing file, damage, a reader or a full disk leave it: never half of anything."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import ConfigurationError
from storage.lock import held_for
from storage.restoring import restore
from storage.store import Store
from storage.upkeep import back_up, check_database
from tests.storage.samples import SCOPE, T0
from tests.storage.test_upkeep import hedge_once, spoil

CLOCK = ManualClock(T0)
LOGS = ("-wal", "-shm")
ROWS = 400


@pytest.fixture
async def copy(tmp_path: Path, path: Path) -> Path:
    """Of the database before "later" was written; beside it are now the file and the log that a kill left."""
    target = tmp_path / "copy.db"
    async with await Store.open(path, scope=SCOPE, clock=CLOCK) as store:
        await hedge_once(store)
        await back_up(path, target, now=T0)
        for number in range(ROWS):
            await store.meta.set(f"{number}", "written since " * 20)
        await store.meta.set("later", "yes")
        left = shutil.copytree(path.parent, tmp_path / "left")
    shutil.rmtree(path.parent)
    left.rename(path.parent)
    return target


def remove(file: Path) -> None:
    file.unlink()


def files(folder: Path) -> set[Path]:
    return {*folder.rglob("*")}


async def later(path: Path) -> str | None:
    """Of a database that is sound: "yes" in what was there before, None in the copy."""
    async with await Store.open(path, scope=SCOPE, clock=CLOCK) as store:
        assert len(await store.journal.recent_fills(9)) == 2
        found = await store.meta.get("later")
    assert await check_database(path, now=T0) == ()
    return found


def killed_at_every_step(path: Path, copy: Path) -> list[Path]:
    """The database of each, the last one not killed."""
    child = [sys.executable, "-m", "tests.storage.restorer", str(path.parent), str(copy)]
    done = subprocess.run(child, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    folders = sorted(path.parent.parent.glob("data.*"), key=lambda folder: int(folder.suffix[1:]))
    return [folder / path.name for folder in folders]


async def test_a_kill_leaves_the_old_or_the_new(path: Path, copy: Path) -> None:
    """After every step: under its name lies one of the two, whole and with its log, and a second try succeeds."""
    found = []
    for database in killed_at_every_step(path, copy):
        again = shutil.copytree(database.parent, database.parent.with_suffix(".again")) / path.name
        found.append(await later(database))
        shutil.rmtree(database.parent)
        before = await restore(again, copy, now=T0)
        assert before is not None and await later(again) is None
        assert {await later(file) for file in again.parent.glob("*.before-*Z*") if file.suffix not in LOGS} >= {"yes"}
        shutil.rmtree(again.parent)
    assert found == sorted(found, key=lambda each: each is None)
    assert len(found) > 6 and {"yes", None} == set(found)


async def test_a_log_without_its_database_is_set_aside(path: Path, copy: Path) -> None:
    """Not read into the copy; and killed amid it, no start makes an empty database of what is there."""
    remove(path)
    log = path.with_name("lp_hedge.db-wal").read_bytes()
    assert len(log) > 100_000
    with pytest.raises(ConfigurationError, match=r"is gone, yet lp_hedge.db-wal is there: `lp-hedge db restore FILE`"):
        await Store.open(path, scope=SCOPE, clock=CLOCK)
    *killed, whole = killed_at_every_step(path, copy)
    for database in killed:
        if not database.exists():
            with pytest.raises(ConfigurationError, match="is gone, yet"):
                await Store.open(database, scope=SCOPE, clock=CLOCK)
            assert not database.exists()
            await restore(database, copy, now=T0)
        assert await later(database) is None
    assert not killed[0].with_name("lp_hedge.db.before-20260301T120000Z").exists() and len(killed) > 6
    assert await later(whole) is None
    assert whole.with_name("lp_hedge.db.before-20260301T120000Z-wal").read_bytes() == log


async def test_a_damaged_database_is_set_aside_with_its_log(path: Path, copy: Path) -> None:
    """That is what one restores for."""
    damage = b"\xa5" * 8192
    for file in (path, path.with_name("lp_hedge.db-wal")):
        file.write_bytes(damage)
    before = await restore(path, copy, now=T0)
    assert before is not None and before.read_bytes() == damage
    assert before.with_name(f"{before.name}-wal").read_bytes() == damage
    assert await later(path) is None
    assert list(path.parent.glob("*.restored*")) == []


async def test_nothing_is_replaced_under_a_reader(path: Path, copy: Path) -> None:
    """Whoever reads the old one must not meet the new one's log; once it has gone, it works."""
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM meta").fetchall()
        with pytest.raises(ConfigurationError, match="is being read by another program"):
            await restore(path, copy, now=T0)
        assert list(path.parent.glob("*.restored*")) == []
    assert await later(path) == "yes"
    await restore(path, copy, now=T0)
    assert await later(path) is None


async def test_each_restore_keeps_what_was_there(path: Path, copy: Path) -> None:
    """Two within one second too."""
    first = await restore(path, copy, now=T0)
    second = await restore(path, copy, now=T0)
    assert first is not None and second is not None and first != second
    assert [await later(first), await later(second), await later(path)] == ["yes", None, None]


@contextmanager
def files_end_at(kilobytes: int) -> Iterator[None]:
    """As on a disk that is full: what is written beyond is refused."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_full_disk_is_named_and_not_left_fuller(path: Path, copy: Path, tmp_path: Path) -> None:
    """The file that could not be written, not the one it was to be made of; what was begun of it is gone."""
    target, before = tmp_path / "second.db", files(tmp_path)
    with files_end_at(64):
        with pytest.raises(ConfigurationError, match=rf"^{target} cannot be written"):
            await back_up(path, target, now=T0)
        with pytest.raises(ConfigurationError, match=rf"^{path}.restored cannot be written"):
            await restore(path, copy, now=T0)
    assert files(tmp_path) - {path.with_name("lp_hedge.db.lock")} == before
    assert held_for(path) is None and await later(path) == "yes"


async def test_a_copy_that_cannot_be_put_in_place_is_taken_away(
    path: Path, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where a file system has no second names."""

    def refused(*_: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    with pytest.raises(ConfigurationError, match=r"cannot be restored from .*: Operation not permitted"):
        await restore(path, copy, now=T0)
    assert list(path.parent.glob("*.restored*")) == [] and await later(path) == "yes"


async def test_what_is_no_copy_is_said(path: Path, copy: Path, tmp_path: Path) -> None:
    """A name that leads nowhere, an empty file, a damaged one."""
    (tmp_path / "empty.db").touch()
    for name in ("none.db", "empty.db"):
        with pytest.raises(ConfigurationError, match=rf"there is no copy at {tmp_path / name}: name the file that"):
            await restore(path, tmp_path / name, now=T0)
    spoil(copy, 3)
    with pytest.raises(ConfigurationError, match="copy.db is damaged"):
        await restore(path, copy, now=T0)
    assert await later(path) == "yes"


async def test_the_database_is_no_copy_of_itself(path: Path, copy: Path) -> None:
    """By whatever name; it stays as it is."""
    (path.parent / "other-name.db").symlink_to(path)
    for source in (path, path.parent / "other-name.db"):
        with pytest.raises(ConfigurationError, match="is the database itself: name a copy"):
            await restore(path, source, now=T0)
    assert await later(path) == "yes" and not list(path.parent.glob("*.before-*"))


@pytest.mark.parametrize("is_gone", [True, False])
async def test_what_an_earlier_one_left_is_no_source_under_its_name(path: Path, copy: Path, *, is_gone: bool) -> None:
    """It would be used up; renamed it serves as any copy."""
    left = path.with_name("lp_hedge.db.restored")
    shutil.copy(copy, left)
    if is_gone:
        remove(path)
    there = sorted(file.name for file in path.parent.iterdir())
    with pytest.raises(ConfigurationError, match=r"lp_hedge.db.restored is what an earlier .* rename it"):
        await restore(path, left, now=T0)
    assert sorted(file.name for file in path.parent.iterdir()) == there
    await restore(path, left.rename(path.with_name("copy.db")), now=T0)
    assert await later(path) is None and path.with_name("copy.db").exists()
