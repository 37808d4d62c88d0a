"""What the exchange's key may do: judged at the start, and looked at again every day."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from bot.key_rights import NOT_ASKED, KeyWatch, key_faults
from core.clock import ManualClock, SystemClock
from core.events import Event
from core.exchange.binance import BinanceVenue
from core.exchange.binance_client import BinanceAccess
from tests.rigs.venue import VenueServer
from tests.rigs.venue.faults import bad_gateway_502

A_DAY_S = 24 * 3600
RIGHTS = "GET /sapi/v1/account/apiRestrictions"


@dataclass
class Events:
    """An `EventLog` in a list."""

    told: list[Event] = field(default_factory=list)

    async def append(self, event: Event) -> None:
        self.told.append(event)

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        return tuple(self.told[-limit:])


@pytest.fixture
async def venue() -> AsyncIterator[VenueServer]:
    async with VenueServer() as server:
        yield server


def watch(venue: VenueServer, events: Events, clock: ManualClock, *, exposed: str | None = None) -> KeyWatch:
    keys = venue.credentials
    access = BinanceAccess(SecretStr(keys.key), SecretStr(keys.secret), futures_url=venue.url, spot_url=venue.url)
    return KeyWatch(
        lambda: BinanceVenue(access, SystemClock()), events, clock, allows_withdrawals=False, exposed=exposed
    )


def test_rights_that_nobody_can_be_asked_about_are_said() -> None:
    """And refuse nothing."""
    (fault,) = key_faults(None, allows_withdrawals=False)
    assert fault.detail == NOT_ASKED and not fault.refuses


async def test_a_right_that_is_given_later_is_told_once_within_a_day(venue: VenueServer) -> None:
    """A key may be changed in the months that the program runs; what was so at the start was judged there."""
    clock, events = ManualClock(datetime(2026, 11, 20, tzinfo=UTC)), Events()
    key = watch(venue, events, clock)
    assert await key.refusals() == ()
    task = asyncio.create_task(key.run())
    venue.exchange.permissions = {"enableWithdrawals": True}
    for looks in (2, 3):
        await clock.advance(A_DAY_S)
        async with asyncio.timeout(60):
            while len(venue.requests(RIGHTS)) < looks or not events.told:
                await asyncio.sleep(0.01)
                await clock.advance(0)
    task.cancel()
    (event,) = events.told
    assert event.data["detail"].startswith("it may withdraw")


async def test_a_right_stays_told_while_nobody_answers(venue: VenueServer) -> None:
    """The phone rings once for one right, however often the spot host is away meanwhile."""
    clock, events = ManualClock(datetime(2026, 11, 20, tzinfo=UTC)), Events()
    venue.exchange.permissions = {"enableWithdrawals": True}
    key = watch(venue, events, clock)
    task = asyncio.create_task(key.run())
    await asyncio.sleep(0)  # it sleeps until its first look
    for is_away in (False, True, False, True, True, False):
        if is_away:
            venue.faults.add(RIGHTS, bad_gateway_502(), times=99)
        else:
            venue.faults.clear()
        before = len(venue.requests(RIGHTS))
        await clock.advance(A_DAY_S)
        async with asyncio.timeout(60):
            while len(venue.requests(RIGHTS)) == before or not clock._sleepers:
                await asyncio.sleep(0.01)
    task.cancel()
    assert len(events.told) == 1


async def test_what_is_at_risk_refuses_a_start_with_a_sentence_each(venue: VenueServer) -> None:
    """The file that others can read, and both rights that must not be so."""
    venue.exchange.permissions = {"enableWithdrawals": True, "enableFutures": False}
    key = watch(venue, Events(), ManualClock(datetime(2026, 11, 20, tzinfo=UTC)), exposed=".env can be read")
    said = [str(refusal) for refusal in await key.refusals()]
    assert len(said) == 3
    assert all(refusal.startswith("the API key: ") for refusal in said)
