"""What a hostile reading of the order path found, each in its shortest form."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import pytest

from core.events import EventKind
from core.ports import ApprovalState
from tests.execution.stage import Stage
from tests.execution.test_hearing import heard, until_booked
from tests.execution.troubles import TIME
from tests.execution.world import HEDGE, SYMBOL, RealClock, Setting, running
from tests.rigs.venue import DEPTH, OPEN_ORDERS, faults

QUOTING = {"order_type": "post_only", "urgent_band_multiple": 0, "limit_timeout_seconds": 600}


async def test_deleveraged_just_before_an_own_fill_was_told(setting: Setting) -> None:
    """The stream books our fill, whose id is beyond that of a trade nobody has asked for yet: it is not passed over.

    Asked for were only trades after the newest one booked, so that the one before it was never seen: no word about
    it, and a position mismatch where an ADL is to be booked and hedged again.
    """
    setting.clock = setting.pool.clock = RealClock()
    setting.settings |= QUOTING
    async with running(setting, hearing=True) as world:
        await heard(world)
        await world.cycles(3)
        exchange = setting.server.exchange
        (order,) = exchange.open_orders(SYMBOL)
        price = order.request.price or Decimal(0)
        exchange._fill(order, [(price, Decimal("1.5"))], maker=True)
        await until_booked(world, Decimal("-1.5"))
        await world.cycles(3)
        exchange.deleverage(SYMBOL, Decimal("0.5"))
        exchange._fill(order, [(price, Decimal(1))], maker=True)
        await asyncio.sleep(0.3)
        await world.cycles(60)
        assert await world.journal_base() == setting.position
        (told,) = await world.events(EventKind.FOREIGN_TRADE)
        assert told.data["origin"] == "adl"
        assert await world.events(EventKind.POSITION_MISMATCH) == []


@pytest.mark.parametrize("endpoint", [OPEN_ORDERS, DEPTH])
def test_nothing_is_sent_on_what_has_grown_old_meanwhile(stage: Stage, endpoint: str) -> None:
    """Age is judged when prices were read; requests that follow (the sweep, the deeper book) may take their time."""
    stage.setting.settings |= {"max_price_age_seconds": 5}
    if endpoint == DEPTH:
        thin = [(Decimal(2000) - k, Decimal("0.1")) for k in range(1, 6)], [(Decimal(2001), Decimal(5))]
        stage.exchange.set_book(SYMBOL, *thin)
    stage.start()
    asked: list[str] = []

    def is_second(params: Mapping[str, str]) -> bool:
        asked.append(endpoint)
        return endpoint == OPEN_ORDERS or len(asked) == 2

    stage.server.faults.add(endpoint, faults.slow(9), matches=is_second)
    stage.cycles(1)
    assert asked and stage.server.faults.waiting() == 0
    assert stage.setting.sent() == []
    stage.setting.set_price(2000)
    stage.until_hedged()
    stage.is_settled()


@pytest.mark.parametrize("style", [{}, QUOTING])
def test_an_approved_plan_in_slices_is_not_judged_as_one_order(stage: Stage, style: dict[str, object]) -> None:
    """At the tap the slippage of what is sent at once counts: a plan in slices exists because the whole costs too much.

    Judged whole, every yes fails, the question comes again, and the hedge can never be made.
    """
    stage.setting.settings |= {"approval_over_quote": 1000, "twap_over_quote": 2000, "urgent_band_multiple": 0} | style
    thin(stage)
    stage.start()
    stage.cycles(2)
    (approval,) = stage.run(stage.world.store.approvals.live(HEDGE))
    stage.run(stage.world.office.desk.answer(approval.approval_id, approve=True, by="test", note=None))
    for _ in range(5):
        stage.cycles(1)
        thin(stage)
    found = stage.run(stage.world.store.approvals.get(approval.approval_id))
    assert found is not None
    assert found.state is ApprovalState.EXECUTING, found.note


def thin(stage: Stage) -> None:
    """One BASE within the limit, the rest of what is needed far beyond it."""
    away = [(Decimal(1999) - 15 * k, Decimal(1)) for k in range(8)]
    stage.exchange.set_book(SYMBOL, away, [(Decimal(4000) - price, base) for price, base in away])


def test_a_clock_that_was_set_back(stage: Stage) -> None:
    """This machine's clock was an hour ahead when an order ended, and is put right: hedging does not wait an hour."""
    stage.clock.wall_offset_s = 3600.0
    stage.start()
    stage.until_hedged()
    stage.clock.wall_offset_s = 0.0
    stage.cycles(20)
    stage.until_hedged(within_s=30)
    stage.setting.set_price(1980)
    stage.until(lambda: len(stage.setting.sent()) == 2, within_s=30)
    stage.until_hedged()


def test_a_clock_that_cannot_be_measured_stops_no_cancel(stage: Stage) -> None:
    """The last measure is good for longer than until the next: a halt takes back what rests."""
    stage.setting.settings |= QUOTING | {"limit_timeout_seconds": 3600}
    stage.start()
    stage.cycles(10)
    assert len(stage.exchange.open_orders(SYMBOL)) == 1
    stage.server.faults.add(TIME, faults.bad_gateway_502(), times=1000)
    stage.cycles(595)
    assert len(stage.exchange.open_orders(SYMBOL)) == 1
    stage.run(stage.world.command("halt", HEDGE))
    stage.cycles(3)
    assert stage.exchange.open_orders(SYMBOL) == []
