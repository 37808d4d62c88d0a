"""Transactions of concurrent tasks do not mix, and a cancelled one leaves nothing half done."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from core.errors import InvariantBroken, Transient
from core.ports import TradeOrigin
from storage import database as database_module
from storage.database import Transaction
from storage.store import Store
from tests.storage.samples import SYMBOL, T0, a_message, a_trade, after

NOTE = "INSERT INTO meta (key, value) VALUES (?, ?)"


async def notes(store: Store) -> set[str]:
    return {row["key"] for row in await store.database.rows("SELECT key FROM meta WHERE key LIKE 'n%'")}


async def write_pair(store: Store, name: str, *, fail: bool = False) -> None:
    async with store.database.transaction() as tx:
        await tx.execute(NOTE, (f"n{name}.1", ""))
        await asyncio.sleep(0.001)
        await tx.execute(NOTE, (f"n{name}.2", ""))
        if fail:
            raise ValueError(name)


async def test_failing_transaction_takes_nothing_else_with_it(store: Store) -> None:
    """Of twenty tasks at once, each odd one failing at its end, the even ones' rows are there, whole."""
    results = await asyncio.gather(
        *(write_pair(store, str(n), fail=n % 2 == 1) for n in range(20)), return_exceptions=True
    )
    assert sum(isinstance(result, ValueError) for result in results) == 10
    assert await notes(store) == {f"n{n}.{part}" for n in range(0, 20, 2) for part in (1, 2)}


async def test_single_write_does_not_join_an_open_transaction(store: Store) -> None:
    """A write of another task beside an open transaction is durable although that one is undone."""
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def undone() -> None:
        async with store.database.transaction() as tx:
            await tx.execute(NOTE, ("n1", ""))
            inside.set()
            await go_on.wait()
            raise ValueError

    transaction = asyncio.create_task(undone())
    await inside.wait()
    write = asyncio.create_task(store.meta.set("n2", ""))
    await asyncio.sleep(0.01)
    go_on.set()
    await asyncio.gather(transaction, write, return_exceptions=True)
    assert await notes(store) == {"n2"}


async def test_reads_see_only_what_is_committed(store: Store) -> None:
    """Another task's unfinished transaction is invisible, to others of this process too."""
    async with store.database.transaction() as tx:
        await tx.execute(NOTE, ("n1", ""))
        assert await notes(store) == set()
        assert await tx.row("SELECT 1 FROM meta WHERE key = 'n1'") is not None
    assert await notes(store) == {"n1"}


@pytest.mark.parametrize("turns", range(0, 40, 3))
async def test_cancelled_transaction_is_whole_or_absent(store: Store, turns: int) -> None:
    """Wherever a task is cancelled, its two rows are both there or both not, and the next write works."""

    async def fill_in(tx: Transaction) -> None:
        await tx.execute(NOTE, ("n1", ""))
        await tx.execute(NOTE, ("n2", ""))

    async def transaction() -> None:
        async with store.database.transaction() as tx:
            await fill_in(tx)

    task = asyncio.create_task(transaction())
    for _ in range(turns):
        await asyncio.sleep(0.0002)
    task.cancel()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await store.meta.set("n3", "")
    assert await notes(store) in ({"n3"}, {"n1", "n2", "n3"})


async def test_cancelled_booking_leaves_fills_and_position_in_step(store: Store) -> None:
    """A booking cancelled at any point can simply be made again."""
    trades = [(a_trade(number, quantity="0.1"), TradeOrigin.OURS) for number in range(1, 11)]
    for turns in range(12):
        task = asyncio.create_task(store.journal.book_trades(trades, T0))
        await asyncio.sleep(0.0005 * turns)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await store.journal.book_trades(trades, T0)
    positions = await store.journal.positions(SYMBOL)
    assert positions is not None
    assert str(positions.net_base) == "-1.0"


async def test_file_locked_by_another_process_is_transient(store: Store, path: Path) -> None:
    """While somebody else holds the write lock too long nothing was done; later the same call works."""
    async with store.database.transaction() as tx:
        await tx.execute(f"PRAGMA busy_timeout = {database_module.BUSY_TIMEOUT_MS // 100}")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(Transient):
        await store.outbox.put(a_message())
    with pytest.raises(Transient):
        await write_pair(store, "1")
    holder.execute("ROLLBACK")
    holder.close()
    await store.outbox.put(a_message())
    assert await store.outbox.backlog() == 1


async def test_full_disk_is_transient(store: Store) -> None:
    """A write that finds no room is undone; once there is room the same call works."""
    async with store.database.transaction() as tx:
        pages = await tx.row("PRAGMA page_count")
        assert pages is not None
        await tx.execute(f"PRAGMA max_page_count = {pages[0]}")
    with pytest.raises(Transient, match="full"):
        await store.memory.save("bnb", "x" * 100_000, T0)
    assert await store.memory.load("bnb") is None
    async with store.database.transaction() as tx:
        await tx.execute("PRAGMA max_page_count = 100000")
    await store.memory.save("bnb", "x" * 100_000, T0)


async def test_half_a_surrogate_pair_is_kept_readable(store: Store) -> None:
    """Text that is not valid Unicode does not fail the row that carries it."""
    await store.memory.save("bnb", "ö \ud83d 🐻", T0)
    assert await store.memory.load("bnb") == "ö \\ud83d 🐻"


async def test_bad_rows_break_an_invariant(store: Store) -> None:
    """A constraint says no, also for a value that is no amount and a time without a zone."""
    with pytest.raises(InvariantBroken):
        await store.database.write("INSERT INTO leg_totals VALUES ('s', 'X', 'NOWHERE', '0')")
    with pytest.raises(InvariantBroken):
        await store.journal.book_trades([(a_trade(quantity="NaN"), TradeOrigin.OURS)], T0)
    with pytest.raises(InvariantBroken):
        await store.memory.save("bnb", "{}", after(1).replace(tzinfo=None))
