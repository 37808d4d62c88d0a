"""The wall clock is set by an hour while something waits: it waits as long as it would have."""

from __future__ import annotations

from decimal import Decimal

import pytest

from core.ports import Approval, ApprovalState
from tests.core.wallet import Wallet
from tests.core.wrong_clock import BOTH_WAYS, HOUR_S
from tests.execution.stage import Stage
from tests.execution.world import SYMBOL
from tests.rigs.venue import faults


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


ASKS: dict[str, object] = {"approval_over_quote": 1500, "approval_timeout_seconds": 300}


def asked(stage: Stage) -> Approval:
    stage.start()
    stage.until(lambda: stage.world.status.state == "AWAITING_APPROVAL")
    (approval,) = stage.run(stage.world.store.approvals.live("eth"))
    return approval


def answer(stage: Stage, approval: Approval, *, approve: bool) -> bool:
    desk = stage.world.office.desk
    return stage.run(desk.answer(approval.approval_id, approve=approve, by="Anna", note=None)).won


def state_of(stage: Stage, approval: Approval) -> ApprovalState:
    found = stage.run(stage.world.store.approvals.get(approval.approval_id))
    assert found is not None
    return found.state


@BOTH_WAYS
def test_a_question_expires_after_its_five_minutes(stage: Stage, by_s: float) -> None:
    """Then the part that needs no answer is traded."""
    stage.setting.settings |= ASKS | {"approval_on_timeout": "partial"}
    approval = asked(stage)
    stage.clock.wall_offset_s = by_s
    stage.cycles(56, every_s=5.0)
    assert state_of(stage, approval) is ApprovalState.PENDING and stage.setting.sent() == []
    stage.cycles(10, every_s=5.0)
    assert state_of(stage, approval) is ApprovalState.EXPIRED and stage.setting.position < 0


@BOTH_WAYS
def test_a_question_can_be_answered_for_its_five_minutes(stage: Stage, by_s: float) -> None:
    stage.setting.settings |= ASKS
    approval = asked(stage)
    stage.clock.wall_offset_s = by_s
    assert answer(stage, approval, approve=True)
    stage.until_hedged()
    assert state_of(stage, approval) is ApprovalState.DONE


@BOTH_WAYS
def test_a_question_that_expired_cannot_be_answered(stage: Stage, by_s: float) -> None:
    """Nobody looked since."""
    stage.setting.settings |= ASKS
    approval = asked(stage)
    stage.clock.wall_offset_s = by_s
    stage.clock.skip(310)
    assert not answer(stage, approval, approve=True)


@BOTH_WAYS
def test_a_yes_starts_within_a_minute_or_fails(stage: Stage, by_s: float) -> None:
    stage.setting.settings |= ASKS
    approval = asked(stage)
    stage.setting.pool.blind = True
    assert answer(stage, approval, approve=True)
    stage.clock.wall_offset_s = by_s
    stage.cycles(11, every_s=5.0)
    assert state_of(stage, approval) is ApprovalState.APPROVED
    stage.cycles(3, every_s=5.0)
    assert (state_of(stage, approval), stage.setting.sent()) == (ApprovalState.FAILED, [])


@BOTH_WAYS
def test_a_no_keeps_quiet_for_its_ten_minutes(stage: Stage, by_s: float) -> None:
    stage.setting.settings |= ASKS | {"reject_snooze_seconds": 600}
    approval = asked(stage)
    assert answer(stage, approval, approve=False)
    stage.cycles(2)
    stage.clock.wall_offset_s = by_s
    stage.cycles(116, every_s=5.0)
    assert stage.world.status.reason == "snoozed"
    stage.cycles(6, every_s=5.0)
    assert stage.world.status.state == "AWAITING_APPROVAL"


@BOTH_WAYS
def test_a_mark_away_from_its_index_suspends_after_a_minute(stage: Stage, by_s: float) -> None:
    stage.start()
    stage.until_hedged()
    stage.exchange.set_price(SYMBOL, Decimal(2000), index=Decimal(1900))
    stage.cycles(5)
    stage.clock.wall_offset_s = by_s
    stage.cycles(10, every_s=5.0)
    assert stage.world.status.reason != "venue_dislocated"
    stage.cycles(4, every_s=5.0)
    assert stage.world.status.reason == "venue_dislocated"


def test_an_old_price_is_no_news_when_its_hour_comes_again(stage: Stage) -> None:
    """The exchange has not answered since before the clock was set back."""
    stage.start()
    stage.until_hedged()
    stage.server.faults.add("GET /fapi/v3/account", faults.unavailable_503(), times=10_000)
    stage.clock.wall_offset_s = -HOUR_S
    stage.cycles(59, every_s=60.0)
    for _ in range(30):
        stage.cycles(1, every_s=4.0)
        assert stage.world.status.reason == "stale_venue"
