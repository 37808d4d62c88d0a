"""The series: what goes in comes out, with what the hedge was made of at the time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.account_ports import HeldLiquidity, SeriesBook, Snapshot
from core.facts import OrderSide
from core.ports import BookedFill, TradeOrigin
from storage.store import Store
from tests.storage.samples import SYMBOL, T0, a_report, a_trade, after, place

HELD = (
    HeldLiquidity(7, True, 18, 6, -202_560, -198_080, 2**127, Decimal(0), Decimal("1E-6")),
    HeldLiquidity(2**200, False, 18, 6, -10, 10, 0, Decimal("0.000000000000000001"), Decimal(0)),
)
FULL = Snapshot(
    hedge="bnb",
    at=T0,
    price=Decimal("600.1234567890123456789012345"),
    mark_price=Decimal("600.1"),
    lp_base=Decimal("1.000000000000000001"),
    lp_quote=Decimal("2.500000"),
    fee_base=Decimal("0E-18"),
    fee_quote=Decimal(0),
    perp_base=Decimal("-1.0"),
    symbol=SYMBOL,
    held=HELD,
)


async def test_the_store_satisfies_the_port(store: Store) -> None:
    """The type checker's word."""
    series: SeriesBook = store.series
    assert series


async def test_what_is_held_is_carried_on(store: Store, live_store: Store) -> None:
    """Written once while it stays the same, and known of every later snapshot, wherever one begins to read."""
    less = (HELD[0],)
    snapshots = [replace(FULL, at=after(n), held=HELD if n < 3 else less) for n in range(6)]
    for snapshot in snapshots:
        await store.series.append(snapshot)
    assert len(await store.database.rows("SELECT * FROM holdings")) == 2
    assert await store.series.between("bnb", after(0), after(9)) == tuple(snapshots)
    assert await store.series.between("bnb", after(1), after(3)) == tuple(snapshots[1:3])
    assert await store.series.between("bnb", after(5), after(6)) == (snapshots[5],)
    assert await live_store.series.between("bnb", after(0), after(9)) == ()


async def test_the_newest_until_a_moment(store: Store) -> None:
    """That moment included; none before the first."""
    first, second = FULL, replace(FULL, at=after(60))
    for snapshot in (first, second):
        await store.series.append(snapshot)
    assert await store.series.newest("bnb", after(59)) == first
    assert await store.series.newest("bnb", after(60)) == second
    assert await store.series.newest("bnb", after(-1)) is None


async def test_a_snapshot_can_become_a_landmark(store: Store) -> None:
    """And stays one; landmarks can be read alone."""
    for snapshot in (FULL, replace(FULL, landmark=True), FULL, replace(FULL, at=after(60))):
        await store.series.append(snapshot)
    assert await store.series.between("bnb", T0, after(99), landmarks_only=True) == (replace(FULL, landmark=True),)
    assert len(await store.series.between("bnb", T0, after(99))) == 2


async def test_fills_by_time_with_origin_and_arrival(store: Store) -> None:
    """Of our orders with the price of their plan; a stranger's goes to the hedge that trades the symbol."""
    await place(store)
    await store.journal.record_report(a_report(), T0)
    ours, foreign = a_trade(1, at=after(5)), a_trade(2, venue_order_id=999, side=OrderSide.BUY, at=after(4))
    await store.journal.book_trades([(ours, TradeOrigin.OURS), (foreign, TradeOrigin.FOREIGN)], after(6))
    assert await store.journal.fills_between(after(4), after(6)) == (
        BookedFill("bnb", TradeOrigin.FOREIGN, foreign, None),
        BookedFill("bnb", TradeOrigin.OURS, ours, Decimal("600.25")),
    )
    assert await store.journal.fills_between(after(0), after(4)) == ()
