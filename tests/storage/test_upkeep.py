"""Backup while running, and the journal's audit."""

from __future__ import annotations

import asyncio
import stat
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.clock import ManualClock
from core.errors import ConfigurationError
from core.facts import PositionSide
from core.ports import ApprovalState, OrderState, PlanState, TradeOrigin
from storage.store import Store
from storage.upkeep import Finding, back_up, check_database
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
