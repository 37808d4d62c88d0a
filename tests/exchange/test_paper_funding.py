"""Funding on paper: the right sign, at its hour, each hour once, also for hours that nobody saw."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from core.clock import ManualClock
from core.exchange.paper import PaperVenue
from tests.exchange.paper_rig import ETH, START, HandMarket, MemoryStore, buy, flat_market, open_venue, sell

EIGHT_H = 8 * 3600


def schedule(feed: HandMarket, hours: int, rate: str = "0.0001") -> None:
    """The market of now, its next funding so many hours after the start (with Binance's stray milliseconds)."""
    due = START + timedelta(hours=hours, milliseconds=3)
    feed.set(replace(flat_market("600"), funding_rate=Decimal(rate), next_funding_time=due))


async def hours_paid(venue: PaperVenue) -> list[tuple[Decimal, datetime]]:
    return [(row.amount, row.at) for row in await venue.income(since=START) if row.kind == "FUNDING_FEE"]


async def test_a_short_receives_positive_funding_when_the_schedule_rolls_on() -> None:
    """10 short at mark 600 and 0.01 %: 0.60 QUOTE received, once, at the rate announced before."""
    feed = HandMarket(flat_market("600"))
    venue = await open_venue(feed)
    await venue.place(sell("10"))
    schedule(feed, 16, "-0.5")
    await venue.account(ETH)
    schedule(feed, 16, "-0.5")
    await venue.account(ETH)
    assert (await venue.ledger()).funding == Decimal("0.60")
    assert await hours_paid(venue) == [(Decimal("0.60"), START + timedelta(hours=8))]


async def test_each_missed_hour_is_paid_once_after_a_restart() -> None:
    """Down from before the first hour to after the third, at -0.01 %: three rows of 0.60, and none again later."""
    feed, store, clock = HandMarket(flat_market("600")), MemoryStore(), ManualClock(START)
    schedule(feed, 8, "-0.0001")
    before = await open_venue(feed, store, clock=clock)
    await before.place(sell("10"))
    await clock.advance(3 * EIGHT_H + 60)
    schedule(feed, 32)
    after = await open_venue(feed, store, clock=clock)
    await after.account(ETH)
    again = await open_venue(feed, store, clock=clock)
    await again.account(ETH)
    strays = timedelta(milliseconds=3)
    assert await hours_paid(again) == [(Decimal("-0.60"), START + timedelta(hours=h) + strays) for h in (8, 16, 24)]
    assert (await again.ledger()).funding == Decimal("-1.80")


async def test_the_clock_alone_makes_funding_due_before_the_position_changes() -> None:
    """A market that still names the past hour: the short closed after that hour is paid for it, and only once."""
    feed, clock = HandMarket(flat_market("600")), ManualClock(START)
    venue = await open_venue(feed, clock=clock)
    await venue.place(sell("10", cid="a"))
    await clock.advance(EIGHT_H + 1)
    feed.set(feed.markets[ETH])
    await venue.place(buy("10", cid="b"))
    await venue.account(ETH)
    schedule(feed, 16)
    await venue.place(sell("10", cid="c"))
    assert (await venue.ledger()).funding == Decimal("0.60")


@pytest.mark.parametrize("every_h", [1, 4, 8])
async def test_the_interval_is_learnt_from_the_schedule(every_h: int) -> None:
    """After one hour paid in the presence of the program, a gap of two intervals is paid twice."""
    feed, clock = HandMarket(flat_market("600")), ManualClock(START)
    schedule(feed, every_h)
    venue = await open_venue(feed, clock=clock)
    await venue.place(sell("10"))
    await clock.advance(every_h * 3600 + 1)
    schedule(feed, 2 * every_h)
    await venue.account(ETH)
    await clock.advance(2 * every_h * 3600)
    schedule(feed, 4 * every_h)
    await venue.account(ETH)
    assert (await venue.ledger()).funding == 3 * Decimal("0.60")


async def test_a_schedule_that_comes_nearer_is_believed() -> None:
    """Binance may shorten the interval: the nearer hour counts, nothing is due before it."""
    feed, clock = HandMarket(flat_market("600")), ManualClock(START)
    venue = await open_venue(feed, clock=clock)
    await venue.place(sell("10"))
    schedule(feed, 4)
    await venue.account(ETH)
    await clock.advance(4 * 3600 + 1)
    await venue.account(ETH)
    assert await hours_paid(venue) == [(Decimal("0.60"), START + timedelta(hours=4, milliseconds=3))]


async def test_nothing_is_paid_on_nothing() -> None:
    """Flat over a funding hour: no row."""
    feed, clock = HandMarket(flat_market("600")), ManualClock(START)
    venue = await open_venue(feed, clock=clock)
    await venue.account(ETH)
    await clock.advance(EIGHT_H + 1)
    await venue.account(ETH)
    assert await hours_paid(venue) == []
