"""The wall clock is set by an hour while something waits: it waits as long as it would have."""

from __future__ import annotations

import pytest

from tests.core.wallet import Wallet
from tests.core.wrong_clock import BOTH_WAYS
from tests.execution.stage import Stage


@BOTH_WAYS
@pytest.mark.parametrize("restarted", [False, True])
def test_without_liquidity_the_short_is_closed_after_the_grace(stage: Stage, by_s: float, restarted: bool) -> None:
    """Five minutes, also when the program is restarted after its first look at the clock that was set."""
    stage.setting.pool = wallet = Wallet(stage.setting)
    stage.start()
    stage.until_hedged()
    wallet.gone = True
    stage.cycles(20)
    assert stage.world.status.reason == "no_lp"
    began_s, stage.clock.wall_offset_s = stage.loop.time(), by_s
    if restarted:
        stage.cycles(1)
        stage.stop()
        stage.start()
    stage.cycles(50, every_s=5.0)
    assert stage.setting.position != 0
    stage.until(lambda: stage.setting.position == 0, within_s=120)
    assert 250 < stage.loop.time() - began_s < 310


@BOTH_WAYS
def test_a_blind_chain_is_estimated_for_an_hour(stage: Stage, by_s: float) -> None:
    """Nor is what was read before news, when the clock that was set back tells the hour of that again."""
    stage.setting.settings |= {"on_chain_blind": "estimate"}
    stage.start()
    stage.until_hedged()
    stage.setting.pool.blind = True
    stage.until(lambda: stage.world.status.estimated)
    stage.clock.wall_offset_s = by_s
    stage.cycles(58, every_s=60.0)
    assert stage.world.status.estimated
    stage.cycles(20, every_s=15.0)
    assert stage.world.status.reason == "stale_chain"


@BOTH_WAYS
def test_the_count_of_an_hour_ends_with_the_hour(stage: Stage, by_s: float) -> None:
    stage.setting.settings |= {"max_per_hour": 2, "urgent_band_multiple": 100}
    stage.start()
    stage.until_hedged()
    for price in (1900, 2000, 1900):
        stage.setting.set_price(price)
        stage.cycles(10)
    assert stage.world.status.reason == "max_per_hour"
    sent, stage.clock.wall_offset_s = len(stage.setting.sent()), by_s
    stage.cycles(58, every_s=60.0)
    assert len(stage.setting.sent()) == sent
    stage.cycles(5, every_s=60.0)
    assert len(stage.setting.sent()) == sent + 1
