from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from core.clock import ManualClock, SystemClock
from core.exchange.binance import BinanceVenue
from core.exchange.binance_client import BinanceAccess
from tests.rigs.venue import VenueServer

SYMBOLS = ("ETHUSDT", "BNBUSDT", "1000PEPEUSDT")
TIMEOUT_S = 4.0  # of the adapter; less than `faults.hang(5)`, more than a busy machine takes


@pytest.fixture
async def venue() -> AsyncIterator[VenueServer]:
    async with VenueServer() as server:
        yield server


@pytest.fixture
def access(venue: VenueServer) -> BinanceAccess:
    return BinanceAccess(
        key=SecretStr(venue.credentials.key),
        secret=SecretStr(venue.credentials.secret),
        futures_url=venue.url,
        spot_url=venue.url,
        timeout_s=TIMEOUT_S,
    )


@pytest.fixture
async def unprepared(access: BinanceAccess) -> AsyncIterator[BinanceVenue]:
    adapter = BinanceVenue(access, SystemClock())
    yield adapter
    await adapter.aclose()


@pytest.fixture
async def steady(access: BinanceAccess) -> AsyncIterator[BinanceVenue]:
    """By a clock on which no minute ends, and with it what is counted by the minute."""
    adapter = BinanceVenue(access, ManualClock(datetime(2026, 11, 20, 12, 0, 30, tzinfo=UTC)))
    await adapter.prepare(SYMBOLS)
    yield adapter
    await adapter.aclose()


@pytest.fixture
async def binance(unprepared: BinanceVenue) -> BinanceVenue:
    await unprepared.prepare(SYMBOLS)
    return unprepared
