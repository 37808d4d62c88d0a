"""What is told: each thing once when it begins and once when it ends, also across a restart."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from core.config import HedgeConfig
from core.events import EventKind
from core.watch import AT_WORK_S, UNTIMED_QUOTE_S, working_time_s
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


async def test_a_basis_has_a_margin_and_is_told_again_when_doubled(pair: Pair) -> None:
    """To and fro over the limit is one word; twice as far apart is another."""
    async with started(pair) as programme:
        await programme.cycles(3)
        for apart in ("1.011", "1.009", "1.011", "1.0085", "1.023", "1.012", "1.007"):
            pair.pools["eth"].apart = Decimal(apart)
            await programme.cycles(3)
        told = await programme.events(EventKind.BASIS_EXCEEDED, EventKind.BASIS_RESTORED)
        assert [event.kind.value for event in told] == ["basis_exceeded", "basis_exceeded", "basis_restored"]


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


async def test_a_breach_says_until_when_it_is_being_worked_on(pair: Pair) -> None:
    """By the plan's own settings: a quote has its time-out, a market order a moment; a gap nobody works on has none."""
    pair.settings |= {"alert_over_quote": 150, "delta_band_quote": 100, "delta_band_pct": 0}
    async with started(pair) as programme:
        await programme.cycles(3)
        pair.feed.price = Decimal(1960)
        await programme.cycles(3)
        told = [event for event in await programme.events(EventKind.EXPOSURE_BREACHED) if event.hedge == "eth"]
        covered = datetime.fromisoformat(told[-1].data["covered_until"]) - told[-1].at
        assert covered.total_seconds() == AT_WORK_S
        await programme.put("pause", "eth")
        pair.feed.price = Decimal(1900)
        await programme.cycles(3)
        told = [event for event in await programme.events(EventKind.EXPOSURE_BREACHED) if event.hedge == "eth"]
        assert "covered_until" not in told[-1].data


@pytest.mark.parametrize(
    ("settings", "urgent", "more_s"),
    [
        ({}, False, 0),
        ({"order_type": "limit", "limit_timeout_seconds": 20}, True, 20),
        ({"order_type": "post_only", "limit_timeout_seconds": 20}, False, 20),
        ({"order_type": "post_only", "limit_timeout_seconds": 20}, True, 0),
        ({"order_type": "post_only", "limit_timeout_seconds": 0}, False, UNTIMED_QUOTE_S),
        ({"twap_over_quote": 1000, "twap_duration_seconds": 60}, False, 60),
        ({"twap_over_quote": 1000, "twap_duration_seconds": 60}, True, 0),
        ({"twap_over_quote": 0}, False, 0),
    ],
)
def test_a_plan_has_its_own_time(settings: dict[str, object], urgent: bool, more_s: float) -> None:
    """Quoting and slicing as configured, neither where the gap is urgent and crosses at once."""
    needed = {"chain": "bsc", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": "ETHUSDT"}
    config = HedgeConfig.model_validate(needed | settings)
    assert working_time_s(config, gap_quote=Decimal(5000), urgent=urgent) == AT_WORK_S + more_s
