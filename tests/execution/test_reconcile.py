"""The exchange's position against the journal: what strangers do, what the exchange does, and who decides then."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.events import EventKind
from core.ports import OrderState
from tests.execution.world import HEDGED, SYMBOL, Setting, World, running
from tests.rigs.venue import PLACE, faults

ONE = Decimal(1)


def mismatched(world: World) -> bool:
    return (world.status.state, world.status.reason) == ("SUSPENDED", "position_mismatch")


async def test_manual_trade(setting: Setting, world: World) -> None:
    """Believed at the second read two seconds on, told with both figures, held until /adopt, then hedged with it."""
    await world.until_hedged()
    setting.server.exchange.set_position(SYMBOL, HEDGED + ONE)
    await world.cycles(1)
    assert world.status.reason == "implausible_read"
    await world.until(mismatched, within=3)
    await world.cycles(10)
    assert len(setting.sent()) == 1
    (told,) = await world.events(EventKind.POSITION_MISMATCH)
    assert told.data == {"venue_base": "-3.999", "journal_base": "-4.999"}
    await world.command("adopt", "eth")
    await world.until_hedged()
    assert setting.position == HEDGED
    await world.check_settled()


async def test_a_flicker_is_no_mismatch(setting: Setting, world: World) -> None:
    """One read that differs, taken back by the next, leaves no trace."""
    await world.until_hedged()
    setting.server.faults.add("GET /fapi/v3/positionRisk", faults.empty_list())
    await world.cycles(1)
    assert world.status.reason == "implausible_read"
    await world.until_hedged(within=2)
    assert await world.events(EventKind.POSITION_MISMATCH) == []
    assert len(setting.sent()) == 1


async def test_position_found_at_the_first_start(setting: Setting) -> None:
    """A position older than the journal is asked about, never traded on and never taken for ours."""
    setting.server.exchange.plant_position(SYMBOL, Decimal(-2), Decimal(2100))
    async with running(setting) as world:
        await world.until(mismatched)
        await world.cycles(5)
        assert setting.sent() == []
        await world.command("adopt", "eth")
        await world.until_hedged()
        assert setting.position == HEDGED
        await world.check_settled()


async def test_deleveraged_by_the_exchange(setting: Setting, world: World) -> None:
    """ADL is booked from its trade and hedged again without a question."""
    await world.until_hedged()
    setting.server.exchange.deleverage(SYMBOL, Decimal(2))
    await world.until(lambda _: setting.position == HEDGED)
    await world.until_hedged()
    (told,) = await world.events(EventKind.FOREIGN_TRADE)
    assert told.data["origin"] == "adl"
    assert await world.events(EventKind.POSITION_MISMATCH) == []
    await world.check_settled()


async def test_liquidated_by_the_exchange(setting: Setting, world: World) -> None:
    """A liquidation is for a person: nothing is opened again by itself."""
    await world.until_hedged()
    setting.server.exchange.liquidate(SYMBOL)
    await world.until(mismatched)
    await world.cycles(10)
    assert (setting.position, len(setting.sent())) == (Decimal(0), 1)
    (told,) = await world.events(EventKind.FOREIGN_TRADE)
    assert told.data["origin"] == "liquidation"


@pytest.mark.parametrize("amount", ["-7", "-1", "2"])
async def test_adopted_by_itself(setting: Setting, amount: str) -> None:
    """With `adopt_external = "auto"` a confirmed difference is taken over and told, then hedged."""
    setting.settings["adopt_external"] = "auto"
    async with running(setting) as world:
        await world.until_hedged()
        setting.server.exchange.set_position(SYMBOL, Decimal(amount))
        await world.until(lambda _: abs(setting.position - HEDGED) < Decimal("0.002"))
        await world.until_hedged()
        (told,) = await world.events(EventKind.POSITION_ADOPTED)
        assert (told.data["by"], Decimal(told.data["delta_base"])) == ("adopt_external", Decimal(amount) - HEDGED)
        await world.check_settled()


async def test_no_adoption_while_an_order_is_in_doubt(setting: Setting, world: World) -> None:
    """What looks like a stranger's position may be the unknown order's own fill."""
    setting.server.faults.add(PLACE, faults.drop().after())
    setting.server.faults.add("GET /fapi/v1/order", faults.bad_gateway_502(), times=3)
    await world.cycles(1)
    await world.command("adopt", "eth")
    await world.cycles(1)
    assert await world.events(EventKind.POSITION_ADOPTED) == []
    await world.until_hedged()
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    await world.check_settled()


async def test_strangers_resting_order_is_left_alone(setting: Setting, world: World) -> None:
    """It is neither cancelled nor counted; when it fills, that is a stranger's trade."""
    exchange = setting.server.exchange
    resting = exchange.submit(_limit_order("web_resting", price="2100", quantity="0.5"))
    await world.until_hedged()
    assert (exchange.open_orders(SYMBOL), setting.position) == ([resting], HEDGED)
    assert setting.server.requests("DELETE /fapi/v1/order") == []
    setting.set_price(2101)
    await world.until(mismatched)


async def test_own_order_still_resting_after_a_restart(setting: Setting) -> None:
    """An order of ours that the exchange still works on is found by its id; nothing is ordered beside it."""
    async with running(setting) as world:
        setting.server.faults.add(PLACE, faults.drop().before())
        await world.cycles(1)
        (order,) = await world.orders()
    client_id = order.request.client_order_id
    resting = setting.server.exchange.submit(_limit_order(client_id, price="2100", quantity="4.999"))
    async with running(setting) as world:
        await world.cycles(15)
        (order,) = await world.orders()
        assert (order.state, world.status.reason) == (OrderState.OPEN, "outcome_unknown")
        setting.server.exchange.cancel(resting)
        await world.until_hedged()
        assert setting.position == HEDGED
        await world.check_settled()


async def test_orders_of_another_database_are_strangers(setting: Setting, world: World) -> None:
    """Named like ours but in no journal of ours: a person decides."""
    await world.until_hedged()
    setting.server.exchange.set_position(SYMBOL, HEDGED + ONE, client_id="lph.other.zzzz.1")
    await world.until(mismatched)
    (told,) = await world.events(EventKind.FOREIGN_TRADE)
    assert told.data["origin"] == "foreign"


async def test_one_read_does_not_confirm_itself(setting: Setting, world: World) -> None:
    """A read without liquidity, then silence: however often the same read is looked at, it stays doubtful."""
    await world.until_hedged()
    whole, setting.pool.liquidity = setting.pool.liquidity, 0
    await world.cycles(1)
    setting.pool.blind = True
    await world.cycles(10)
    assert (world.status.state, world.status.reason) == ("SUSPENDED", "implausible_read")
    setting.pool.blind, setting.pool.liquidity = False, whole
    await world.until_hedged(within=5)
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)


def _limit_order(client_id: str, *, price: str, quantity: str) -> dict[str, str]:
    return {
        "symbol": SYMBOL,
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "price": price,
        "quantity": quantity,
        "newClientOrderId": client_id,
    }
