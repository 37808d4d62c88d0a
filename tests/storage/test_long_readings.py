"""What may be long is read in parts: whole and in order, while other readers have their turns in between."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from core.account_ports import Income
from core.ports import TradeOrigin
from storage import database
from storage.store import Store
from tests.storage.samples import SYMBOL, T0, a_trade, after
from tests.storage.test_series import FULL

ROWS = 7
END = after(100)
Between = Callable[[datetime, datetime], Awaitable[Sequence[object]]]


@pytest.fixture
async def readings(store: Store, monkeypatch: pytest.MonkeyPatch) -> dict[str, Between]:
    """Each with seven rows, of which three are of one moment where that may be; a page holds two."""
    monkeypatch.setattr(database, "PAGE", 2)
    times = [after(second) for second in (1, 2, 2, 2, 3, 4, 5)]
    trades = [a_trade(number, at=at) for number, at in enumerate(times)]
    await store.journal.book_trades([(trade, TradeOrigin.ADL) for trade in reversed(trades)], T0)
    income = [Income("FUNDING_FEE", number, SYMBOL, Decimal(number), "USDT", at) for number, at in enumerate(times)]
    await store.income.book(income, T0)
    for number in range(ROWS):
        await store.series.append(replace(FULL, at=after(number), landmark=True))
    return {
        "fills": store.journal.fills_between,
        "income": store.income.between,
        "series": lambda start, end: store.series.between("bnb", start, end),
        "landmarks": lambda start, end: store.series.between("bnb", start, end, landmarks_only=True),
    }


WHAT = pytest.mark.parametrize("what", ["fills", "income", "series", "landmarks"])


@WHAT
async def test_pages_leave_nothing_out(readings: dict[str, Between], what: str) -> None:
    """Also where many rows are of one moment; the bounds are those of the whole."""
    found = await readings[what](T0, END)
    assert (len(found), len({repr(each) for each in found})) == (ROWS, ROWS)
    times = [getattr(each, "at", None) or each.trade.at for each in found]  # type: ignore[attr-defined]
    assert times == sorted(times)
    assert list(await readings[what](times[1], times[-1])) == list(found[1:-1])
    assert list(await readings[what](END, END + timedelta(1))) == []


@WHAT
async def test_nobody_waits_for_the_end_of_a_long_reading(
    readings: dict[str, Between], store: Store, what: str
) -> None:
    """A hedge that looks for approvals meanwhile is answered first."""
    long = asyncio.ensure_future(readings[what](T0, END))
    await asyncio.sleep(0)
    await store.approvals.live()
    assert not long.done()
    assert len(await long) == ROWS
