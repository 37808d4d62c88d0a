"""Plans and orders: what was intended, what became of it."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.errors import InvariantBroken
from core.facts import OrderSide, OrderStatus, OrderType, PositionSide, TimeInForce
from core.ports import OrderState, PlanState
from storage.store import Store
from tests.storage.samples import SYMBOL, T0, a_plan, a_report, a_request, after, place


async def test_active_plan_comes_back_as_it_was_opened(store: Store) -> None:
    """A plan is found by its hedge until it is closed."""
    await store.journal.open_plan(a_plan())
    assert await store.journal.active_plan("bnb") == a_plan()
    assert await store.journal.active_plan("eth") is None
    await store.journal.close_plan("p1", PlanState.DONE, after(1))
    assert await store.journal.active_plan("bnb") is None
    assert await store.journal.plan("p1") == replace(a_plan(), state=PlanState.DONE)


async def test_hedge_has_one_active_plan(store: Store) -> None:
    """A second plan beside an active one is refused, another hedge is free."""
    await store.journal.open_plan(a_plan())
    with pytest.raises(InvariantBroken):
        await store.journal.open_plan(a_plan("p2"))
    await store.journal.open_plan(a_plan("p3", hedge="eth"))


async def test_plan_ends_once(store: Store) -> None:
    """The same end again is fine; another end, and an end of no plan, are not."""
    await store.journal.open_plan(a_plan())
    await store.journal.close_plan("p1", PlanState.CANCELLED, after(1))
    await store.journal.close_plan("p1", PlanState.CANCELLED, after(2))
    for plan_id, state in (("p1", PlanState.DONE), ("nope", PlanState.DONE), ("p1", PlanState.ACTIVE)):
        with pytest.raises(InvariantBroken):
            await store.journal.close_plan(plan_id, state, after(3))


async def test_intent_is_an_unsettled_order(store: Store) -> None:
    """An intent is there with everything that will be sent."""
    request = replace(
        a_request(),
        order_type=OrderType.LIMIT,
        price=Decimal("600.10"),
        time_in_force=TimeInForce.GTX,
        position_side=PositionSide.SHORT,
        reduce_only=True,
    )
    await store.journal.open_plan(a_plan())
    await store.journal.record_intent(request, a_plan(), attempt=3, at=T0)
    (order,) = await store.journal.unsettled_orders(SYMBOL)
    assert order == await store.journal.order("c1")
    assert (order.request, order.state, order.attempt) == (request, OrderState.INTENT, 3)
    assert (order.executed_base, order.venue_order_id, order.recorded_at) == (Decimal(0), None, T0)


async def test_client_order_id_is_never_used_again(store: Store, live_store: Store) -> None:
    """Also when the order is long settled, under another plan, and in another scope of the database."""
    await place(store)
    await store.journal.record_state("c1", OrderState.REFUSED, "-2019", after(1))
    await store.journal.close_plan("p1", PlanState.FAILED, after(1))
    with pytest.raises(InvariantBroken):
        await place(store, plan_id="p2")
    with pytest.raises(InvariantBroken):
        await place(live_store)


async def test_order_needs_its_plan(store: Store) -> None:
    """An intent under a plan that is not in the journal is refused."""
    with pytest.raises(InvariantBroken):
        await store.journal.record_intent(a_request(), a_plan("p9"), attempt=2, at=T0)


async def test_unknown_stays_unsettled_until_reported(store: Store) -> None:
    """An unknown outcome waits with its detail; a report of the venue settles it."""
    await place(store)
    await store.journal.record_state("c1", OrderState.UNKNOWN, "timeout", after(1))
    (waiting,) = await store.journal.unsettled_orders()
    assert (waiting.state, waiting.detail) == (OrderState.UNKNOWN, "timeout")
    await store.journal.record_report(a_report(), after(2))
    assert await store.journal.unsettled_orders() == ()
    settled = await store.journal.order("c1")
    assert settled is not None
    assert (settled.state, settled.venue_order_id, settled.executed_base) == (OrderState.FINAL, 7001, Decimal("1.5"))


async def test_final_order_waits_for_its_fills(store: Store) -> None:
    """Final at the venue and not wholly booked is unsettled here; a later word to that effect does not reopen it."""
    await place(store)
    await store.journal.record_report(a_report(), after(1), booked=False)
    (waiting,) = await store.journal.unsettled_orders()
    assert (waiting.state, waiting.executed_base) == (OrderState.OPEN, Decimal("1.5"))
    await store.journal.record_report(a_report(), after(2))
    await store.journal.record_report(a_report(), after(3), booked=False)
    assert await store.journal.unsettled_orders() == ()


async def test_executed_quantity_never_falls(store: Store) -> None:
    """A late report of an earlier moment changes neither the quantity nor a final state."""
    await place(store)
    await store.journal.record_report(a_report(status=OrderStatus.PARTIALLY_FILLED, executed="1.0"), after(1))
    await store.journal.record_report(a_report(status=OrderStatus.CANCELED, executed="1.2"), after(2))
    await store.journal.record_report(a_report(status=OrderStatus.PARTIALLY_FILLED, executed="0.4"), after(3))
    order = await store.journal.order("c1")
    assert order is not None
    assert (order.state, order.executed_base) == (OrderState.FINAL, Decimal("1.2"))


@pytest.mark.parametrize("late", [OrderState.UNKNOWN, OrderState.INTENT, OrderState.OPEN])
async def test_settled_order_is_not_reopened_by_our_own_word(store: Store, late: OrderState) -> None:
    """A time-out noticed after the order was reported final changes nothing."""
    await place(store)
    await store.journal.record_report(a_report(), after(1))
    await store.journal.record_state("c1", late, "late", after(2))
    order = await store.journal.order("c1")
    assert order is not None
    assert (order.state, order.detail) == (OrderState.FINAL, "")


@pytest.mark.parametrize("state", [OrderState.REFUSED, OrderState.ABSENT])
@pytest.mark.parametrize("executed", ["0", "0.1"])
async def test_an_order_that_was_told_of_is_not_absent(store: Store, state: OrderState, executed: str) -> None:
    """Also one without fills: it rests, whatever its POST was answered."""
    await place(store)
    assert await store.journal.record_state("c1", OrderState.UNKNOWN, "timed out", after(1))
    status = OrderStatus.PARTIALLY_FILLED if Decimal(executed) else OrderStatus.NEW
    await store.journal.record_report(a_report(status=status, executed=executed), after(1))
    before = await store.journal.order("c1")
    assert not await store.journal.record_state("c1", state, "-2013", after(2))
    assert await store.journal.order("c1") == before


async def test_absent_order_that_shows_up_is_seen(store: Store) -> None:
    """The venue's report of an order we took for absent wins: resting, it waits to be dealt with again."""
    await place(store)
    await store.journal.record_state("c1", OrderState.ABSENT, "three queries", after(1))
    await store.journal.record_report(a_report(status=OrderStatus.NEW, executed="0"), after(2))
    (order,) = await store.journal.unsettled_orders(SYMBOL)
    assert order.state is OrderState.OPEN


async def test_report_of_another_order_is_refused(store: Store) -> None:
    """Side and venue order id must be those of the order recorded under the id; unknown ids are refused too."""
    await place(store)
    await store.journal.record_report(a_report(), after(1))
    for wrong in (a_report(side=OrderSide.BUY), a_report(venue_order_id=7002), a_report("c2")):
        with pytest.raises(InvariantBroken):
            await store.journal.record_report(wrong, after(2))
    with pytest.raises(InvariantBroken):
        await store.journal.record_state("c2", OrderState.OPEN, "", after(2))


async def test_orders_are_listed_by_plan_symbol_and_venue_id(store: Store) -> None:
    """Orders of a plan come in the order of their intents; venue ids lead back to ours."""
    await place(store, "c1")
    await place(store, "c2")
    await store.journal.record_report(a_report("c2", venue_order_id=9), after(1))
    assert [order.request.client_order_id for order in await store.journal.plan_orders("p1")] == ["c1", "c2"]
    assert [order.request.client_order_id for order in await store.journal.unsettled_orders(SYMBOL)] == ["c1"]
    assert await store.journal.unsettled_orders("ETHUSDT") == ()
    assert await store.journal.own_venue_order_ids(SYMBOL) == {9: "c2"}


async def test_scopes_do_not_see_each_other(store: Store, live_store: Store) -> None:
    """Going live inherits nothing from paper."""
    await place(store)
    assert await live_store.journal.active_plan("bnb") is None
    assert await live_store.journal.order("c1") is None
    assert await live_store.journal.unsettled_orders() == ()
    with pytest.raises(InvariantBroken):
        await live_store.journal.record_report(a_report(), after(1))
