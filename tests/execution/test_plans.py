"""One plan through many orders: slices, caps, thin books, halts in the middle, restarts, and the end of it."""

from __future__ import annotations

import asyncio
import itertools
import json
from dataclasses import replace
from decimal import Decimal

import pytest

from core.events import EventKind
from core.facts import OrderType
from core.ports import ApprovalState, OrderState, PlanState
from tests.execution.world import HEDGED, SYMBOL, Setting, World, running
from tests.rigs.venue import PLACE, faults
from tests.rigs.venue.instruments import Instrument
from tests.rigs.venue.orders import Order

THIN = [(Decimal("1999.9") - 50 * level, Decimal("0.5")) for level in range(20)]
ASKS = [(Decimal("2000.1"), Decimal(100))]


async def test_slices_keep_their_interval(setting: Setting) -> None:
    """A plan over `twap_over_quote` is sent in slices of about one size and interval, and sums up exactly."""
    setting.settings |= {
        "twap_over_quote": 5000,
        "twap_duration_seconds": 40,
        "twap_interval_seconds": 10,
        "urgent_band_multiple": 0,
    }
    async with running(setting) as world:
        await world.until_hedged(within=120)
        orders = await world.orders()
        sizes, times = [order.executed_base for order in orders], [order.recorded_at for order in orders]
        assert len(orders) == 4 and sum(sizes) == -HEDGED
        assert len(set(sizes)) > 1 and all(Decimal("0.7") < size < Decimal("1.8") for size in sizes)
        waits = [(later - earlier).total_seconds() for earlier, later in itertools.pairwise(times)]
        assert len({round(wait, 1) for wait in waits}) > 1 and all(5 <= wait <= 16 for wait in waits)
        assert len(await world.events(EventKind.HEDGE_EXECUTED)) == 1
        await world.check_settled()


async def test_larger_than_one_market_order(setting: Setting) -> None:
    """MARKET_LOT_SIZE has a maximum of its own: more goes out as several orders of one plan."""
    instruments = setting.server.exchange.instruments
    instruments[SYMBOL] = _with_largest(instruments[SYMBOL], Decimal(2))
    async with running(setting) as world:
        await world.until_hedged()
        orders = await world.orders()
        assert [order.executed_base for order in orders] == [Decimal(2), Decimal(2), Decimal("0.999")]
        assert len({order.plan_id for order in orders}) == 1
        await world.check_settled()


async def test_thin_book(setting: Setting, world: World) -> None:
    """Beyond the slippage limit an order is capped, the cap on the tick and never worse than the limit."""
    setting.server.exchange.set_book(SYMBOL, THIN, ASKS)
    await world.cycles(1)
    (order,) = await world.orders()
    assert (order.request.order_type, order.executed_base) == (OrderType.LIMIT, Decimal("0.5"))
    assert order.request.price == Decimal("1970.00")
    setting.set_price(2000)
    await world.until_hedged()
    assert setting.position == HEDGED
    await world.check_settled()


async def test_book_without_a_fill_is_not_hammered(setting: Setting) -> None:
    """Capped orders that nothing meets are tried again every two seconds, and one alert says so."""
    setting.settings |= {"order_type": "limit", "urgent_slippage_bps": 1}
    async with running(setting) as world:
        setting.server.exchange.set_book(SYMBOL, [(Decimal(1990), Decimal(5))], ASKS)
        setting.server.faults.add("GET /fapi/v1/depth", faults.edited(_with_bid_of_2000), times=100)
        await world.cycles(30)
        assert 10 <= len(setting.sent()) <= 16
        await world.check()


async def test_no_tail_below_the_least_notional(setting: Setting, world: World) -> None:
    """What a partial fill leaves over may be too small for an order of its own: the plan ends without one."""
    setting.server.exchange.set_book(SYMBOL, [(Decimal("1999.9"), Decimal("4.995"))], ASKS)
    await world.cycles(1)
    setting.set_price(2000)
    await world.until_hedged()
    assert (setting.position, len(setting.sent())) == (Decimal("-4.995"), 1)
    assert await world.events(EventKind.ORDER_REFUSED) == []
    assert len(await world.events(EventKind.HEDGE_EXECUTED)) == 1
    assert await world.store.journal.active_plan("eth") is None


async def test_a_need_that_shrank_ends_the_plan(setting: Setting, world: World) -> None:
    """When the price takes back what was missing, the rest of the plan is not traded and does not linger."""
    setting.server.exchange.set_book(SYMBOL, [(Decimal("1999.9"), Decimal(3))], ASKS)
    await world.cycles(1)
    setting.set_price(2195)
    await world.until_hedged()
    assert await world.store.journal.active_plan("eth") is None
    await world.check_settled()


@pytest.mark.parametrize("command", ["halt", "pause"])
async def test_stopped_between_intent_and_request(setting: Setting, world: World, command: str) -> None:
    """A halt that comes while the intent is written wins: the request does not leave."""
    runner = world.engine._runners["eth"]
    record = world.store.journal.record_intent

    async def record_then_stop(*args: object, **kwargs: object) -> None:
        await record(*args, **kwargs)  # type: ignore[arg-type]
        await (runner.halt("test") if command == "halt" else runner.pause("test"))

    world.store.journal.record_intent = record_then_stop  # type: ignore[method-assign]
    await world.cycles(3)
    assert setting.sent() == []
    (order,) = await world.orders()
    assert (order.state, order.detail) == (
        OrderState.REFUSED,
        "stopped, or its prices had grown old, before it was sent",
    )
    assert await world.store.journal.active_plan("eth") is None
    assert world.status.state == "SUSPENDED"


async def test_halted_in_the_middle_of_a_plan(setting: Setting) -> None:
    """The slices stop, the plan is closed, and resuming starts a new one for what is needed then."""
    setting.settings |= {"twap_over_quote": 5000, "urgent_band_multiple": 0}
    async with running(setting) as world:
        await world.cycles(6)
        await world.command("halt")
        await world.cycles(1)
        sent = len(setting.sent())
        await world.cycles(20)
        assert (len(setting.sent()), await world.store.journal.active_plan("eth")) == (sent, None)
        await world.command("resume")
        await world.until_hedged(within=200)
        assert setting.position == HEDGED
        await world.check_settled()


async def test_flatten_goes_on_after_a_restart(setting: Setting) -> None:
    """A confirmed /flatten in several orders, cut off by the end of the process, is finished by the next one."""
    instruments = setting.server.exchange.instruments
    instruments[SYMBOL] = _with_largest(instruments[SYMBOL], Decimal(2))
    async with running(setting) as world:
        await world.until_hedged()
        await world.command("flatten", "eth")
        await world.cycles(1)
        assert setting.position == HEDGED + 2
    async with running(setting) as world:
        await world.until(lambda _: setting.position == 0, within=5)
        await world.cycles(5)
        assert (world.status.state, world.status.reason, setting.position) == ("SUSPENDED", "halted", Decimal(0))
        assert all(order.state is OrderState.FINAL for order in await world.orders())
        await world.check_settled()


async def test_flatten_is_remembered(setting: Setting) -> None:
    """A confirmed /flatten that could not begin before the process ended is carried out by the next one, once."""
    async with running(setting) as world:
        await world.until_hedged()
        setting.clock.skip(15)
        setting.server.faults.add("GET /fapi/v3/positionRisk", faults.bad_gateway_502(), times=3)
        await world.command("flatten", "eth")
        await world.cycles(2)
        assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    setting.server.faults.clear()
    async with running(setting) as world:
        await world.until(lambda _: setting.position == 0, within=5)
        await world.cycles(3)
        await world.command("resume", "eth")
        await world.until_hedged()
        assert setting.position == HEDGED
    async with running(setting) as world:
        await world.until_hedged()
        assert setting.position == HEDGED
        await world.check_settled()


@pytest.mark.parametrize("fault", [faults.drop().after(), faults.drop().before()], ids=["executed", "lost"])
async def test_approval_is_used_once_through_doubt_and_restart(setting: Setting, fault: faults.Fault) -> None:
    """An approved order in doubt when the process ends: at most what was approved is ever executed under it."""
    setting.settings["approval_over_quote"] = 1000
    async with running(setting) as world:
        await world.cycles(2)
        (approval,) = await world.store.approvals.live("eth")
        await world.office.desk.answer(approval.approval_id, approve=True, by="test", note=None)
        setting.server.faults.add(PLACE, fault)
        await world.cycles(1)
    async with running(setting) as world:
        await world.until_hedged()
        assert setting.position == HEDGED
        used = await world.store.approvals.get(approval.approval_id)
        assert used is not None
        assert (used.state, used.used_base) == (ApprovalState.DONE, -HEDGED)
        await world.check_settled()


async def test_a_plan_ends_with_its_approval(setting: Setting) -> None:
    """A restart hours later does not go on with a plan whose approval's time is over: it asks again."""
    setting.settings |= {"approval_over_quote": 1000, "twap_over_quote": 5000, "urgent_band_multiple": 0}
    async with running(setting) as world:
        await world.cycles(2)
        (approval,) = await world.store.approvals.live("eth")
        await world.office.desk.answer(approval.approval_id, approve=True, by="test", note=None)
        await world.cycles(2)
        before = setting.position
        assert HEDGED < before < 0
    setting.clock.skip(3 * 3600)
    async with running(setting) as world:
        await world.until(lambda world: world.status.state == "AWAITING_APPROVAL")
        await world.cycles(20)
        assert setting.position == before
        (asked,) = await world.store.approvals.live("eth")
        assert asked.state is ApprovalState.PENDING
        await world.check_settled()


async def test_approval_outlives_a_moment_of_blindness(setting: Setting) -> None:
    """Facts that fail in the middle stop the slices, not the operator's word: the rest follows unasked."""
    setting.settings |= {"approval_over_quote": 1000, "twap_over_quote": 5000, "urgent_band_multiple": 0}
    async with running(setting) as world:
        await world.cycles(2)
        (approval,) = await world.store.approvals.live("eth")
        await world.office.desk.answer(approval.approval_id, approve=True, by="test", note=None)
        await world.cycles(7)
        setting.server.faults.add("GET /fapi/v3/positionRisk", faults.bad_gateway_502(), times=12)
        await world.cycles(14)
        await world.until_hedged(within=200)
        assert setting.position == HEDGED
        assert len(await world.events(EventKind.APPROVAL_ASKED)) == 1
        await world.check_settled()


async def test_doubtful_fills_count_for_the_cooldown(setting: Setting) -> None:
    """A rebalance that came to light by query only is one all the same."""
    setting.settings["cooldown_seconds"] = 60
    async with running(setting) as world:
        setting.server.faults.add(PLACE, faults.drop().after())
        await world.cycles(4)
        setting.set_price(1950)
        await world.cycles(2)
        assert (world.status.state, len(setting.sent())) == ("COOLDOWN", 1)


@pytest.mark.parametrize("moment", ["intent", "answer"])
async def test_cancelled_in_the_middle_of_an_order(setting: Setting, moment: str) -> None:
    """SIGTERM between the intent and the answer: the next process finds out, and nothing is doubled."""
    async with running(setting) as world:
        if moment == "answer":
            setting.server.faults.add(PLACE, faults.hang(5).after())
        evaluation = asyncio.create_task(world.engine.cycle())
        await _until_there_is_an_intent(world)
        if moment == "answer":
            await asyncio.sleep(0.1)
        evaluation.cancel()
        with pytest.raises(asyncio.CancelledError):
            await evaluation
    async with running(setting) as world:
        await world.until_hedged()
        assert setting.position == HEDGED
        await world.check_settled()


async def test_reductions_carry_the_flag(setting: Setting, world: World) -> None:
    """What shrinks the position can do nothing else, whatever the exchange's position has become meanwhile."""
    await world.until_hedged()
    setting.set_price(2150)
    await world.until_hedged()
    sides = [(order.request.side, order.request.reduce_only) for order in _own(setting)]
    assert sides == [("SELL", False), ("BUY", True)]


async def test_outcome_of_plans(setting: Setting, world: World) -> None:
    """Refused is failed, filled is done."""
    setting.server.faults.add(PLACE, faults.error(400, -2019, "Margin is insufficient."))
    await world.until_hedged()
    plans = [await world.store.journal.plan(order.plan_id) for order in await world.orders()]
    assert [plan.state for plan in plans if plan] == [PlanState.FAILED, PlanState.DONE]


def _own(setting: Setting) -> list[Order]:
    exchange = setting.server.exchange
    return [exchange.orders_by_client_id(client_id)[0] for client_id in setting.sent()]


async def _until_there_is_an_intent(world: World) -> None:
    for _ in range(2000):
        if await world.orders():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("no intent was written")


def _with_largest(instrument: Instrument, quantity: Decimal) -> Instrument:
    return replace(instrument, max_market_quantity=quantity)


def _with_bid_of_2000(body: str) -> str:
    return json.dumps(json.loads(body) | {"bids": [["2000.00", "100.000"]]})


async def test_a_limit_order_has_a_price_also_without_slippage_limits(setting: Setting) -> None:
    """`order_type = "limit"` never sends a blind market order."""
    setting.settings |= {"order_type": "limit", "max_slippage_bps": 0, "urgent_slippage_bps": 0}
    async with running(setting) as world:
        await world.cycles(1)
        (order,) = await world.orders()
        assert order.request.order_type is OrderType.LIMIT
        assert order.request.price is not None and order.request.price > 1990


async def test_a_plan_under_way_asks_once_the_limit_is_lowered(setting: Setting) -> None:
    """Approvals that a restart turned on reach also what was begun without them."""
    setting.settings |= {"twap_over_quote": 5000, "urgent_band_multiple": 0}
    async with running(setting) as world:
        await world.cycles(3)
        assert setting.position != 0
    setting.settings["approval_over_quote"] = 1500
    done = setting.position
    async with running(setting) as world:
        await world.cycles(30)
        assert setting.position == done
        assert (world.status.state, world.status.reason) == ("AWAITING_APPROVAL", "awaiting_approval")
