"""What is told: each thing once when it begins and once when it ends, also across a restart."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from core.events import EventKind
from tests.core.pair import Pair, started
from tests.hedging.positions import LIQUIDITY

OUT_OF_RANGE = Decimal(2600)


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path / "lp_hedge.db")


async def test_nothing_is_told_while_nothing_happens(pair: Pair) -> None:
    """A hundred looks at an unmoved market, and a restart in between."""
    async with started(pair) as programme:
        await programme.cycles(3)
        before = await programme.events(*EventKind)
        await programme.cycles(50, every_s=15)
        assert await programme.events(*EventKind) == before
    async with started(pair) as programme:
        await programme.cycles(50, every_s=15)
        later = (await programme.events(*EventKind))[len(before) :]
        assert {event.kind for event in later} == {EventKind.DECISION_CHANGED} and len(later) == 2


async def test_leaving_the_range_and_coming_back(pair: Pair) -> None:
    """Each once, with the block it was seen at."""
    async with started(pair) as programme:
        await programme.cycles(3)
        for price in (OUT_OF_RANGE, Decimal(2000)):
            pair.feed.price = price
            await programme.cycles(5)
        told = [event for event in await programme.events(EventKind.LP_STATE_CHANGED) if event.hedge == "eth"]
        assert [(event.data["frm"], event.data["to"]) for event in told] == [
            ("in_range", "out_of_range"),
            ("out_of_range", "in_range"),
        ]
        assert all(int(event.data["block"]) > 100 for event in told)


async def test_base_that_left_is_told_once_and_not_again_after_a_restart(pair: Pair) -> None:
    """A third of the liquidity is taken out; its BASE stays hedged meanwhile."""
    kinds = (EventKind.LP_LIQUIDITY_CHANGED, EventKind.BASE_DEPARTED)
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.pools["eth"].liquidity = LIQUIDITY * 2 // 15
        await programme.cycles(5)
        assert [event.kind for event in await programme.events(*kinds)] == list(kinds)
    async with started(pair) as programme:
        await programme.cycles(5)
        assert len(await programme.events(*kinds)) == 2
        departed = programme.status("eth").departed_base
        assert departed is not None and 1 < departed < 2


async def test_liquidity_that_left_while_nothing_ran_is_news(pair: Pair) -> None:
    """The memory of the last run tells that it was there."""
    async with started(pair) as programme:
        await programme.cycles(3)
    pair.pools["eth"].liquidity = LIQUIDITY * 2 // 15
    async with started(pair) as programme:
        await programme.cycles(5)
        assert len(await programme.events(EventKind.BASE_DEPARTED)) == 1


async def test_pool_and_perpetual_apart(pair: Pair) -> None:
    """Both figures when it begins, a word when it is over."""
    async with started(pair) as programme:
        await programme.cycles(3)
        for apart in ("1.02", "1"):
            pair.pools["eth"].apart = Decimal(apart)
            await programme.cycles(5)
        began, ended = await programme.events(EventKind.BASIS_EXCEEDED, EventKind.BASIS_RESTORED)
        assert (began.kind, ended.kind) == (EventKind.BASIS_EXCEEDED, EventKind.BASIS_RESTORED)
        assert Decimal(began.data["pool_price"]) == Decimal(2040) and Decimal(began.data["mark_price"]) == 2000


async def test_a_trouble_that_outlasts_a_restart_is_told_by_both(pair: Pair) -> None:
    """Who starts the program wants to know why it does not hedge."""
    for _ in range(2):
        async with started(pair) as programme:
            await programme.put("halt", "eth")
            await programme.cycles(5)
    async with started(pair) as programme:
        told = await programme.events(EventKind.SUSPENDED, EventKind.HALTED)
        assert [event.kind.value for event in told] == ["halted", "suspended", "suspended"]


async def test_a_breach_is_told_before_the_hedge_that_ends_it(pair: Pair) -> None:
    """As it happened: out of the band, traded, back inside."""
    kinds = (EventKind.EXPOSURE_BREACHED, EventKind.HEDGE_EXECUTED, EventKind.EXPOSURE_RESTORED)
    pair.settings |= {"alert_over_quote": 150, "delta_band_quote": 100, "delta_band_pct": 0}
    async with started(pair) as programme:
        await programme.cycles(3)
        before = len(await programme.events(*kinds))
        pair.feed.price = Decimal(1960)
        await programme.cycles(3)
        told = [event.kind for event in (await programme.events(*kinds))[before:] if event.hedge == "eth"]
        assert told == list(kinds)


async def test_a_position_that_changes_hands_is_told_and_stays_hedged(pair: Pair) -> None:
    """Once, also when it happened while nothing ran."""
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.pools["eth"].owner = "0x" + "9" * 40
        await programme.cycles(5)
        told = await programme.events(EventKind.POSITION_GIVEN)
        assert [(event.hedge, event.data["after"]) for event in told] == [("eth", "0x" + "9" * 40)]
        assert await programme.position("eth") < 0
    pair.pools["bnb"].owner = "0x" + "8" * 40
    async with started(pair) as programme:
        await programme.cycles(5)
        told = await programme.events(EventKind.POSITION_GIVEN)
        assert [event.hedge for event in told] == ["eth", "bnb"]
