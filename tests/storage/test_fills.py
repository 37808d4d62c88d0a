"""Fills, and the position they add up to."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.errors import InvariantBroken
from core.facts import OrderSide, OrderStatus, PositionSide
from core.ports import LegPositions, OrderState, PlanState, TradeOrigin
from storage.store import Store
from tests.storage.samples import SYMBOL, T0, a_plan, a_report, a_request, a_trade, after, place

OURS, FOREIGN = TradeOrigin.OURS, TradeOrigin.FOREIGN


async def test_fill_is_booked_once(store: Store) -> None:
    """Only fills not yet there come back, and only they change the position."""
    first, second = a_trade(1), a_trade(2, quantity="0.5")
    assert await store.journal.book_trades([(first, OURS)], T0) == (first,)
    assert await store.journal.book_trades([(first, OURS), (second, OURS), (second, OURS)], T0) == (second,)
    assert await store.journal.positions(SYMBOL) == LegPositions(Decimal("-2.0"), Decimal(0), Decimal("2.0"))
    assert await store.journal.last_trade_id(SYMBOL) == 2


async def test_trade_id_with_another_content_is_refused_whole(store: Store) -> None:
    """A trade id that returns as another trade breaks the booking, and nothing of that call stays."""
    await store.journal.book_trades([(a_trade(1), OURS)], T0)
    with pytest.raises(InvariantBroken):
        await store.journal.book_trades([(a_trade(2), OURS), (a_trade(1, quantity="9"), OURS)], T0)
    assert await store.journal.last_trade_id(SYMBOL) == 1


async def test_nothing_booked_is_not_flat(store: Store) -> None:
    """Before any fill or adoption the position is unknown, not zero."""
    assert await store.journal.positions(SYMBOL) is None
    assert await store.journal.last_trade_id(SYMBOL) is None
    await store.journal.book_trades([(a_trade(), FOREIGN)], T0)
    assert await store.journal.positions(SYMBOL) == LegPositions(Decimal(0), Decimal(0), Decimal(0))


async def test_position_counts_own_fills_and_deleveraging(store: Store) -> None:
    """Own and ADL fills add up; a stranger's trade and a liquidation wait for a person."""
    sold, liquidated, deleveraged, foreign = (
        a_trade(1, quantity="3"),
        a_trade(2, venue_order_id=2, side=OrderSide.BUY, quantity="1"),
        a_trade(3, venue_order_id=3, side=OrderSide.BUY, quantity="0.5"),
        a_trade(4, venue_order_id=4, quantity="10"),
    )
    origins = (OURS, TradeOrigin.LIQUIDATION, TradeOrigin.ADL, FOREIGN)
    await store.journal.book_trades(list(zip((sold, liquidated, deleveraged, foreign), origins, strict=True)), T0)
    assert await store.journal.positions(SYMBOL) == LegPositions(Decimal("-2.5"), Decimal("0.0"), Decimal("2.5"))


async def test_hedge_mode_legs_are_kept_apart(store: Store) -> None:
    """A sell on SHORT adds to the short, a sell on LONG takes from the long."""
    trades = [
        a_trade(1, leg=PositionSide.SHORT, quantity="3"),
        a_trade(2, leg=PositionSide.SHORT, side=OrderSide.BUY, quantity="1"),
        a_trade(3, leg=PositionSide.LONG, side=OrderSide.BUY, quantity="5"),
        a_trade(4, leg=PositionSide.LONG, quantity="4"),
    ]
    await store.journal.book_trades([(trade, OURS) for trade in trades], T0)
    assert await store.journal.positions(SYMBOL) == LegPositions(Decimal(-1), Decimal(1), Decimal(2))


async def test_adoption_is_signed_as_the_net_position(store: Store) -> None:
    """Negative adds to a short, on every leg."""
    await store.journal.adopt(SYMBOL, PositionSide.BOTH, Decimal("-0.5"), actor="7", at=T0)
    await store.journal.adopt(SYMBOL, PositionSide.SHORT, Decimal("-0.25"), actor="7", at=T0)
    await store.journal.adopt(SYMBOL, PositionSide.LONG, Decimal("0.1"), actor="7", at=T0)
    assert await store.journal.positions(SYMBOL) == LegPositions(Decimal("-0.65"), Decimal("0.1"), Decimal("0.75"))


async def test_fill_of_our_order_is_ours_whatever_was_said(store: Store) -> None:
    """When the venue's id of the order is known, the journal knows better than the caller."""
    await place(store)
    await store.journal.record_report(a_report(), after(1))
    await store.journal.book_trades([(a_trade(), FOREIGN)], after(2))
    positions = await store.journal.positions(SYMBOL)
    assert positions is not None
    assert positions.net_base == Decimal("-1.5")


async def test_fill_booked_before_its_order_was_known_becomes_ours(store: Store) -> None:
    """An unknown order resolved late claims the fills that were taken for a stranger's, once."""
    await place(store)
    await store.journal.book_trades([(a_trade(), FOREIGN)], after(1))
    assert await store.journal.plan_fills("p1") == ()
    for seconds_s in (2, 3):
        await store.journal.record_report(a_report(), after(seconds_s))
    positions = await store.journal.positions(SYMBOL)
    assert positions is not None
    assert positions.net_base == Decimal("-1.5")
    assert await store.journal.plan_fills("p1") == (a_trade(),)


async def test_plan_fills_are_oldest_first(store: Store) -> None:
    """Fills of all orders of a plan, none of other orders."""
    await place(store)
    await store.journal.record_report(a_report(), after(1))
    late, early = a_trade(1, quantity="1", at=after(5)), a_trade(2, quantity="0.5", at=after(4))
    await store.journal.book_trades([(late, OURS), (early, OURS), (a_trade(3, venue_order_id=1), FOREIGN)], after(6))
    assert await store.journal.plan_fills("p1") == (early, late)


async def test_unapproved_fills_count_by_side_time_and_approval(store: Store) -> None:
    """Notional since a moment, of that side, of plans that nobody approved."""
    for number, approval_id, reason in ((1, None, "band_exceeded"), (2, "a1", "approved"), (3, None, "operator_hedge")):
        await store.journal.open_plan(replace(a_plan(f"p{number}", approval_id=approval_id), reason=reason))
        await store.journal.record_intent(a_request(f"c{number}"), a_plan(f"p{number}"), attempt=1, at=T0)
        await store.journal.record_report(a_report(f"c{number}", venue_order_id=number), T0)
        await store.journal.close_plan(f"p{number}", PlanState.DONE, T0)
    old, counted, approved, commanded = (
        a_trade(1, venue_order_id=1, quantity="0.5", at=after(9)),
        a_trade(2, venue_order_id=1, quantity="0.25", price="600.5", at=after(10)),
        a_trade(3, venue_order_id=2, at=after(11)),
        a_trade(4, venue_order_id=3, at=after(11)),
    )
    await store.journal.book_trades([(trade, OURS) for trade in (old, counted, approved, commanded)], after(12))
    late = await store.journal.unapproved_fills_quote(
        "bnb", after(10), confirmed=["operator_hedge", "operator_flatten"]
    )
    assert late == {OrderSide.SELL: Decimal("150.125"), OrderSide.BUY: 0}
    other = await store.journal.unapproved_fills_quote("eth", after(0), confirmed=())
    assert other == {OrderSide.SELL: 0, OrderSide.BUY: 0}


async def test_recent_fills_name_their_hedge(store: Store) -> None:
    """Newest first; a stranger's fill goes to the hedge that trades its symbol, if one does."""
    elsewhere = replace(a_trade(8, at=after(3)), symbol="DOGEUSDT")
    await place(store)
    await store.journal.record_report(a_report(), after(1))
    foreign = a_trade(2, venue_order_id=5, at=after(2))
    await store.journal.book_trades([(a_trade(), OURS), (foreign, FOREIGN), (elsewhere, FOREIGN)], after(3))
    assert await store.journal.recent_fills(2) == (("", elsewhere), ("bnb", foreign))
    assert await store.journal.recent_fills(9) == (("", elsewhere), ("bnb", foreign), ("bnb", a_trade()))


async def test_sums_keep_every_digit(store: Store) -> None:
    """Huge and tiny amounts add up exactly, far beyond the 28 digits of decimal's default."""
    huge, tiny = "123456789012345678901234567890", "0.000000000000000000000000000001"
    trades = [(a_trade(1, quantity=huge), OURS), (a_trade(2, quantity=tiny), OURS)]
    await store.journal.book_trades(trades, T0)
    positions = await store.journal.positions(SYMBOL)
    assert positions is not None
    assert str(positions.short_base) == huge + tiny[1:]


async def test_scopes_keep_their_own_trade_ids(store: Store, live_store: Store) -> None:
    """A paper trade and a live trade of one number are two trades."""
    await store.journal.book_trades([(a_trade(), OURS)], T0)
    assert await live_store.journal.positions(SYMBOL) is None
    assert await live_store.journal.book_trades([(a_trade(quantity="7"), OURS)], T0)


async def test_a_told_fill_is_booked_with_its_report_in_one_go(store: Store) -> None:
    """The report settles the order only once its fills add up; told again, nothing changes."""
    await place(store)
    partly = a_report(status=OrderStatus.PARTIALLY_FILLED, executed="0.5")
    assert not await store.journal.take_in(partly, a_trade(1, quantity="0.5"), after(1))
    assert not await store.journal.take_in(a_report(), None, after(2))
    (order,) = await store.journal.unsettled_orders(SYMBOL)
    assert (order.state, order.executed_base) == (OrderState.OPEN, Decimal("1.5"))
    assert await store.journal.take_in(a_report(), a_trade(2, quantity="1.0"), after(3))
    assert await store.journal.take_in(a_report(), a_trade(2, quantity="1.0"), after(4))
    assert await store.journal.unsettled_orders(SYMBOL) == ()
    assert await store.journal.positions(SYMBOL) == LegPositions(Decimal("-1.5"), Decimal(0), Decimal("1.5"))


async def test_the_trade_list_confirms_what_was_told(store: Store) -> None:
    """Fee and profit are its words, and only what it listed counts as read."""
    await place(store)
    await store.journal.take_in(a_report(), a_trade(7), after(1))
    assert await store.journal.last_trade_id(SYMBOL) is None
    listed = replace(a_trade(7), fee=Decimal("0.4321"), realised_pnl_quote=Decimal(-3))
    assert await store.journal.book_trades([(a_trade(5, venue_order_id=9), FOREIGN), (listed, OURS)], after(2)) == (
        a_trade(5, venue_order_id=9),
    )
    assert await store.journal.last_trade_id(SYMBOL) == 7
    assert await store.journal.plan_fills("p1") == (listed,)


async def test_a_first_order_opens_its_plan(store: Store) -> None:
    """Both or neither: an id that was used leaves no plan behind."""
    await store.journal.record_intent(a_request(), a_plan(), attempt=1, at=T0)
    assert await store.journal.active_plan("bnb") == a_plan()
    await store.journal.record_state("c1", OrderState.REFUSED, "-2019", after(1))
    await store.journal.close_plan("p1", PlanState.FAILED, after(1))
    with pytest.raises(InvariantBroken):
        await store.journal.record_intent(a_request(), a_plan("p2"), attempt=1, at=T0)
    assert await store.journal.active_plan("bnb") is None
