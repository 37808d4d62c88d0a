"""Replicas that lag: the exchange's parts disagree for seconds, and each may be the one that is behind."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from core.events import EventKind
from core.ports import OrderState
from tests.execution.world import HEDGED, SYMBOL, Setting, World
from tests.rigs.venue import PLACE, POSITION, QUERY, TRADES, faults
from tests.rigs.venue.orders import Order

NOTHING = faults.empty_list()


def by_client_id(params: Mapping[str, str]) -> bool:
    return "origClientOrderId" in params


@pytest.mark.parametrize("answers", [1, 3, 12])
async def test_trade_list_lags(setting: Setting, world: World, answers: int) -> None:
    """Until the fills are listed the order is not over, and nothing else is sent."""
    setting.server.faults.add(TRADES, NOTHING, times=answers)
    await world.until_hedged()
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    assert len(await world.events(EventKind.HEDGE_EXECUTED)) == 1
    await world.check_settled()


@pytest.mark.parametrize("answers", [1, 4])
async def test_position_lags(setting: Setting, world: World, answers: int) -> None:
    """A position from before the fill contradicts the journal and is not traded on."""
    setting.server.faults.add(POSITION, NOTHING, times=1 + answers)
    await world.until_hedged()
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    await world.check_settled()


async def test_position_and_trades_lag_together(setting: Setting, world: World) -> None:
    """Position and trade list agree that nothing has happened: only the order itself knows better."""
    setting.server.faults.add(POSITION, NOTHING, times=30)
    setting.server.faults.add(TRADES, NOTHING, times=60)
    await world.cycles(20)
    assert len(setting.sent()) == 1
    assert (world.status.state, world.status.reason) == ("SUSPENDED", "outcome_unknown")
    setting.server.faults.clear()
    await world.until_hedged()
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    await world.check_settled()


@pytest.mark.parametrize("answers", [1, 4, 9, 20])
async def test_query_lags_after_a_lost_answer(setting: Setting, world: World, answers: int) -> None:
    """-2013 on however many queries, over however long: with the fill in the trade list it is not absent."""
    setting.server.faults.add(PLACE, faults.drop().after())
    setting.server.faults.add(QUERY, faults.no_such_order_2013(), times=answers, matches=by_client_id)
    await world.until_hedged(within=120)
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    await world.check_settled()


async def test_no_query_can_name_the_order_of_a_trade(setting: Setting, world: World) -> None:
    """A trade whose order nobody knows yet may be ours: absence is not concluded before it has a name."""
    setting.server.faults.add(PLACE, faults.drop().after())
    setting.server.faults.add(QUERY, faults.no_such_order_2013(), times=40)
    await world.cycles(15)
    assert len(setting.sent()) == 1
    (order,) = await world.orders()
    assert not order.state.is_settled
    setting.server.faults.clear()
    await world.until_hedged()
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    assert await world.events(EventKind.FOREIGN_TRADE) == []
    await world.check_settled()


@pytest.mark.parametrize(("status", "executed"), [("NEW", "0.000"), ("PARTIALLY_FILLED", "2.000")])
@pytest.mark.parametrize("answers", [2, 30])
async def test_order_not_final_at_first(
    setting: Setting, world: World, status: str, executed: str, answers: int
) -> None:
    """The answer and then the queries show it under way; it is followed to its end."""
    under_way = faults.edited(lambda body: _with(body, status=status, executedQty=executed))
    setting.server.faults.add(PLACE, under_way)
    setting.server.faults.add(QUERY, under_way, times=answers)
    await world.cycles(3)
    assert len(setting.sent()) == 1
    await world.until_hedged()
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    await world.check_settled()


async def test_reading_fails_after_the_order_was_accepted(setting: Setting, world: World) -> None:
    """Trouble with the trade list is no trouble of the program: the order stays open until it can be read."""
    setting.server.faults.add(TRADES, faults.bad_gateway_502(), times=3)
    await world.until_hedged()
    assert (setting.position, len(setting.sent())) == (HEDGED, 1)
    assert [order.state for order in await world.orders()] == [OrderState.FINAL]
    await world.check_settled()


async def test_our_trade_is_listed_after_a_younger_one(setting: Setting, world: World) -> None:
    """A stranger's later trade comes first in the list; ours is not passed over for its smaller number."""
    await world.until_hedged()
    setting.server.exchange.listeners.append(_ManualTradeAfterOurs(setting))
    setting.server.faults.add(TRADES, faults.edited(_only_the_newest), times=2)
    setting.set_price(1900)
    await world.until(lambda world: world.status.reason == "position_mismatch")
    await world.command("adopt", "eth")
    await world.until_hedged()
    await world.check_settled()


def _with(body: str, **changes: str) -> str:
    return json.dumps(json.loads(body) | changes)


def _only_the_newest(body: str) -> str:
    return json.dumps(json.loads(body)[-1:])


class _ManualTradeAfterOurs:
    """A stranger sells 1 BASE the moment after our next order was filled."""

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._done = False

    def order_changed(self, order: Order, execution: str, trade: object) -> None:
        if execution == "TRADE" and order.status == "FILLED" and not self._done:
            self._done = True
            exchange = self._setting.server.exchange
            exchange.set_position(SYMBOL, exchange.position(SYMBOL) - 1)

    def account_changed(self, reason: str, symbol: str, sides: tuple[str, ...]) -> None: ...
