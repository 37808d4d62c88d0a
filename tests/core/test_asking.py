"""Questions of two hedges side by side, and when an unanswered one is asked again."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest

from core.events import EventKind
from core.ports import ApprovalState
from tests.core.pair import Pair, Programme, started

HEDGED = Decimal("-4.999")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    settings: dict[str, object] = {"approval_over_quote": 1000, "delta_band_quote": 200, "delta_band_pct": 0}
    return Pair(tmp_path / "lp_hedge.db", settings=settings | {"approval_timeout_seconds": 60})


async def asked_of(programme: Programme, hedge: str) -> list[float]:
    """Minutes from the start at which this hedge's questions were asked."""
    questions = await programme.events(EventKind.APPROVAL_ASKED)
    began = programme.pair.clock.now().replace(hour=0, minute=0, second=0)
    return [(event.at - began).total_seconds() / 60 for event in questions if event.hedge == hedge]


async def test_each_hedge_has_its_own_question(pair: Pair) -> None:
    """A yes to one is no yes to the other."""
    async with started(pair) as programme:
        await programme.cycles(3)
        asked = {approval.hedge: approval for approval in await programme.store.approvals.live()}
        assert set(asked) == {"eth", "bnb"}
        await programme.office.desk.answer(asked["eth"].approval_id, approve=True, by="Anna", note=None)
        await programme.cycles(3)
        assert [await programme.position(name) for name in ("eth", "bnb")] == [HEDGED, Decimal(0)]


async def test_silence_is_asked_into_ever_more_rarely(pair: Pair) -> None:
    """A minute to answer, then 5, 15, 30 minutes and from then on an hour of peace."""
    async with started(pair) as programme:
        await programme.cycles(5 * 60, every_s=60)
        waits = [later - earlier for earlier, later in pairwise(await asked_of(programme, "eth"))]
        assert [round(wait) for wait in waits] == [6, 16, 31, 61, 61, 61, 61]


async def test_silence_is_broken_when_the_need_has_grown_by_half(pair: Pair) -> None:
    """Not when it has grown by less."""
    async with started(pair) as programme:
        await programme.cycles(4, every_s=30)
        assert len(await asked_of(programme, "eth")) == 1
        pair.feed.price = Decimal(1850)
        await programme.cycles(2)
        assert len(await asked_of(programme, "eth")) == 1
        pair.feed.price = Decimal(1700)
        await programme.cycles(2)
        assert len(await asked_of(programme, "eth")) == 2


async def test_silence_outlives_a_restart(pair: Pair) -> None:
    """A new process does not begin to ask anew."""
    async with started(pair) as programme:
        await programme.cycles(4, every_s=30)
    async with started(pair) as programme:
        await programme.cycles(8, every_s=30)
        assert len(await asked_of(programme, "eth")) == 1


async def test_a_tap_at_the_very_end_of_its_time_is_too_late(pair: Pair) -> None:
    """The last moment that counts is the one before."""
    async with started(pair) as programme:
        await programme.cycles(1, every_s=0)
        asked = {approval.hedge: approval for approval in await programme.store.approvals.live()}
        desk = programme.office.desk
        await pair.clock.advance(59.999)
        in_time = await desk.answer(asked["eth"].approval_id, approve=True, by="Anna", note=None)
        await pair.clock.advance(0.001)
        late = await desk.answer(asked["bnb"].approval_id, approve=True, by="Anna", note=None)
        assert (in_time.won, late.won) == (True, False)
        await programme.cycles(3)
        assert [await programme.position(name) for name in ("eth", "bnb")] == [HEDGED, Decimal(0)]


async def test_a_question_shows_what_its_answer_depends_on(pair: Pair) -> None:
    """Side, size, cost, position, exposure, margin and liquidation before and after; and the figures fit together."""
    async with started(pair) as programme:
        await programme.cycles(1)
        (approval,) = await programme.store.approvals.live("eth")
        shown = approval.shown
        size, price = Decimal(shown["size_base"]), Decimal(shown["price"])
        assert (shown["side"], size, Decimal(shown["size_quote"])) == ("SELL", -HEDGED, size * price)
        for what in ("position", "exposure"):
            assert Decimal(shown[f"{what}_before"]) - Decimal(shown[f"{what}_after"]) == size
        assert Decimal(shown["available_after"]) < Decimal(shown["available_before"])
        assert shown["liquidation_before"] == "none" and Decimal(shown["liquidation_after"]) > price
        assert Decimal(shown["expected_price"]) < price and Decimal(shown["expected_cost_quote"]) > 0
        assert approval.state is ApprovalState.PENDING


async def test_the_look_that_asks_rings_no_other_alarm(pair: Pair) -> None:
    """The gap is far over its limit, the question rings, and nothing was traded that could have failed to close it; nor
    does it before the next look, which is long in coming."""
    pair.settings["alert_over_quote"] = 500
    async with started(pair) as programme:
        await programme.cycles(1, every_s=0)
        statuses = programme.engine.statuses()
        assert {(status.state, status.reason) for status in statuses} == {("AWAITING_APPROVAL", "band_exceeded")}
        for _ in range(40):
            await programme.office.notifier.tick(statuses)
            await pair.clock.advance(1)
        told = await programme.store.outbox.due(pair.clock.now(), 100)
        exposure = [message for message in told if "exposure" in message.text]
        assert len(exposure) == 2
        assert all(message.silent and "It waits for your answer" in message.text for message in exposure)


async def test_a_question_shows_the_trade_that_the_limits_leave(tmp_path: Path) -> None:
    """Five are missing and the largest short is worth 500: a quarter is asked for, with the figures of that trade; the
    yes trades all of it."""
    settings: dict[str, object] = {"approval_over_quote": 1000, "delta_band_quote": 200, "delta_band_pct": 0}
    pair = Pair(tmp_path / "lp_hedge.db", settings=settings | {"max_position_notional": 500})
    async with started(pair) as programme:
        await programme.cycles(1)
        (approval,) = await programme.store.approvals.live("eth")
        shown, size = approval.shown, Decimal("0.25")
        assert (approval.quantity_base, Decimal(shown["size_quote"])) == (size, size * Decimal(shown["price"]))
        assert (shown["cut_by"], Decimal(shown["needed_base"])) == ("at_cap", -HEDGED)
        assert Decimal(shown["position_after"]) == -size
        assert Decimal(shown["exposure_before"]) - Decimal(shown["exposure_after"]) == size
        bound_quote = Decimal(shown["available_before"]) - Decimal(shown["available_after"])
        assert 0 < bound_quote < 500
        await programme.office.desk.answer(approval.approval_id, approve=True, by="Anna", note=None)
        await programme.cycles(3)
        done = await programme.store.approvals.get(approval.approval_id)
        assert done is not None and (done.state, done.used_base) == (ApprovalState.DONE, size)
        assert (await programme.position("eth"), programme.status("eth").reason) == (-size, "at_cap")


async def test_a_question_that_the_margin_cut_never_leaves_a_negative_one(tmp_path: Path) -> None:
    """All that the account can carry is asked for, and what is free afterwards is not under zero."""
    settings: dict[str, object] = {"approval_over_quote": 1000, "delta_band_quote": 200, "delta_band_pct": 0}
    pair = Pair(tmp_path / "lp_hedge.db", settings=settings | {"min_available_balance_quote": 49_500})
    async with started(pair) as programme:
        await programme.cycles(1)
        (approval,) = await programme.store.approvals.live("eth")
        assert approval.shown["cut_by"] == "low_margin" and 0 < approval.quantity_base < -HEDGED
        assert Decimal(approval.shown["available_after"]) >= 49_500
