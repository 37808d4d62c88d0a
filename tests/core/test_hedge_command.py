"""/hedge: to the target now. What it passes over, and what holds against it as against everything."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from core.actions import Actions, Outcome
from core.errors import Transient
from core.events import EventKind
from core.ports import ApprovalState
from tests.core.pair import Pair, Programme, started

STEP = Decimal("0.001")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path / "lp_hedge.db")


async def hedge(programme: Programme) -> tuple[bool, str]:
    row = await programme.put("hedge", "eth")
    await programme.cycles(2)
    answer = await programme.store.commands.answer(row)
    assert answer is not None
    return answer


async def gap(programme: Programme) -> Decimal:
    found = programme.status("eth").gap_base
    assert found is not None
    return abs(found)


async def test_it_passes_over_the_cooldown(pair: Pair) -> None:
    """Which holds back the program, not its operator."""
    pair.settings |= {"cooldown_seconds": 3600, "urgent_band_multiple": 0}
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.feed.price = Decimal(1900)
        await programme.cycles(3)
        assert programme.status("eth").state == "COOLDOWN"
        assert (await hedge(programme))[0]
        assert await gap(programme) < STEP


async def test_it_passes_over_the_hourly_limit(pair: Pair) -> None:
    """One rebalance an hour is used up, a person wants another."""
    pair.settings |= {"max_per_hour": 1, "urgent_band_multiple": 0}
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.feed.price = Decimal(1900)
        await programme.cycles(3)
        assert programme.status("eth").reason == "max_per_hour"
        assert (await hedge(programme))[0]
        assert await gap(programme) < STEP


async def test_it_overtakes_the_question(pair: Pair) -> None:
    """Its confirmation is the approval; the question is closed before anything is traded."""
    pair.settings |= {"approval_over_quote": 1000}
    async with started(pair) as programme:
        await programme.cycles(2)
        (asked,) = await programme.store.approvals.live("eth")
        assert (await hedge(programme))[0]
        assert await gap(programme) < STEP
        closed = await programme.store.approvals.get(asked.approval_id)
        assert closed is not None and closed.state is ApprovalState.SUPERSEDED
        assert await programme.store.approvals.live("eth") == ()


async def test_a_cap_holds_against_it(pair: Pair) -> None:
    """`max_position_notional` is the last word on how large a short may become."""
    pair.settings |= {"max_position_notional": 4000}
    async with started(pair) as programme:
        await programme.cycles(3)
        await hedge(programme)
        assert await programme.position("eth") * 2000 >= -4000


async def test_it_is_refused_while_stopped(pair: Pair) -> None:
    """And says what to do first; it does not wait for the end of the pause."""
    async with started(pair) as programme:
        await programme.put("pause", "eth")
        ok, answer = await hedge(programme)
        assert not ok and "/resume" in answer
        await programme.put("resume", "bnb")
        await programme.cycles(2)
        assert await programme.position("eth") == 0


@pytest.mark.parametrize(("blind_s", "hedged"), [(55, True), (65, False)])
async def test_it_waits_a_minute_for_facts(pair: Pair, blind_s: int, hedged: bool) -> None:
    """What was wanted a minute ago is not done to another market."""
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.pools["eth"].error = Transient("no answer")
        await programme.cycles(4, every_s=10)
        pair.feed.price = Decimal(1990)
        assert (await hedge(programme))[0]
        before = await programme.position("eth")
        await programme.cycles(1, every_s=blind_s - 2)
        pair.pools["eth"].error = None
        await programme.cycles(3)
        assert (await programme.position("eth") != before) == hedged


async def test_two_wishes_at_once_are_one_trade(pair: Pair) -> None:
    """From the chat and from the terminal, in the same moment."""
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.feed.price = Decimal(1990)
        await programme.put("hedge", "eth")
        await hedge(programme)
        plans = await programme.events(EventKind.PLAN_OPENED)
        assert [event.data["reason"] for event in plans if event.hedge == "eth"][1:] == ["operator_hedge"]


async def test_no_more_is_traded_than_the_question_showed(pair: Pair) -> None:
    """Between question and yes the price fell by 10 %: what was shown is traded, the rest is the band's business."""
    pair.settings |= {"approval_over_quote": 300, "delta_band_quote": 150, "delta_band_pct": 0}
    async with started(pair) as programme:
        await programme.put("hedge", "eth")
        await programme.cycles(3)
        before = await programme.position("eth")
        pair.feed.price = Decimal(1800)
        await programme.put("hedge", "eth", "-0.25")
        await programme.cycles(4)
        assert await programme.position("eth") == before - Decimal("0.25")
        assert programme.status("eth").state == "AWAITING_APPROVAL"


@pytest.mark.parametrize("size", ["much", "NaN", "0", "-inf"])
async def test_what_is_no_size_does_not_become_any(pair: Pair, size: str) -> None:
    """A row that somebody else wrote."""
    async with started(pair) as programme:
        row = await programme.put("hedge", "eth", size)
        await programme.engine.cycle()
        assert await programme.store.commands.answer(row) == (False, f"{size!r} is no size.")


async def test_where_nothing_is_to_be_traded_the_answer_says_so(pair: Pair) -> None:
    """By what is there now, not at the last look; nothing waits and no second message comes."""
    async with started(pair) as programme:
        await programme.cycles(3)
        ok, answer = await hedge(programme)
        assert not ok and answer.startswith("eth: nothing to trade. The missing trade is smaller than one step")
        await programme.cycles(3)
        assert await dropped(programme) == []
        pair.feed.price = Decimal(1990)  # inside the band
        assert await hedge(programme) == (True, "Hedging eth now.")
        assert await gap(programme) < STEP


@pytest.mark.parametrize("command", ["hedge", "adopt"])
async def test_what_the_look_of_a_command_finds_is_told(pair: Pair, command: str) -> None:
    """Liquidity that came since the last look: the next look does not find it again."""
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.pools["eth"].liquidity += pair.pools["eth"].liquidity // 100_000
        await pair.clock.advance(10)
        await programme.put(command, "eth")
        await programme.cycles(2)
        changes = await programme.events(EventKind.LP_LIQUIDITY_CHANGED)
        assert [event.hedge for event in changes] == ["eth"]


async def dropped(programme: Programme) -> list[tuple[str, str]]:
    """(command, reason) of what was given up or waits, oldest first."""
    events = await programme.events(EventKind.COMMAND_DROPPED, EventKind.COMMAND_WAITING)
    return [(event.data["command"], event.data["reason"]) for event in events]


async def test_it_does_not_end_without_a_word(pair: Pair) -> None:
    """No facts for a minute, or no gap any more when they come: the answer, and then a message, says which."""
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.pools["eth"].error = Transient("no answer")
        await programme.cycles(4, every_s=10)
        assert (await hedge(programme))[0]
        pair.pools["eth"].error = None
        await programme.cycles(2)
        assert await dropped(programme) == [("hedge", "below_step")]
        pair.pools["eth"].error = Transient("no answer")
        await programme.cycles(4, every_s=10)
        ok, answer = await hedge(programme)
        assert ok and "waits up to 60 s: The chain has not been read" in answer
        await programme.cycles(7, every_s=10)
        assert (await dropped(programme))[1:] == [("hedge", "stale_chain")]


async def test_it_is_refused_where_the_configuration_switched_off(pair: Pair) -> None:
    """At once, in one sentence."""
    pair.settings["enabled"] = False
    async with started(pair) as programme:
        ok, answer = await hedge(programme)
        assert not ok and "enabled = false" in answer


async def test_a_flatten_that_has_to_wait_says_so(pair: Pair) -> None:
    """Halted at once; told that it is not closed yet, again after a minute, and closed when it can be."""
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.feed.error = Transient("no answer")
        await programme.cycles(3, every_s=10)
        row = await programme.put("flatten", "eth")
        await programme.cycles(9, every_s=10)
        answer = await programme.store.commands.answer(row)
        assert answer is not None and "halted but cannot be closed at this moment" in answer[1]
        assert await dropped(programme) == [("flatten", "stale_venue")]
        pair.feed.error = None
        await programme.cycles(3)
        assert await programme.position("eth") == 0


@pytest.mark.parametrize("command", ["flatten", "hedge"])
async def test_what_comes_while_an_order_is_at_work_is_for_the_next_look(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """The look before that order saw no position, and no gap worth a /hedge; neither is an answer to the command."""
    carry_out = Actions.carry_out

    async def meanwhile(self: Actions, *args: Any) -> Outcome:
        outcome = await carry_out(self, *args)
        if outcome.step is not None:
            monkeypatch.undo()
            pair.feed.price = Decimal(1970)  # a gap inside the band
            row = await programme.put(command, "eth")
            await programme.engine.carry_out_commands()
            assert (await programme.store.commands.answer(row) or (False,))[0]
        return outcome

    async with started(pair) as programme:
        monkeypatch.setattr(Actions, "carry_out", meanwhile)
        await programme.cycles(4)
        assert (await programme.position("eth") == 0) == (command == "flatten")
        assert command == "flatten" or await gap(programme) < STEP
        assert await dropped(programme) == []
