"""What random histories found, each in its shortest form."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.ports import OrderState
from tests.execution.stage import Stage
from tests.execution.troubles import COUNTDOWN, TIME
from tests.execution.world import HEDGE, SYMBOL
from tests.rigs.venue import PLACE, QUERY, Fault, faults

QUOTING = {"order_type": "post_only", "urgent_band_multiple": 0, "fallback": "none"}


def test_an_order_said_not_to_be_accepted_and_found_later_counts_for_its_plan(stage: Stage) -> None:
    """A throttle's no, an execution all the same, and a query to a replica that is behind: no plan is done twice.

    The one query that follows a "not accepted" settles the order as refused for good. Its trade is then booked as ours,
    so that the position agrees, but the order's own executed quantity stays 0, and what is left of a capped plan with
    it: the same plan sends its whole quantity again, also beyond what a person approved.
    """
    stage.setting.settings["max_hedge_notional"] = 1200
    stage.start()
    stage.server.faults.add(PLACE, faults.unavailable_503().after())
    stage.server.faults.add(QUERY, faults.no_such_order_2013())
    stage.cycles(6)
    complaints, stage.witness.broken = stage.witness.broken, []
    assert complaints == []
    first = stage.run(stage.world.orders())[0]
    assert (first.state, first.executed_base) == (OrderState.FINAL, Decimal("0.600"))


def test_a_halt_counts_while_the_clock_is_measured_for_the_same_order(stage: Stage) -> None:
    """After "timestamp outside of the recvWindow" the clock is measured, which may take many seconds, and the order is
    sent again; a halt that was carried out and announced meanwhile must keep it back."""
    stage.start()
    stage.server.faults.add(PLACE, faults.clock_1021())
    stage.server.faults.add(TIME, faults.slow(3), times=3)

    async def halt() -> None:
        await stage.clock.sleep(4)
        await stage.world.command("halt", HEDGE)
        await stage.world.engine.carry_out_halts()

    stage.cycles_meanwhile(1, halt, after=1)
    stage.cycles(5)
    complaints, stage.witness.broken = stage.witness.broken, []
    assert complaints == []
    assert stage.setting.position == 0


@pytest.mark.parametrize("answer", [faults.empty_list(), faults.null_body(), faults.empty_body()], ids=lambda f: f.name)
def test_nothing_rests_on_a_countdown_that_was_not_confirmed(stage: Stage, answer: Fault) -> None:
    """HTTP 200 with anything else than the countdown's own words starts no countdown."""
    stage.setting.settings |= QUOTING
    stage.server.faults.add(COUNTDOWN, answer)
    stage.start()
    stage.cycles(1)
    assert stage.setting.sent() == []
    stage.cycles(3)
    assert len(stage.setting.sent()) == 1 and SYMBOL in stage.exchange.countdowns


def test_netting_that_is_cut_short_takes_from_both_legs(stage: Stage) -> None:
    """A plan whose time to quote ends after its first slice is followed by another, and by another.

    Were the first slice always the SHORT leg's, the hedge would be bought back bit by bit while the LONG leg stays.
    """
    stage.setting.settings |= QUOTING | {
        "limit_timeout_seconds": 2,
        "adopt_external": "auto",
        "delta_band_quote": 100_000,
    }
    stage.exchange.set_hedge_mode(True)
    stage.exchange.set_position(SYMBOL, Decimal(-6), side="SHORT")
    stage.exchange.set_position(SYMBOL, Decimal(1), side="LONG")
    stage.start()
    for _ in range(40):
        stage.cycles(1, every_s=3)
        for order in stage.exchange.open_orders(SYMBOL):
            assert order.request.price is not None
            stage.exchange.set_price(SYMBOL, order.request.price)
        stage.exchange.set_price(SYMBOL, Decimal(2000))
    assert stage.exchange.position(SYMBOL, "LONG") < Decimal("0.2")
    assert abs(stage.setting.position + 5) <= Decimal("0.2")


def test_a_leg_that_the_journal_has_below_zero_can_be_adopted(stage: Stage) -> None:
    """An ADL of a stranger's leg is booked, the stranger's own trade is not: the sum of that leg falls below zero.

    That shows in the net sum alone. /adopt must mend it too, or the mismatch stays for ever.
    """
    stage.exchange.set_hedge_mode(True)
    stage.exchange.set_position(SYMBOL, Decimal(1), side="LONG")
    stage.exchange.deleverage(SYMBOL, Decimal("0.5"), side="LONG")
    stage.exchange.liquidate(SYMBOL)
    stage.start()
    stage.until(lambda: stage.world.status.reason == "position_mismatch")
    stage.run(stage.world.command("adopt", HEDGE))
    stage.until_hedged()
    stage.is_settled()


def test_a_quote_in_doubt_stays_guarded_when_its_plan_ends(stage: Stage) -> None:
    """A quote whose answer was lost reaches the exchange two seconds later; by then a halt has ended its plan."""
    stage.setting.settings |= QUOTING
    stage.server.faults.add(PLACE, faults.unknown_503().late(2))
    stage.start()
    stage.cycles(1)
    stage.run(stage.world.command("halt", HEDGE))
    stage.cycles(2, every_s=0.5)
    assert SYMBOL in stage.exchange.countdowns
    stage.cycles(6)
    assert stage.exchange.open_orders(SYMBOL) == []
    stage.is_settled()


def test_legs_are_netted_where_nothing_else_is_missing(stage: Stage) -> None:
    """Both legs are open and net to the target exactly: what is left to trade beside the netting is zero."""
    stage.setting.settings |= {"adopt_external": "auto"}
    stage.exchange.set_hedge_mode(True)
    stage.setting.set_price(2600)  # above the range: no BASE at all
    for side, amount in (("SHORT", -1), ("LONG", 1)):
        stage.exchange.set_position(SYMBOL, Decimal(amount), side=side)
    stage.start()
    stage.cycles(1)
    assert "exchange LONG 1 and SHORT 1, journal LONG 0 and SHORT 0" in stage.world.status.detail
    stage.until_hedged()
    assert stage.exchange.position(SYMBOL, "LONG") == stage.exchange.position(SYMBOL, "SHORT") == 0
    stage.is_settled()


def test_a_late_end_of_a_countdown_ends_no_newer_one(stage: Stage) -> None:
    """The answer to "count no more" was lost, and it is carried out two seconds later, when the next quote rests."""
    stage.setting.settings |= QUOTING | {"limit_timeout_seconds": 600}
    late = faults.bad_gateway_502().late(2)
    stage.server.faults.add(COUNTDOWN, late, matches=lambda params: params["countdownTime"] == "0")
    stage.start()
    stage.cycles(1)
    stage.run(stage.world.command("halt", HEDGE))
    stage.cycles(1, every_s=0.1)
    stage.run(stage.world.command("resume", HEDGE))
    stage.cycles(12)
    assert len(stage.exchange.open_orders(SYMBOL)) == 1
    complaints, stage.witness.broken = stage.witness.broken, []
    assert complaints == []
