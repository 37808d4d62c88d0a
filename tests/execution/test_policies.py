"""How a plan is carried out: quotes that rest and follow the book, limits with a cap, and what comes after them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.events import EventKind
from core.facts import OrderType, TimeInForce
from core.ports import OrderState
from tests.exchange.listening import until
from tests.execution.world import HEDGED, SYMBOL, Setting, World, running
from tests.rigs.venue import CANCEL, PLACE, QUERY, faults

GUARD = "POST /fapi/v1/countdownCancelAll"
QUOTING = {"order_type": "post_only", "urgent_band_multiple": 0}


async def resting(world: World) -> Decimal | None:
    """Price of our one open order by the exchange's books, None when nothing rests."""
    orders = world.setting.server.exchange.open_orders(SYMBOL)
    assert len(orders) <= 1
    return orders[0].request.price if orders else None


async def test_a_quote_rests_at_the_touch_until_it_is_filled(setting: Setting) -> None:
    """GTX at the best ask; the exchange is told to cancel it should we fall silent; maker fills hedge the position."""
    setting.settings |= QUOTING
    async with running(setting) as world:
        await world.cycles(2)
        (order,) = await world.orders()
        touch = setting.server.exchange.books[SYMBOL].opposite("BUY")[0][0]
        assert (order.request.order_type, order.request.time_in_force) == (OrderType.LIMIT, TimeInForce.GTX)
        assert order.request.price == touch == await resting(world)
        assert (world.status.state, world.status.reason) == ("ADJUSTING", "executing")
        assert SYMBOL in setting.server.exchange.countdowns
        setting.set_price(touch + 1)
        setting.set_price(2000)
        await world.until_hedged()
        assert setting.position == HEDGED
        fills = await world.store.journal.plan_fills(order.plan_id)
        assert fills and all(fill.is_maker for fill in fills)
        assert SYMBOL not in setting.server.exchange.countdowns
        await world.check_settled()


async def test_a_quote_follows_the_book(setting: Setting) -> None:
    """Left behind, it is taken back and quoted anew: one order rests at a time, each under an id of its own."""
    setting.settings |= QUOTING | {"limit_timeout_seconds": 600}
    async with running(setting) as world:
        await world.cycles(1)
        for price in (1998, 1996, 1994):
            setting.set_price(price)
            await world.cycles(5)
            assert await resting(world) == setting.server.exchange.books[SYMBOL].opposite("BUY")[0][0]
        sent = setting.sent()
        assert len(set(sent)) == len(sent) == 4
        assert setting.position == 0


async def test_partly_filled_then_followed(setting: Setting) -> None:
    """What the first quote got counts; the next one is for the rest, and in the end the sum is the plan's."""
    setting.settings |= QUOTING | {"limit_timeout_seconds": 600}
    async with running(setting) as world:
        await world.cycles(1)
        exchange = setting.server.exchange
        (order,) = exchange.open_orders(SYMBOL)
        exchange._fill(order, [(order.request.price or Decimal(0), Decimal("1.5"))], maker=True)
        setting.set_price(1998)
        await world.cycles(5)
        (second,) = exchange.open_orders(SYMBOL)
        assert second.remaining == -HEDGED - Decimal("1.5") or abs(second.remaining - Decimal("3.5")) < 1
        setting.set_price(2002)
        setting.set_price(1998)
        await world.until_hedged()
        await world.check_settled()


@pytest.mark.parametrize(("fallback", "position"), [("market", HEDGED), ("none", Decimal(0))])
async def test_the_time_to_quote_is_limited(setting: Setting, fallback: str, position: Decimal) -> None:
    """After `limit_timeout_seconds` the rest is bought at the market, or the plan ends and a new one quotes again."""
    setting.settings |= QUOTING | {"limit_timeout_seconds": 8, "fallback": fallback}
    async with running(setting) as world:
        await world.cycles(16)
        assert setting.position == position
        first, second = (await world.orders())[:2]
        assert (first.state, first.executed_base) == (OrderState.FINAL, Decimal(0))
        if fallback == "none":
            assert second.plan_id != first.plan_id and await resting(world) is not None
        else:
            assert second.plan_id == first.plan_id and second.request.order_type is OrderType.MARKET
            await world.check_settled()
            (told,) = await world.events(EventKind.HEDGE_EXECUTED)
            assert told.data["fallback_base"] == told.data["quantity_base"]


async def test_would_take_is_counted(setting: Setting) -> None:
    """-5022 leaves nothing behind: quoted again from a fresh book, and after `max_retries` crossed as configured."""
    setting.settings |= QUOTING | {"max_retries": 2}
    refused = faults.error(
        400, -5022, "Due to the order could not be executed as maker, the Post Only order is rejected"
    )
    setting.server.faults.add(PLACE, refused, times=3)
    async with running(setting) as world:
        await world.until_hedged()
        orders = await world.orders()
        assert [order.state for order in orders] == [OrderState.REFUSED] * 3 + [OrderState.FINAL]
        assert orders[-1].request.order_type is OrderType.MARKET
        assert await world.events(EventKind.ORDER_REFUSED) == []
        await world.check_settled()


@pytest.mark.parametrize("command", ["halt", "pause", "flatten"])
async def test_stopping_takes_back_what_rests(setting: Setting, command: str) -> None:
    """At once, not at the next look; and nothing is quoted again."""
    setting.settings |= QUOTING
    async with running(setting) as world:
        await world.cycles(2)
        assert await resting(world) is not None
        await world.command(command)
        await world.engine.carry_out_halts()
        await world.engine.carry_out_commands()
        await until(lambda: not setting.server.exchange.open_orders(SYMBOL))
        await world.cycles(5)
        assert await resting(world) is None
        await world.check_settled()


async def test_a_lost_cancel_is_repeated(setting: Setting) -> None:
    """Whether a cancel arrived is not known: it is safe to ask again, and the plan stays open until it is."""
    setting.settings |= QUOTING
    async with running(setting) as world:
        await world.cycles(2)
        setting.server.faults.add(CANCEL, faults.drop().before(), times=2)
        setting.server.faults.add(CANCEL, faults.drop().after())
        await world.command("halt")
        await world.cycles(6)
        assert await resting(world) is None
        assert await world.store.journal.active_plan("eth") is None
        await world.check_settled()


async def test_filled_while_it_was_being_cancelled(setting: Setting) -> None:
    """-2011 on a cancel means look: it was filled, and counts."""
    setting.settings |= QUOTING
    async with running(setting) as world:
        await world.cycles(2)
        touch = await resting(world)
        assert touch is not None

        setting.server.faults.add(QUERY, faults.edited(lambda body: body.replace('"FILLED"', '"NEW"')))
        setting.server.exchange.set_price(SYMBOL, touch + 1)
        setting.server.exchange.set_price(SYMBOL, Decimal(2000))
        await world.command("halt")
        await world.cycles(3)
        assert setting.position == HEDGED == await world.journal_base()
        await world.check_settled()


async def test_a_quote_outlives_a_restart(setting: Setting) -> None:
    """The next process finds it by its id, guards it and goes on; it is not quoted twice."""
    setting.settings |= QUOTING | {"limit_timeout_seconds": 600}
    async with running(setting) as world:
        await world.cycles(2)
    setting.server.exchange.countdowns.clear()
    async with running(setting) as world:
        await world.cycles(3)
        assert len(setting.sent()) == 1 and await resting(world) is not None
        assert SYMBOL in setting.server.exchange.countdowns
        setting.set_price(2002)
        setting.set_price(2000)
        await world.until_hedged()
        await world.check_settled()


async def test_a_dead_process_leaves_no_order(setting: Setting) -> None:
    """Two minutes without a word and the exchange cancels it; the next start sees that and hedges."""
    setting.settings |= QUOTING
    async with running(setting) as world:
        await world.cycles(2)
    exchange = setting.server.exchange
    assert 100_000 < exchange.countdowns[SYMBOL] - exchange.now_ms() <= 120_000
    exchange.countdowns[SYMBOL] = exchange.now_ms()
    exchange.cancel_overdue()
    async with running(setting) as world:
        await world.cycles(1)
        assert len(exchange.open_orders(SYMBOL)) <= 1
        setting.set_price(2002)
        setting.set_price(2000)
        await world.until_hedged(within=90)
        await world.check_settled()


async def test_nothing_rests_unguarded(setting: Setting) -> None:
    """Where the dead man's switch cannot be set, no quote is placed."""
    setting.settings |= QUOTING
    setting.server.faults.add(GUARD, faults.bad_gateway_502(), times=4)
    async with running(setting) as world:
        await world.cycles(2)
        assert setting.sent() == []
        await world.cycles(20)
        assert len(setting.sent()) >= 1


async def test_the_switch_is_renewed_while_something_rests(setting: Setting) -> None:
    setting.settings |= QUOTING | {"limit_timeout_seconds": 600}
    async with running(setting) as world:
        await world.cycles(100)
        assert 3 <= len(setting.server.requests(GUARD)) <= 5


async def test_a_need_that_shrinks_shrinks_the_quote(setting: Setting) -> None:
    """More than is needed never rests: it is taken back and quoted smaller, or not at all."""
    setting.settings |= QUOTING | {"limit_timeout_seconds": 600}
    async with running(setting) as world:
        await world.cycles(2)
        setting.pool.price = Decimal(2060)
        await world.cycles(6)
        rests = sum((order.remaining for order in setting.server.exchange.open_orders(SYMBOL)), Decimal(0))
        assert 0 < rests < -HEDGED - Decimal("0.5")
        assert setting.position == 0


async def test_urgent_crosses(setting: Setting) -> None:
    """A gap of several bands is not quoted for."""
    setting.settings |= {"order_type": "post_only"}
    async with running(setting) as world:
        await world.until_hedged()
        (order,) = await world.orders()
        assert order.request.order_type is OrderType.MARKET


@pytest.mark.parametrize("lost", [faults.drop().after(), faults.unknown_503().after(), faults.drop().before()])
async def test_a_quote_whose_answer_was_lost(setting: Setting, lost: faults.Fault) -> None:
    """Found resting it is kept; proved absent it is quoted anew: never two at once."""
    setting.settings |= QUOTING | {"limit_timeout_seconds": 600}
    setting.server.faults.add(PLACE, lost)
    async with running(setting) as world:
        for _ in range(30):
            await world.cycles(1)
            assert len(setting.server.exchange.open_orders(SYMBOL)) <= 1
        assert await resting(world) is not None
        setting.set_price(2002)
        setting.set_price(2000)
        await world.until_hedged()
        assert setting.position == HEDGED
        await world.check_settled()


async def test_limit_takes_no_worse_than_the_book_asks(setting: Setting) -> None:
    """A marketable limit at the worst level that the quantity needs; what is missed is tried again, then crossed."""
    setting.settings |= {"order_type": "limit", "limit_timeout_seconds": 6, "max_slippage_bps": 100}
    exchange = setting.server.exchange
    exchange.set_book(
        SYMBOL, [(Decimal("1999.9"), Decimal(2)), (Decimal("1999.0"), Decimal(9))], [(Decimal("2000.1"), Decimal(50))]
    )
    async with running(setting) as world:
        await world.cycles(1)
        (order,) = await world.orders()
        assert (order.request.price, order.request.time_in_force) == (Decimal("1999.0"), TimeInForce.IOC)
        assert setting.position == HEDGED


async def test_slippage_is_told_once(setting: Setting) -> None:
    """An order kept within the limit by its cap is announced, with what the book would have cost."""
    setting.server.exchange.set_book(
        SYMBOL,
        [(Decimal("1999.9") - 50 * level, Decimal("0.5")) for level in range(20)],
        [(Decimal("2000.1"), Decimal(9))],
    )
    async with running(setting) as world:
        await world.cycles(8)
        (told,) = await world.events(EventKind.SLIPPAGE_EXCEEDED)
        assert float(told.data["expected_bps"]) > 150
        assert 0 > setting.position > -3
        assert len(setting.sent()) >= 3
