"""With the exchange's own news: fills booked as told, accounts read only when something happened, silence noticed."""

from __future__ import annotations

import asyncio
import gc
from dataclasses import replace
from decimal import Decimal

import pytest

from core.events import EventKind
from core.execution import outcome
from core.listening import LONGEST_WAIT_S
from core.venue_watch import VenueWatch
from tests.exchange.listening import PATIENCE_S, until
from tests.execution.world import HEDGED, SYMBOL, RealClock, Setting, World, running
from tests.rigs.venue import DEPTH, PLACE, POSITION, QUERY, TRADES, Fault, faults


@pytest.fixture(autouse=True)
def real_time(setting: Setting) -> None:
    setting.clock = setting.pool.clock = RealClock()


def watch_of(world: World) -> VenueWatch:
    watch = getattr({task.name: task.work for task in world.engine.beside}["fills told"], "__self__", None)
    assert isinstance(watch, VenueWatch)
    return watch


async def heard(world: World) -> None:
    """Until account and markets are connected, and have told something."""
    hub, watch = world.setting.server.hub, watch_of(world)
    await until(lambda: hub.connected(private=True) == 1 and hub.connected(private=False) == 2, LONGEST_WAIT_S)
    await until(lambda: set(watch.troubles.values()) == {None} and watch.market(SYMBOL) is not None)


async def until_booked(world: World, base: Decimal) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while await world.journal_base() != base:
            await asyncio.sleep(0.01)


async def test_quiet_evaluations_ask_for_nothing(setting: Setting) -> None:
    """Ten looks at a hedged position that nothing happens to: neither book nor position is asked for.

    Where this process was held up, what was told before has grown old, and asking is right: then ten others count.
    """
    async with running(setting, hearing=True) as world:
        await heard(world)
        await world.until_hedged(within=150)

        def asked() -> tuple[int, int]:
            return len(setting.server.requests(POSITION)), len(setting.server.requests(DEPTH))

        for _ in range(10):
            before = asked()
            await world.cycles(10, every_s=1)
            assert world.status.state == "READY"
            if asked() == before:
                return
        raise AssertionError("it asks although it is told")


async def test_an_account_is_read_again_after_anything_that_happened_to_it(setting: Setting) -> None:
    """A stranger's trade is seen at the next look, not at the end of what a reading is believed for."""
    async with running(setting, hearing=True) as world:
        await heard(world)
        await world.until_hedged(within=150)
        await world.cycles(2)
        began_s = setting.clock.monotonic_s()
        setting.server.exchange.set_position(SYMBOL, setting.position - 1)
        await until(lambda: not watch_of(world).is_quiet_since(SYMBOL, began_s))
        await world.cycles(1)
        assert world.status.reason == "implausible_read"
        await world.until(lambda w: w.status.reason == "position_mismatch", within=100)


async def test_a_told_fill_is_booked_without_asking(setting: Setting) -> None:
    """A resting order's fill is in the journal before anybody looks, once, with its fee."""
    setting.settings |= {"order_type": "post_only", "urgent_band_multiple": 0, "limit_timeout_seconds": 600}
    async with running(setting, hearing=True) as world:
        await heard(world)
        await world.cycles(2)
        asked = len(setting.server.requests(TRADES))
        setting.set_price(2002)
        setting.set_price(2000)
        await until_booked(world, HEDGED)
        assert setting.position == HEDGED
        assert len(setting.server.requests(TRADES)) == asked
        ((_, fill),) = await world.store.journal.recent_fills(5)
        assert fill.fee > 0 and fill.is_maker
        await world.until_hedged(within=150)
        await world.check_settled()
        gc.collect()
        assert not [each for each in gc.get_objects() if type(each) is outcome._Search]  # nothing grows by it


async def test_told_twice_late_and_in_any_order(setting: Setting) -> None:
    """Duplicated, delayed, swapped and lost events change nothing."""
    setting.settings |= {"max_order_size": 1}
    async with running(setting, hearing=True) as world:
        await heard(world)
        told = setting.server.hub.user_faults
        for _ in range(2):
            told.duplicate("ORDER_TRADE_UPDATE")
            told.swap("ACCOUNT_UPDATE")
            told.delay(0.4, "ORDER_TRADE_UPDATE")
            told.drop("ORDER_TRADE_UPDATE")
        await world.until_hedged(within=150)
        assert setting.position == HEDGED
        await asyncio.sleep(0.5)
        await world.check_settled()


async def test_a_lost_connection_is_blindness(setting: Setting) -> None:
    """Nothing heard: everything is asked again, what was missed is found, and hedging goes on meanwhile."""
    async with running(setting, hearing=True) as world:
        await heard(world)
        await world.until_hedged(within=150)
        setting.server.hub.refusing = True
        setting.server.hub.close_all(1001)
        await until(lambda: None not in watch_of(world).troubles.values())
        asked = len(setting.server.requests(POSITION))
        setting.set_price(1950)
        await world.cycles(2)
        await world.until_hedged(within=150)
        assert len(setting.server.requests(POSITION)) > asked
        assert setting.position < HEDGED
        setting.server.hub.refusing = False
        await heard(world)
        swept = len(setting.server.requests("GET /fapi/v1/openOrders"))
        await world.cycles(1)
        assert len(setting.server.requests("GET /fapi/v1/openOrders")) == swept + 1
        await world.check_settled()


async def test_no_new_open_before_it_is_reconciled(setting: Setting) -> None:
    """After a reconnect the sweep comes first; while it fails nothing is opened."""
    async with running(setting, hearing=True) as world:
        await heard(world)
        await world.until_hedged(within=150)
        connections = watch_of(world).connections
        setting.server.hub.close_all(1001)
        await until(lambda: watch_of(world).connections > connections)
        await heard(world)
        setting.server.faults.add("GET /fapi/v1/openOrders", faults.bad_gateway_502(), times=3)
        setting.set_price(1900)
        sent = len(setting.sent())
        await world.cycles(3)
        assert len(setting.sent()) == sent
        assert world.status.reason == "stale_venue"
        await world.until_hedged(within=150)
        assert setting.position < HEDGED


async def test_an_order_of_a_lost_journal_is_taken_back(setting: Setting) -> None:
    """It has our name and nobody's plan; a person's own order beside it is left alone."""
    witness = setting.server.exchange.listeners.pop()
    for client_id in ("lph.eth.zzzzzzzz.1", "web_mine"):
        setting.server.exchange.submit(
            {
                "symbol": SYMBOL,
                "side": "SELL",
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": "1",
                "price": "2500",
                "newClientOrderId": client_id,
            }
        )
    setting.server.exchange.listeners.append(witness)
    async with running(setting) as world:
        await world.until_hedged(within=150)
        assert [each.request.client_id for each in setting.server.exchange.open_orders(SYMBOL)] == ["web_mine"]


async def test_filled_before_the_answer_came(setting: Setting) -> None:
    """The stream is ahead of the ack, and the ack is lost: the fill is known, and nothing is sent again."""
    setting.server.faults.add(PLACE, faults.drop().after())
    async with running(setting, hearing=True) as world:
        await heard(world)
        await world.until_hedged(within=150)
        assert (setting.position, len(setting.sent())) == (HEDGED, 1)
        await world.check_settled()


NOT_ACCEPTED = faults.unavailable_503().after()


@pytest.mark.parametrize("answer", [NOT_ACCEPTED, replace(NOT_ACCEPTED, hold_s=0.3)], ids=["at once", "held"])
async def test_a_told_fill_contradicts_a_refusal(setting: Setting, answer: Fault) -> None:
    """Said to be not accepted, but executed, and the query lags: what the stream told stands, before or after it."""
    setting.server.faults.add(PLACE, answer)
    setting.server.faults.add(QUERY, faults.no_such_order_2013(), times=2)
    async with running(setting, hearing=True) as world:
        await heard(world)
        await world.until_hedged(within=150)
        assert (setting.position, len(setting.sent())) == (Decimal("-4.999"), 1)
        await world.check_settled()


async def test_a_told_fill_hides_no_older_trade(setting: Setting) -> None:
    """A trade that was not told, older than one that was, is still found by the next reading of the trade list."""
    setting.settings |= {"adopt_external": "auto"}
    async with running(setting, hearing=True) as world:
        await heard(world)
        await world.until_hedged(within=150)
        setting.server.hub.muted = True
        setting.server.exchange.deleverage(SYMBOL, Decimal("0.5"))
        setting.server.hub.muted = False
        setting.set_price(1900)
        await world.cycles(2)
        await world.until_hedged(within=150)
        origins = await world.store.database.rows("SELECT origin, told FROM fills ORDER BY trade_id")
        assert [row["origin"] for row in origins].count("adl") == 1
        assert await world.events(EventKind.POSITION_MISMATCH) == []
        await world.check_settled()
