"""Income and account samples: what goes in comes out, once; and a database of version 1 keeps all it held."""

from __future__ import annotations

import shutil
import sqlite3
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from core.account_ports import AccountSample, AccountSamples, Income, IncomeBook
from core.clock import ManualClock
from core.errors import InvariantBroken
from storage.database import open_database
from storage.schema import MIGRATIONS, migrations_in
from storage.store import Store
from storage.upkeep import check_database
from tests.storage.samples import SCOPE, SYMBOL, T0, after

PAID = Income("FUNDING_FEE", 8082457372019390060, SYMBOL, Decimal("-0.04618913"), "USDT", T0)
SAMPLE = AccountSample(
    symbol=SYMBOL,
    at=T0,
    position_base=Decimal("-1.50"),
    mark_price=Decimal("600.1234567890123456789012345678901"),
    margin_balance_quote=Decimal(1000),
    maintenance_margin_quote=Decimal("4.5"),
    available_quote=Decimal(800),
    liquidation_price=None,
    funding_rate=Decimal("-0.00012345"),
    next_funding_at=after(3600),
)


async def test_the_store_satisfies_the_ports(store: Store) -> None:
    """The type checker's word."""
    income: IncomeBook = store.income
    samples: AccountSamples = store.samples
    assert income and samples


async def test_a_row_is_booked_once(store: Store, live_store: Store) -> None:
    """By kind and number; another kind, another scope has its own of the same number."""
    fee = replace(PAID, kind="COMMISSION", at=after(1))
    assert await store.income.book([PAID, PAID], T0) == 1
    assert await store.income.book([replace(PAID, amount=Decimal(7)), fee], after(2)) == 1
    assert await store.income.between(T0, after(9)) == (PAID, fee)
    assert await store.income.between(T0, after(1)) == (PAID,)
    assert await store.income.newest_at() == after(1)
    assert await live_store.income.newest_at() is None
    assert await live_store.income.book([PAID], T0) == 1


async def test_all_rows_or_none(store: Store) -> None:
    """A row that cannot be stored leaves no half of its page behind: it would be taken for read."""
    broken = replace(PAID, income_id=2, amount=Decimal("NaN"))
    with pytest.raises(InvariantBroken):
        await store.income.book([PAID, broken], T0)
    assert await store.income.newest_at() is None


async def test_samples_are_read_by_range(store: Store, live_store: Store) -> None:
    """With every digit; no liquidation price stays none; the same moment once."""
    later = replace(SAMPLE, at=after(60), liquidation_price=Decimal("812.5"))
    for sample in (SAMPLE, later, later, replace(SAMPLE, symbol="ETHUSDT")):
        await store.samples.append(sample)
    assert await store.samples.between(SYMBOL, T0, after(61)) == (SAMPLE, later)
    assert await store.samples.between(SYMBOL, after(1), after(60)) == ()
    assert await live_store.samples.between(SYMBOL, T0, after(61)) == ()


async def test_a_database_of_version_1_is_brought_up(tmp_path: Path) -> None:
    """What it held is there, the new tables are, and beside it lies what it was before."""
    path, first = tmp_path / "lp_hedge.db", tmp_path / "migrations"
    first.mkdir()
    shutil.copy(MIGRATIONS / "0001_initial.sql", first)
    async with open_database(path, now=T0, migrations=first) as database:
        await database.write("INSERT INTO meta (key, value) VALUES ('began', 'once')")
        await database.write(
            "INSERT INTO plans (scope, plan_id, hedge, symbol, side, quantity_base, reduce_only, reason, gap_base,"
            " reference_price, created_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'active')",
            (SCOPE, "p1", "bnb", SYMBOL, "SELL", "1", 0, "band_exceeded", "-1", "600", "2026-01-01T00:00:00.000000Z"),
        )
    async with await Store.open(path, scope=SCOPE, clock=ManualClock(T0)) as store:
        assert await store.meta.get("began") == "once"
        plan = await store.journal.active_plan("bnb")
        assert plan is not None and plan.plan_id == "p1"
        assert await store.income.book([PAID], T0) == 1
        await store.samples.append(SAMPLE)
    assert (version(path), version(tmp_path / "lp_hedge.db.v1.bak")) == (migrations_in(MIGRATIONS)[-1].version, 1)
    assert [each for each in await check_database(path, now=T0) if each.is_fault] == []


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(found)
