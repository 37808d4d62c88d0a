"""What went wrong in other people's hedgers, each with its trigger put to this one. The numbers are those of the list
that was made from reading them: A what was not read, B orders sent twice or without end, C restarts and modes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.config import HedgeConfig
from core.events import EventKind
from core.ports import OrderState
from tests.execution.stage import Stage
from tests.execution.world import HEDGE, HEDGED, SYMBOL
from tests.rigs.venue import DEPTH, PLACE, POSITION, PREMIUM, QUERY, TRADES, faults

CLOSE = Decimal("0.003")
STEP = Decimal("0.001")
FOR_EVER = 100_000


def sent(stage: Stage) -> int:
    return len(stage.setting.sent())


def reason(stage: Stage) -> str:
    return stage.world.status.reason


def config(stage: Stage) -> HedgeConfig:
    return stage.setting.config().hedges[HEDGE]


# -- A: what was not read ----------------------------------------------------------------------------------------------


def test_a1_a_position_that_cannot_be_read_is_not_empty(hedged: Stage) -> None:
    """A failed reading of the LP was thrown away and its amounts stayed 0: the hedge would be bought back whole."""
    hedged.setting.pool.blind = True
    hedged.cycles(60)
    assert (hedged.setting.position, sent(hedged), reason(hedged)) == (HEDGED, 1, "stale_chain")
    assert hedged.told(EventKind.SUSPENDED)[-1] == "stale_chain"


def test_a2_a_quantity_is_rounded_or_not_sent(hedged: Stage) -> None:
    """An error in rounding an order sent it unrounded: here every quantity is a whole number of steps, rounded down."""
    for price in (1937, 1801, 2133, 1999, 2411, 1723):
        hedged.setting.set_price(price)
        hedged.cycles(6)
    orders = hedged.run(hedged.world.orders())
    assert len(orders) > 5
    assert all(order.request.quantity_base % STEP == 0 and order.state is OrderState.FINAL for order in orders)
    assert 0 <= hedged.gap_base < CLOSE


def test_a3_a_short_that_cannot_be_read_is_not_closed_already(hedged: Stage) -> None:
    """No answer was taken for "already closed" and old amounts had no age: nothing is traded on either."""
    hedged.server.faults.add(POSITION, faults.drop(), times=FOR_EVER)
    hedged.setting.set_price(1700)
    hedged.cycles(30)
    assert (hedged.setting.position, sent(hedged), reason(hedged)) == (HEDGED, 1, "stale_venue")
    hedged.server.faults.clear()
    hedged.until(lambda: abs(hedged.gap_base) < CLOSE)


def test_a4_an_unknown_size_is_not_zero_after_a_restart(hedged: Stage) -> None:
    """A hedge whose size could not be told was 0, and shorted again in full."""
    hedged.stop()
    hedged.server.faults.add(POSITION, faults.html_200(), times=20)
    hedged.start()
    hedged.cycles(15)
    assert (hedged.setting.position, sent(hedged)) == (HEDGED, 1)
    hedged.until_hedged(within_s=120)
    assert (hedged.setting.position, sent(hedged)) == (HEDGED, 1)


def test_a4_a_short_without_a_position_is_not_forgotten(hedged: Stage) -> None:
    """ "No positions" returned before it looked at the short that was left: here it is closed once, after the grace."""
    hedged.setting.pool.liquidity = 0
    hedged.cycles(100)
    assert hedged.setting.position == HEDGED
    hedged.until(lambda: hedged.setting.position == 0, within_s=600)
    assert sent(hedged) == 2
    hedged.is_settled()


def test_a5_without_its_records_a_short_is_asked_about(hedged: Stage) -> None:
    """A record that could not be read meant "no hedge", and everything was sold again: a found position asks first."""
    hedged.stop()
    for file in hedged.setting.database.parent.glob("lp_hedge.db*"):
        file.unlink()
    hedged.witness.close()
    hedged.start()
    hedged.cycles(20)
    assert (hedged.setting.position, sent(hedged), reason(hedged)) == (HEDGED, 1, "position_mismatch")
    assert EventKind.POSITION_MISMATCH.value in hedged.told(EventKind.POSITION_MISMATCH)


@pytest.mark.parametrize("endpoint", [DEPTH, PREMIUM])
def test_a5_a_price_that_cannot_be_read_is_no_price(hedged: Stage, endpoint: str) -> None:
    """A price that failed became 1.0: without one nothing is traded."""
    hedged.server.faults.add(endpoint, faults.empty_body(), times=FOR_EVER)
    hedged.setting.set_price(1700)
    hedged.cycles(30)
    assert (hedged.setting.position, sent(hedged)) == (HEDGED, 1)
    assert hedged.world.status.state == "SUSPENDED" and hedged.told(EventKind.SUSPENDED)


def test_a6_one_reading_of_zero_moves_nothing(hedged: Stage) -> None:
    """One reading of 0 closed a short that was opened again minutes later, twice the fees for nothing."""
    pool = hedged.setting.pool
    liquidity, pool.liquidity = pool.liquidity, 0
    hedged.cycles(1)
    pool.liquidity = liquidity
    hedged.cycles(30)
    hedged.until_hedged()
    assert (hedged.setting.position, sent(hedged)) == (HEDGED, 1)


# -- B: twice, and without end -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("price", [1850, 2150])
def test_b7_a_time_weighted_hedge_is_seen_to_be_done(stage: Stage, price: int) -> None:
    """A sliced hedge only ever opened, and its fills were not seen, so the same gap was hedged again and again."""
    stage.setting.settings |= {"twap_over_quote": 1000, "twap_duration_seconds": 12, "twap_interval_seconds": 3}
    stage.setting.settings |= {"cooldown_seconds": 5, "urgent_band_multiple": 100}
    stage.start()
    stage.until_hedged(within_s=120)
    before, orders = stage.setting.position, sent(stage)
    stage.setting.set_price(price)
    stage.until(lambda: abs(stage.gap_base) < CLOSE, within_s=120)
    slices = stage.setting.sent()[orders:]
    stage.cycles(120)
    assert stage.setting.sent()[orders:] == slices and len(slices) >= 3
    executed = stage.exchange.executed_by_client_id()
    assert sum(executed[each] for each in slices) == abs(stage.setting.position - before)
    stage.is_settled()


def test_b8_a_time_out_is_no_failure(hedged: Stage) -> None:
    """A time-out on submit counted as failed and a new id was sent: ten times, if need be."""
    hedged.server.faults.add(PLACE, faults.hang(60).after(), times=10)
    hedged.setting.set_price(1850)
    hedged.until(lambda: abs(hedged.gap_base) < CLOSE)
    hedged.until_hedged()
    hedged.cycles(60)
    assert sent(hedged) == 2
    hedged.is_settled()


def test_b9_attempts_do_not_add_up(hedged: Stage) -> None:
    """A fresh id for each attempt made the hedge up to three times as large, and at times on the wrong side."""
    for lost in (faults.drop().before(), faults.unavailable_503().after(), faults.backend_timeout_1007().after()):
        hedged.server.faults.add(PLACE, lost)
    hedged.setting.set_price(1850)
    hedged.until(lambda: abs(hedged.gap_base) < CLOSE, within_s=200)
    hedged.until_hedged()
    hedged.is_settled()
    sides = {order.request.side.value for order in hedged.run(hedged.world.orders())}
    assert sides == {"SELL"}
    assert sum(hedged.exchange.executed_by_client_id().values()) == -hedged.setting.position


def test_b10_too_large_a_short_is_reduced(hedged: Stage) -> None:
    """An over-hedge could never be reduced, and fed with the exchange's negative size the short grew for ever."""
    hedged.setting.set_price(2300)
    hedged.until(lambda: abs(hedged.gap_base) < CLOSE)
    reduced = hedged.setting.position
    hedged.cycles(100)
    assert HEDGED < reduced == hedged.setting.position < 0
    assert hedged.exchange.open_orders() == []
    assert sent(hedged) == 2


def test_b11_an_order_still_at_work_is_not_placed_again(hedged: Stage) -> None:
    """An order that rested was reported as failed and placed once more."""
    at_work = faults.edited(lambda body: body.replace('"FILLED"', '"NEW"'))
    hedged.server.faults.add(PLACE, at_work)
    hedged.server.faults.add(QUERY, at_work, times=25)
    hedged.setting.set_price(1850)
    hedged.cycles(15)
    assert (sent(hedged), hedged.world.status.state) == (2, "SUSPENDED")
    hedged.until_hedged(within_s=120)
    assert sent(hedged) == 2
    hedged.is_settled()


def test_b11_closed_means_closed(hedged: Stage) -> None:
    """ "Close all" was answered with success when it had only asked: here it goes on until nothing is left."""
    hedged.exchange.set_book(SYMBOL, [(Decimal(1999), Decimal(1))], [(Decimal(2001), Decimal("1.5"))])
    hedged.server.faults.add(PLACE, faults.throttled_503(), times=2)
    command(hedged, "flatten")
    hedged.cycles(10)
    assert hedged.setting.position < 0
    hedged.setting.set_price(2000)
    hedged.until(lambda: hedged.setting.position == 0, within_s=120)
    hedged.cycles(5)
    assert reason(hedged) == "halted"
    hedged.is_settled()


def test_b11_a_symbol_that_is_not_there_is_no_other(stage: Stage) -> None:
    """An unknown symbol was another asset's number 0: here it is refused and nothing is traded."""
    stage.setting.settings["symbol"] = "NOSUCHUSDT"
    stage.start(prepared=False)
    stage.cycles(20)
    assert stage.world.status.state == "SUSPENDED"
    assert stage.setting.sent() == []


def test_b12_looking_again_adds_nothing(hedged: Stage) -> None:
    """Every look added a full-size short, and the hedge rose where it should have fallen."""
    hedged.cycles(200)
    assert (hedged.setting.position, sent(hedged)) == (HEDGED, 1)
    positions = []
    for price in (1700, 1850, 2100, 2300):
        hedged.setting.set_price(price)
        hedged.until(lambda: abs(hedged.gap_base) < CLOSE)
        positions.append(hedged.setting.position)
    assert positions == sorted(positions)


def test_b13_only_the_difference_is_traded(hedged: Stage) -> None:
    """Each rebalance closed the whole short and opened a new one: naked between, twice the fees."""
    smallest = [abs(HEDGED)]
    hedged.exchange.price_listeners.append(lambda _: smallest.append(abs(hedged.setting.position)))
    before = hedged.setting.position
    for price in (1940, 1880, 1820):
        hedged.setting.set_price(price)
        hedged.until(lambda: abs(hedged.gap_base) < CLOSE)
    traded = sum(hedged.exchange.executed_by_client_id().values())
    assert traded - abs(before) == abs(hedged.setting.position - before)
    assert min(smallest) == abs(HEDGED)


def test_b14_not_found_is_not_filled(hedged: Stage) -> None:
    """ "Order not found" was taken for filled: here it is asked for until it is known never to have been."""
    hedged.server.faults.add(PLACE, faults.drop().before())
    hedged.setting.set_price(1850)
    hedged.cycles(4)
    assert (hedged.setting.position, reason(hedged)) == (HEDGED, "outcome_unknown")
    hedged.until(lambda: abs(hedged.gap_base) < CLOSE)
    states = [order.state for order in hedged.run(hedged.world.orders())]
    assert states == [OrderState.FINAL, OrderState.ABSENT, OrderState.FINAL]
    hedged.is_settled()


def test_b14_a_fill_that_is_listed_late_is_not_made_again(hedged: Stage) -> None:
    """Fills between query and cancel were lost and made once more."""
    hedged.server.faults.add(PLACE, faults.backend_timeout_1007().after())
    hedged.server.faults.add(QUERY, faults.no_such_order_2013(), times=2)
    hedged.server.faults.add(TRADES, faults.empty_list(), times=4)
    hedged.setting.set_price(1850)
    hedged.until(lambda: hedged.world.status.state == "READY" and abs(hedged.gap_base) < CLOSE, within_s=120)
    assert sent(hedged) == 2
    hedged.is_settled()


# -- C: restarts, modes, transitions -----------------------------------------------------------------------------------


@pytest.mark.parametrize("after", range(20, 80, 5))
def test_c15_a_crash_forgets_nothing(stage: Stage, after: int) -> None:
    """Positions were stored in a clean stop only: after a crash the old short, or none, was believed."""
    stage.start()
    stage.cycles_killed(3, after=after)
    stage.kill()
    stage.start()
    stage.until(lambda: stage.setting.position == HEDGED)
    stage.until_hedged()
    assert sum(stage.exchange.executed_by_client_id().values()) == -HEDGED
    stage.is_settled()


def test_c16_a_position_that_is_moved_is_not_gone(hedged: Stage) -> None:
    """While the LP was opening or closing it counted as none, and the hedge was closed at market."""
    pool = hedged.setting.pool
    liquidity = pool.liquidity
    for part in (2, 0):
        pool.liquidity = liquidity * part // 4
        hedged.cycles(15)
    assert (hedged.setting.position, sent(hedged)) == (HEDGED, 1)
    pool.liquidity = liquidity
    hedged.cycles(10)
    hedged.until_hedged()
    assert (hedged.setting.position, sent(hedged)) == (HEDGED, 1)


def test_c17_the_hysteresis_changes_the_trade(stage: Stage) -> None:
    """A hysteresis only chose a label: to its edge, less is traded than to the target."""
    stage.setting.settings |= {"rebalance_to": "edge", "delta_hysteresis_quote": 300}
    stage.start()
    stage.until_hedged()
    assert 299 < stage.gap_base * 2000 <= 302
    stage.is_settled()


def test_c17_a_mode_that_does_not_fit_is_no_warning(hedged: Stage) -> None:
    """With the account in another position mode every order failed, over and over: it is told, and waits longer."""
    wrong_mode = faults.error(400, -4061, "Order's position side does not match user's setting.")
    hedged.server.faults.add(PLACE, wrong_mode, times=FOR_EVER)
    hedged.setting.set_price(1850)
    hedged.cycles(240)
    assert hedged.setting.position == HEDGED
    assert 3 <= sent(hedged) <= 10
    assert hedged.told(EventKind.ORDER_REFUSED)[-1] == "-4061"


def test_c18_a_reduction_never_turns_the_position_round(hedged: Stage) -> None:
    """Without reduce-only, buying back what another hand had closed already opened a long."""

    async def another_hand() -> None:
        hedged.witness.disturbed()
        hedged.exchange.set_position(SYMBOL, Decimal("-0.5"))

    hedged.setting.set_price(2300)
    hedged.cycles_meanwhile(1, another_hand, after=26)
    hedged.cycles(5)
    bought = [entry for entry in hedged.server.requests(PLACE) if entry.params["side"] == "BUY"]
    assert bought and all(entry.params.get("reduceOnly") == "true" for entry in bought)
    assert hedged.setting.position == Decimal("-0.5")


def test_c18_an_id_is_never_used_again(hedged: Stage) -> None:
    """A filled order's id may be taken again by the exchange, for a second fill: each id of ours is sent once."""
    hedged.server.faults.add(PLACE, faults.backend_timeout_1007().after())
    hedged.server.faults.add(PLACE, faults.error(400, -4116, "ClientOrderId is duplicated."))
    for price in (1850, 1700):
        hedged.setting.set_price(price)
        hedged.until(lambda: abs(hedged.gap_base) < CLOSE, within_s=120)
    hedged.until_hedged()
    ids = hedged.setting.sent()
    assert len(ids) == len(set(ids)) == 4
    hedged.is_settled()


def command(stage: Stage, name: str) -> None:
    stage.run(stage.world.command(name, HEDGE))
