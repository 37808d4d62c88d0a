"""Income: what goes in comes out, once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.account_ports import Income, IncomeBook
from core.errors import InvariantBroken
from storage.store import Store
from tests.storage.samples import SYMBOL, T0, after

PAID = Income("FUNDING_FEE", 8082457372019390060, SYMBOL, Decimal("-0.04618913"), "USDT", T0)


async def test_the_store_satisfies_the_ports(store: Store) -> None:
    """The type checker's word."""
    income: IncomeBook = store.income
    assert income


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
