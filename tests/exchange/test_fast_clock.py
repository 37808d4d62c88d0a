"""An exchange whose time runs as fast as the program's: requests are stamped with that time, and still in theirs."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from pydantic import SecretStr

from core.clock import PacedClock, SystemClock
from core.exchange.binance import BinanceVenue
from core.exchange.binance_client import BinanceAccess
from tests.exchange.orders import SELL_HALF
from tests.rigs.venue import PLACE, Exchange, VenueServer

SPEED = 1000


async def test_orders_are_taken_long_after_the_clocks_were_compared() -> None:
    """Half a second is eight minutes there, well within the ten between two comparisons."""
    met = datetime.now(UTC) - timedelta(seconds=5)
    clock = PacedClock(SystemClock(), start=met, speed_s=SPEED, met=met)
    exchange = Exchange(wall_ms=lambda: int(clock.now().timestamp() * 1000))
    async with VenueServer(exchange, speed=SPEED) as server:
        keys = server.credentials
        access = BinanceAccess(SecretStr(keys.key), SecretStr(keys.secret), futures_url=server.url)
        adapter = BinanceVenue(access, clock, wall=clock)
        await adapter.prepare(["ETHUSDT"])
        await asyncio.sleep(0.5)
        await adapter.place(SELL_HALF)
        assert [entry.code for entry in server.requests(PLACE)] == [None]
        assert exchange.net_position("ETHUSDT") == Decimal("-0.5")
        assert abs((await adapter.market("ETHUSDT")).as_of - clock.now()) < timedelta(seconds=20 * SPEED)
        await adapter.aclose()
