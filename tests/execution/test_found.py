"""What random histories found, each in its shortest form."""

from __future__ import annotations

from decimal import Decimal

from core.ports import OrderState
from tests.execution.stage import Stage
from tests.execution.troubles import TIME
from tests.execution.world import HEDGE
from tests.rigs.venue import PLACE, QUERY, faults


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
