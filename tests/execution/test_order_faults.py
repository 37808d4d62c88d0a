"""Every fault of an order's request, before and after it was executed: the hedge gets there, and nothing is doubled."""

from __future__ import annotations

import itertools
from decimal import Decimal
from pathlib import Path

import pytest

from core.events import EventKind
from core.ports import OrderState
from tests.execution import troubles
from tests.execution.stage import Stage
from tests.execution.world import HEDGED, SYMBOL, Setting, World
from tests.rigs.venue import PLACE, QUERY, Fault, faults

# A minute without an answer is for tests whose time is not real.
UNKNOWN = [fault for fault in troubles.UNKNOWN if fault.hold_s < 60]
NOT_ACCEPTED = [
    faults.unavailable_503(),
    faults.unavailable_503_plain(),
    faults.internal_503(),
    faults.throttled_503(),
    faults.rate_limited_429(),
    faults.rate_limited_429(None),
    faults.too_many_orders_1015(),
    faults.banned_418(),
    faults.firewall_403(),
]
REFUSED = [
    faults.error(400, -2018, "Balance is insufficient."),
    faults.error(400, -2019, "Margin is insufficient."),
    faults.error(400, -2022, "ReduceOnly Order is rejected."),
    faults.error(400, -4164, "Order's notional must be no smaller than 20 (unless you choose reduce only)."),
    faults.error(400, -1111, "Precision is over the maximum defined for this asset."),
    faults.error(400, -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit"),
    faults.error(401, -2015, "Invalid API-key, IP, or permissions for action."),
]


def named(fault: Fault) -> str:
    return f"{fault.name} {fault.body[:40]}"


@pytest.mark.parametrize("fault", UNKNOWN, ids=named)
async def test_executed_and_the_answer_lost(setting: Setting, world: World, fault: Fault) -> None:
    """The order is found by query; no second one is sent."""
    setting.server.faults.add(PLACE, fault.after())
    await world.until_hedged()
    assert setting.position == HEDGED
    assert len(setting.sent()) == 1
    await world.check_settled()


@pytest.mark.parametrize("fault", UNKNOWN, ids=named)
async def test_lost_before_it_was_executed(setting: Setting, world: World, fault: Fault) -> None:
    """It is proved absent first, then one with a new id is sent."""
    setting.server.faults.add(PLACE, fault.before())
    await world.until_hedged()
    first, second = await world.orders()
    assert (first.state, second.state) == (OrderState.ABSENT, OrderState.FINAL)
    assert (second.recorded_at - first.recorded_at).total_seconds() >= 10
    assert setting.sent() == [first.request.client_order_id, second.request.client_order_id]
    assert setting.position == HEDGED
    await world.check_settled()


@pytest.mark.parametrize("fault", UNKNOWN[:3], ids=named)
async def test_unknown_is_told_and_resolved(setting: Setting, world: World, fault: Fault) -> None:
    """The operator hears that an outcome is unknown, and how it ended; meanwhile nothing is decided but to wait."""
    setting.server.faults.add(PLACE, fault.before())
    await world.cycles(2)
    assert (world.status.state, world.status.reason) == ("SUSPENDED", "outcome_unknown")
    await world.until_hedged()
    told = await world.events(EventKind.OUTCOME_UNKNOWN, EventKind.OUTCOME_RESOLVED)
    assert [event.kind for event in told] == [EventKind.OUTCOME_UNKNOWN, EventKind.OUTCOME_RESOLVED]


@pytest.mark.parametrize("fault", NOT_ACCEPTED, ids=named)
async def test_not_accepted(setting: Setting, world: World, fault: Fault) -> None:
    """Nothing exists: another attempt follows, under an id of its own, once the exchange may be asked again."""
    setting.server.faults.add(PLACE, fault.before())
    await world.until_hedged(within=400)
    assert setting.position == HEDGED
    assert len(set(setting.sent())) == len(setting.sent()) == 2
    await world.check_settled()


@pytest.mark.parametrize("fault", NOT_ACCEPTED[:6], ids=named)
async def test_said_not_accepted_and_executed_all_the_same(setting: Setting, world: World, fault: Fault) -> None:
    """No page promises that a throttled order was not created: it is asked for before anything is sent again."""
    setting.server.faults.add(PLACE, fault.after())
    await world.until_hedged(within=120)
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    await world.check_settled()


@pytest.mark.parametrize("fault", [faults.clock_1021(), faults.engine_clock_5028()], ids=named)
async def test_clock_refused(setting: Setting, world: World, fault: Fault) -> None:
    """The clock is measured and the same order sent once more."""
    setting.server.faults.add(PLACE, fault.before())
    await world.until_hedged()
    first, second = setting.sent()
    assert first == second
    assert setting.position == HEDGED
    await world.check_settled()


@pytest.mark.parametrize("fault", REFUSED, ids=named)
async def test_refused(setting: Setting, world: World, fault: Fault) -> None:
    """The operator is told, the plan ends, and the next try waits 5 s; what conflicts is only read and clipped anew."""
    setting.server.faults.add(PLACE, fault.before())
    await world.until_hedged()
    first, second = await world.orders()
    assert first.state is OrderState.REFUSED
    assert first.plan_id != second.plan_id
    assert (second.recorded_at - first.recorded_at).total_seconds() >= (1 if "-2022" in fault.name else 5)
    assert len(await world.events(EventKind.ORDER_REFUSED)) == 1
    await world.check_settled()


async def test_refused_again_and_again(setting: Setting, world: World) -> None:
    """Waits of 5, 10, 20, 40, then 60 s; no refusal counts as a rebalance."""
    setting.settings["max_per_hour"] = 2
    setting.server.faults.add(PLACE, REFUSED[1], times=8)
    await world.until_hedged(within=500)
    times = [order.recorded_at for order in await world.orders()]
    waits = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    assert [round(wait / 5) * 5 for wait in waits] == [5, 10, 20, 40, 60, 60, 60, 60]
    assert setting.position == HEDGED


async def test_throttled_again_and_again(setting: Setting, world: World) -> None:
    """Attempts grow apart up to a minute, never further, and the hedge is made when the throttle ends."""
    setting.server.faults.add(PLACE, faults.throttled_503(), times=14)
    await world.until_hedged(within=600)
    times = [order.recorded_at for order in await world.orders()]
    waits = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
    assert len(waits) == 14 and max(waits) < 65
    assert setting.position == HEDGED
    await world.check_settled()


async def test_a_refused_increase_delays_no_reduction(setting: Setting, world: World) -> None:
    """What the exchange says to a larger short must not hold up buying it back."""
    await world.until_hedged()
    setting.server.faults.add(PLACE, REFUSED[1], times=6)
    setting.set_price(1900)
    await world.cycles(12)
    setting.server.faults.clear()
    setting.set_price(2200)
    await world.cycles(2)
    assert setting.position > HEDGED
    assert setting.server.exchange.orders_by_client_id(setting.sent()[-1])[0].request.side == "BUY"
    await world.check()


@pytest.mark.parametrize("leverage", [1, 20])
async def test_margin_really_missing(setting: Setting, world: World, leverage: int) -> None:
    """With too little money the short grows as far as the margin goes, or not at all, and nothing is doubled."""
    setting.server.exchange.set_balance(Decimal(300))
    setting.server.exchange.account.leverage[SYMBOL] = leverage
    await world.cycles(30)
    assert Decimal(-5) < setting.position <= 0
    await world.check()


def test_created_after_its_answer_was_lost(stage: Stage) -> None:
    """Queries that find nothing prove nothing while the request may still be on its way."""
    stage.server.faults.add(PLACE, faults.drop().late(4.5))
    stage.start()
    stage.cycles(10, every_s=0.5)
    stage.until_hedged()
    assert (stage.setting.position, len(stage.setting.sent())) == (HEDGED, 1)
    assert len(stage.server.requests(QUERY)) > 3
    stage.is_settled()


def test_created_after_all_proof_of_absence(tmp_path: Path) -> None:
    """Should the exchange break its own time limit, the order is booked as ours and what is too much bought back.

    The witness is not asked: what is bought back leaves while the order that came to life again is still looked up.
    """
    with Stage(tmp_path) as stage:
        stage.server.faults.add(PLACE, faults.drop().late(60))
        stage.start()
        stage.until_hedged()
        assert [order.state for order in stage.run(stage.world.orders())] == [OrderState.ABSENT, OrderState.FINAL]
        stage.exchange.clock_offset_ms = -60_000  # or it would refuse the order for its age
        stage.run(stage.clock.sleep(60))
        stage.exchange.clock_offset_ms = 0
        assert stage.setting.position == 2 * HEDGED
        stage.cycles(1)
        stage.until_hedged()
        assert abs(stage.setting.position - HEDGED) < Decimal("0.002")
        first = stage.run(stage.world.orders())[0]
        assert (first.state, first.executed_base) == (OrderState.FINAL, -HEDGED)
        assert stage.told(EventKind.POSITION_MISMATCH) == []
        assert stage.run(stage.world.journal_base()) == stage.setting.position
