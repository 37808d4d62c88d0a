"""This machine's clock is set by an hour, to and fro: nothing stalls until an hour comes again, nothing goes twice."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest

from tests.execution.stage import Stage
from tests.execution.world import HEDGED

HOUR_S = 3600.0
CLOSE = Decimal("0.003")
SLICES: dict[str, object] = {
    "twap_over_quote": 1000,
    "twap_duration_seconds": 60,
    "twap_interval_seconds": 10,
    "urgent_band_multiple": 100,
}
QUOTES: dict[str, object] = {"order_type": "post_only", "limit_timeout_seconds": 30, "urgent_band_multiple": 100}


@pytest.mark.parametrize(("by_s", "restarted"), [(HOUR_S, False), (-HOUR_S, False), (-HOUR_S, True)])
def test_a_plan_in_slices_keeps_its_pace(stage: Stage, by_s: float, restarted: bool) -> None:
    """Set back it would wait for the hour, set forward all that is left would go at once."""
    stage.setting.settings |= SLICES
    stage.start()
    stage.until(lambda: len(stage.setting.sent()) == 2)
    stage.clock.wall_offset_s = by_s
    if restarted:
        stage.kill()
        stage.start()
    began_s, sent_at_s = stage.loop.time(), list[float]()
    for number in range(3, 6):
        stage.until(lambda number=number: len(stage.setting.sent()) >= number)  # type: ignore[misc]
        sent_at_s.append(stage.loop.time() - began_s)
    stage.until_hedged(within_s=120)
    assert stage.loop.time() - began_s < 120 and abs(stage.gap_base) < CLOSE
    # The first may come early: facts from before the jump end one plan, and the next begins at once.
    assert all(later - earlier >= 4 for earlier, later in itertools.pairwise(sent_at_s))
    settled(stage)


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
def test_a_quote_has_its_time(stage: Stage, by_s: float) -> None:
    """Nobody meets it: after thirty seconds, not an hour and not at once, the rest is taken from the market."""
    stage.setting.settings |= QUOTES
    stage.start()
    stage.until(lambda: stage.world.status.reason != "starting" and bool(stage.setting.sent()))
    began_s, stage.clock.wall_offset_s = stage.loop.time(), by_s
    stage.cycles(10)
    assert stage.setting.position == 0
    stage.until_hedged(within_s=120)
    assert 20 < stage.loop.time() - began_s < 60 and stage.setting.position == HEDGED
    settled(stage)


@pytest.mark.parametrize("by_s", [HOUR_S, -HOUR_S])
def test_the_next_hedge_does_not_wait_for_the_hour(stage: Stage, by_s: float) -> None:
    """There and back again: what moved meanwhile is hedged within seconds of the cooldown, once."""
    stage.setting.settings |= {"cooldown_seconds": 30}
    stage.start()
    stage.until_hedged()
    for offset_s, price in ((by_s, 1900), (0.0, 2000)):
        stage.clock.wall_offset_s, sent = offset_s, len(stage.setting.sent())
        stage.setting.set_price(price)
        stage.until(lambda: abs(stage.gap_base) < CLOSE, within_s=60)
        stage.until_hedged()
        assert len(stage.setting.sent()) == sent + 1
    settled(stage)


def settled(stage: Stage) -> None:
    """As `Stage.is_settled`, but for the order of the journal's times, which is the wall clock's."""
    world = stage.world
    stage.run(world._check_executions())
    assert stage.run(world.store.journal.unsettled_orders()) == ()
    assert stage.run(world.journal_base()) == stage.setting.position
    assert stage.witness.broken == []
