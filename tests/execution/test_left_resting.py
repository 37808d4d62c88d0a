"""A quote of a process that was killed, and a start at which the exchange cannot be prepared: it is taken back all the
same, its fills count, and nothing is traded twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal

import pytest

from core.cancellation import end
from core.execution.dead_man import GUARDED_FOR_S
from tests.execution.stage import Stage
from tests.execution.troubles import EXCHANGE_INFO
from tests.execution.world import HEDGE, HEDGED, SYMBOL
from tests.rigs.venue import CANCEL, PLACE, faults
from tests.rigs.venue.orders import Order

OFTEN = 1000
QUOTING = {"order_type": "post_only", "urgent_band_multiple": 0, "limit_timeout_seconds": 600}
FILLED = Decimal("0.3")


def filters_refused(stage: Stage) -> None:
    stage.server.faults.add(EXCHANGE_INFO, faults.unavailable_503(), times=OFTEN)


def weight_nearly_used(stage: Stage) -> None:
    """As after some twenty starts within a minute: a tenth is left, for orders alone."""
    limits = stage.server.limits.weight
    limits.add(2200 - limits.used())


@pytest.fixture
def left(stage: Stage) -> Order:
    """It rests, filled in part, and its process is dead."""
    stage.setting.settings |= QUOTING
    stage.start()
    stage.until(lambda: stage.exchange.open_orders(SYMBOL))
    stage.kill()
    (order,) = stage.exchange.open_orders(SYMBOL)
    assert order.request.price is not None
    ask = order.request.price + 1
    stage.exchange.set_book(SYMBOL, [(order.request.price, FILLED)], [(ask, Decimal(50))])
    stage.exchange.set_price(SYMBOL, Decimal(2000))
    assert stage.setting.position == -FILLED and order.remaining
    return order


@pytest.mark.parametrize("trouble", [filters_refused, weight_nearly_used])
def test_it_is_taken_back_before_anything_can_be_read(
    stage: Stage, left: Order, trouble: Callable[[Stage], None]
) -> None:
    trouble(stage)
    stage.start(prepared=False)
    stage.cycles(1)
    assert stage.world.status.reason == "stale_venue" and SYMBOL in stage.exchange.countdowns
    assert stage.exchange.open_orders(SYMBOL) == []
    assert stage.run(stage.world.engine.take_back()) == ()
    stage.server.faults.clear()
    stage.until(lambda: stage.exchange.open_orders(SYMBOL), within_s=180)
    for price in (2001, 2000):  # somebody takes it
        stage.exchange.set_price(SYMBOL, Decimal(price))
    stage.until_hedged()
    assert stage.setting.position == HEDGED
    stage.is_settled()


def test_it_is_asked_for_again_soon_while_that_fails(stage: Stage, left: Order) -> None:
    """The longer the exchange stays away the more seldom it is asked, but not while an order may rest."""
    filters_refused(stage)
    stage.server.faults.add(CANCEL, faults.drop(), times=OFTEN)
    stage.start(prepared=False)

    async def lives() -> None:
        engine = asyncio.ensure_future(stage.world.engine.run())
        await stage.clock.sleep(100)
        assert stage.exchange.open_orders(SYMBOL)
        stage.server.faults.clear()
        filters_refused(stage)
        await stage.clock.sleep(8)
        assert stage.exchange.open_orders(SYMBOL) == []
        await end(engine)

    stage.run(lives())


def test_after_its_countdown_it_hurries_nobody(stage: Stage, left: Order) -> None:
    """By then the exchange has ended it, though the journal does not know; the tries become a minute apart."""
    filters_refused(stage)
    stage.server.faults.add(CANCEL, faults.drop(), times=OFTEN)
    stage.start(prepared=False)

    async def lives() -> None:
        engine = asyncio.ensure_future(stage.world.engine.run())
        await stage.clock.sleep(GUARDED_FOR_S + 5)
        assert stage.exchange.open_orders(SYMBOL) == []
        await stage.clock.sleep(200)
        before = len(stage.server.requests(EXCHANGE_INFO))
        await stage.clock.sleep(180)
        assert 2 <= len(stage.server.requests(EXCHANGE_INFO)) - before <= 4
        await end(engine)

    stage.run(lives())


def test_one_on_its_way_is_asked_for_again(stage: Stage) -> None:
    """Killed while its request was out: the exchange has none of that name at first, and two seconds later it has."""
    stage.setting.settings |= QUOTING
    stage.server.faults.add(PLACE, faults.drop().late(2))
    stage.start()
    stage.cycles(1, every_s=0)
    stage.kill()
    filters_refused(stage)
    stage.start(prepared=False)
    stage.cycles(1)
    assert stage.exchange.open_orders(SYMBOL) == []
    assert stage.run(stage.world.engine.take_back()) == (HEDGE,)
    stage.run(stage.clock.pass_time(2))
    assert len(stage.exchange.open_orders(SYMBOL)) == 1
    assert stage.run(stage.world.engine.take_back()) == ()
    assert stage.exchange.open_orders(SYMBOL) == []


@pytest.mark.parametrize("reached", [True, False])
def test_a_stop_takes_it_back_or_says_that_it_may_rest(stage: Stage, left: Order, reached: bool) -> None:
    filters_refused(stage)
    stage.start(prepared=False)
    if not reached:
        stage.server.faults.add(CANCEL, faults.drop(), times=OFTEN)
    assert stage.run(stage.world.engine.take_back()) == (() if reached else (HEDGE,))
    assert bool(stage.exchange.open_orders(SYMBOL)) is not reached
