"""Backup while running, the way back, and the journal's audit."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import ConfigurationError
from core.facts import PositionSide
from core.ports import ApprovalState, OrderState, PlanState, TradeOrigin
from storage.lock import InstanceLock
from storage.restoring import restore
from storage.store import Store
from storage.upkeep import Finding, back_up, check_database
from tests.storage.lived import Life
from tests.storage.samples import SCOPE, SYMBOL, T0, a_plan, a_report, a_trade, after, an_approval, place

OURS = TradeOrigin.OURS


async def findings(store: Store) -> list[Finding]:
    return list(await check_database(store.database.path, now=T0))


def modes(directory: Path, pattern: str) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in directory.glob(pattern)}


async def hedge_once(store: Store) -> None:
    """An approved plan, its order, fills and adoption, all in step."""
    await store.approvals.propose(replace(an_approval(), state=ApprovalState.EXECUTING))
    await store.journal.open_plan(a_plan(approval_id="a1"))
    await place(store)
    await store.journal.record_report(a_report(), after(1))
    await store.journal.book_trades([(a_trade(1, quantity="1"), OURS), (a_trade(2, quantity="0.5"), OURS)], after(1))
    await store.journal.adopt(SYMBOL, PositionSide.SHORT, Decimal("-0.1"), actor="7", at=after(2))
    await store.approvals.use("a1", Decimal("1.5"))
    await store.journal.close_plan("p1", PlanState.DONE, after(2))


async def test_backup_while_writing(store: Store, tmp_path: Path) -> None:
    """The copy is consistent and private, holds what was committed before, and the service goes on."""
    await hedge_once(store)
    writes = [asyncio.create_task(store.memory.save("bnb", str(n), T0)) for n in range(50)]
    await back_up(store.database.path, tmp_path / "copy.db", now=T0)
    await asyncio.gather(*writes)
    assert await check_database(tmp_path / "copy.db", now=T0) == ()
    assert modes(tmp_path, "copy*") == {"copy.db": 0o600}
    async with await Store.open(tmp_path / "copy.db", scope=SCOPE, clock=ManualClock(T0)) as copy:
        assert await copy.journal.positions(SYMBOL) == await store.journal.positions(SYMBOL)


async def test_backup_overwrites_nothing(store: Store, path: Path, tmp_path: Path) -> None:
    """An existing target, one that cannot be written, and a missing source are refused with a sentence."""
    with pytest.raises(ConfigurationError, match="exists already"):
        await back_up(path, path, now=T0)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        await back_up(path, tmp_path / "nowhere" / "copy.db", now=T0)
    with pytest.raises(ConfigurationError, match="no database"):
        await back_up(tmp_path / "none.db", tmp_path / "copy.db", now=T0)


async def test_sound_journal_has_no_findings(store: Store) -> None:
    """A hedge booked through the ports passes its own audit."""
    assert await findings(store) == []
    await hedge_once(store)
    assert await findings(store) == []


@pytest.mark.parametrize(
    ("damage", "check"),
    [
        ("UPDATE orders SET executed_base = '1.4'", "orders"),
        ("UPDATE orders SET executed_base = '1.6'", "orders"),
        ("UPDATE orders SET state = 'open'", "plans"),
        ("UPDATE approvals SET used_base = '1.6'", "approvals"),
        ("UPDATE approvals SET quantity_base = '1.4'", "approvals"),
        ("UPDATE approvals SET state = 'rejected'", "approvals"),
        ("UPDATE leg_totals SET net_base = '-9' WHERE leg = 'SHORT'", "positions"),
        ("DELETE FROM leg_totals WHERE leg = 'BOTH'", "positions"),
        ("DELETE FROM fills WHERE trade_id = 2", "positions"),
        ("UPDATE orders SET venue_order_id = 9", "fills"),
    ],
)
async def test_each_disagreement_is_found(store: Store, damage: str, check: str) -> None:
    """Whatever of the journal is changed behind its back, a fault names it."""
    await hedge_once(store)
    await store.database.write(damage)
    found = await findings(store)
    assert check in {finding.check for finding in found if finding.is_fault}


async def test_unfinished_work_is_told_apart_from_faults(store: Store) -> None:
    """A plan without orders and an order of unknown outcome are worth knowing, not wrong."""
    await store.journal.open_plan(a_plan())
    (finding,) = await findings(store)
    assert (finding.check, finding.is_fault) == ("plans", False)
    await place(store)
    await store.journal.record_state("c1", OrderState.UNKNOWN, "timeout", after(1))
    (finding,) = await findings(store)
    assert (finding.check, finding.is_fault) == ("orders", False)


async def test_fill_not_counted_under_its_approval_is_only_noted(store: Store) -> None:
    """After a crash between the two the approval is read with the larger figure, so nothing is wrong."""
    await hedge_once(store)
    await store.database.write("UPDATE approvals SET used_base = '1.4'")
    (finding,) = await findings(store)
    assert (finding.check, finding.is_fault) == ("approvals", False)


async def test_check_does_not_need_a_service(path: Path) -> None:
    """Missing: a sentence. Stopped: an answer."""
    with pytest.raises(ConfigurationError, match="no database"):
        await check_database(path, now=T0)
    async with await Store.open(path, scope=SCOPE, clock=ManualClock(T0)) as store:
        await hedge_once(store)
    assert await check_database(path, now=T0) == ()


def spoil(path: Path, page: int) -> None:
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 : (page - 1) * 4096 + 64] = b"\xa5" * 64
    path.write_bytes(content)


async def test_damaged_file_is_a_finding(path: Path) -> None:
    """A page of garbage is reported as such, and nothing is concluded from it."""
    async with await Store.open(path, scope=SCOPE, clock=ManualClock(T0)) as store:
        await hedge_once(store)
        (table,) = await store.database.rows("SELECT rootpage FROM sqlite_schema WHERE name = 'fills'")
    spoil(path, table["rootpage"])
    found = await check_database(path, now=T0)
    assert {(finding.check, finding.is_fault) for finding in found} == {("file", True)}


async def test_restore_puts_the_copy_in_place_and_keeps_what_was_there(path: Path, tmp_path: Path) -> None:
    """With the log that a kill left behind, which must not be read into the copy; the copy itself is not touched."""
    copy = tmp_path / "copy.db"
    async with await Store.open(path, scope=SCOPE, clock=ManualClock(T0)) as store:
        await hedge_once(store)
        await back_up(path, copy, now=T0)
        await store.meta.set("later", "yes")
        for suffix in ("", "-wal", "-shm"):  # as a kill leaves them
            shutil.copy(path.with_name(path.name + suffix), tmp_path / f"left{suffix}")
    for suffix in ("", "-wal", "-shm"):
        shutil.move(tmp_path / f"left{suffix}", path.with_name(path.name + suffix))
    whole = copy.read_bytes()
    before = await restore(path, copy, now=T0)
    assert before == path.with_name("lp_hedge.db.before-20260301T120000Z") and copy.read_bytes() == whole
    assert await check_database(path, now=T0) == () == await check_database(before, now=T0)
    for file, later in ((path, None), (before, "yes")):
        async with await Store.open(file, scope=SCOPE, clock=ManualClock(T0)) as store:
            assert await store.meta.get("later") == later
            assert await store.journal.positions(SYMBOL) is not None
    assert set(modes(path.parent, "*").values()) == {0o600}


async def test_restore_of_an_older_copy_to_nothing(path: Path, tmp_path: Path) -> None:
    """A copy that an older program made is brought up at the next start."""
    life = Life(tmp_path / "old.db", hedges=1, per_minute=False)
    await life.begin(version=2)
    life.go_on(1)
    assert await restore(path, life.path, now=T0) is None
    async with await Store.open(path, scope=SCOPE, clock=ManualClock(T0)) as store:
        assert len(await store.journal.recent_fills(99)) == 10


async def test_restore_refuses_with_nothing_changed(store: Store, path: Path, tmp_path: Path) -> None:
    """While a service runs; from no file, from something else, from a damaged copy, or one of a newer program."""
    await hedge_once(store)
    copy = tmp_path / "copy.db"
    await back_up(path, copy, now=T0)
    with InstanceLock(path), pytest.raises(ConfigurationError, match="already runs"):
        await restore(path, copy, now=T0)
    with pytest.raises(ConfigurationError, match="there is no copy at"):
        await restore(path, tmp_path / "none.db", now=T0)
    for spoilt, match in ((b"hello" * 999, "not a database"), (copy.read_bytes()[:-9000], "damaged")):
        (tmp_path / "spoilt.db").write_bytes(spoilt)
        with pytest.raises(ConfigurationError, match=match):
            await restore(path, tmp_path / "spoilt.db", now=T0)
    with closing(sqlite3.connect(copy)) as newer:
        newer.execute("PRAGMA user_version = 999")
    with pytest.raises(ConfigurationError, match="newer"):
        await restore(path, copy, now=T0)
    assert {file.name for file in path.parent.iterdir()} == {
        "lp_hedge.db",
        "lp_hedge.db-wal",
        "lp_hedge.db-shm",
        "lp_hedge.db.lock",
    }
    assert await store.journal.positions(SYMBOL) is not None


@pytest.mark.parametrize("umask", [0o022, 0o000])
async def test_every_file_is_its_owner_s_alone(tmp_path: Path, umask: int) -> None:
    """Database, log, lock, backup, the copy before an update, and what is restored, whatever the umask."""
    earlier = os.umask(umask)
    try:
        folder = tmp_path / "data"
        folder.mkdir()
        life = Life(folder / "lp_hedge.db", hedges=1, per_minute=False)
        await life.begin(version=4)
        life.go_on(1)
        async with await Store.open(life.path, scope=SCOPE, clock=ManualClock(T0)) as store:
            await store.meta.set("a", "b")
            await back_up(life.path, folder / "copy.db", now=T0)
            running = modes(folder, "*.db*")
        await restore(life.path, folder / "copy.db", now=T0)
        stopped = modes(folder, "*.db*")
    finally:
        os.umask(earlier)
    assert {"lp_hedge.db-wal", "lp_hedge.db-shm", "copy.db", "lp_hedge.db.v4.bak"} <= running.keys()
    assert "lp_hedge.db.lock" in stopped and any(".before-" in name for name in stopped)
    assert {*running.values(), *stopped.values()} == {0o600}


async def test_a_copy_is_on_the_disk_before_it_is_told(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First its content, then its name: a power cut after "complete" leaves it."""
    synced: list[tuple[int, bool]] = []
    copy, sync = tmp_path / "copy.db", os.fsync

    def noted(handle: int) -> None:
        synced.append((os.fstat(handle).st_ino, copy.exists()))
        sync(handle)

    monkeypatch.setattr(os, "fsync", noted)
    await back_up(store.database.path, copy, now=T0)
    assert synced == [(inode(copy), False), (inode(tmp_path), True)]


async def test_two_copies_of_one_name_at_once(store: Store, tmp_path: Path) -> None:
    """Neither takes from the other what it writes."""
    copy = tmp_path / "copy.db"
    await asyncio.gather(*(back_up(store.database.path, copy, now=T0) for _ in range(2)))
    assert await check_database(copy, now=T0) == () and modes(tmp_path, "copy*").keys() == {"copy.db"}


async def test_a_copy_to_a_disk_that_is_read_only_is_one_sentence(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taking away what could not be written fails in the same way, and is no news."""

    def read_only(path: Path, **_: bool) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr("storage.schema.create_private", read_only)
    monkeypatch.setattr(Path, "unlink", read_only)
    with pytest.raises(ConfigurationError, match="copy.db cannot be written: Read-only file system"):
        await back_up(store.database.path, tmp_path / "copy.db", now=T0)


def inode(path: Path) -> int:
    return path.stat().st_ino


async def test_a_copy_of_what_is_written_all_the_time(store: Store, tmp_path: Path) -> None:
    """Each of several copies is whole and sound and holds what was booked before it was begun."""
    written: list[int] = []

    async def write() -> None:
        for number in range(1, 1_000_000):
            trade = a_trade(number, venue_order_id=number, quantity="0.001")
            await store.journal.book_trades([(trade, TradeOrigin.ADL)], T0)
            written.append(number)

    writing = asyncio.create_task(write())
    for number in range(3):
        while len(written) < 20 * (number + 1):
            await asyncio.sleep(0.001)
        before, copy = len(written), tmp_path / f"copy{number}.db"
        await back_up(store.database.path, copy, now=T0)
        assert await check_database(copy, now=T0) == ()
        async with await Store.open(copy, scope=SCOPE, clock=ManualClock(T0)) as copied:
            fills = await copied.journal.recent_fills(1_000_000)
        assert len(fills) >= before and {fill.trade_id for _, fill in fills} == set(range(1, len(fills) + 1))
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
