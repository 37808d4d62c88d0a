"""The engine alone, as a process: `python -m benchmarks.execution_child REST_URL STREAM_URL DATABASE HEDGES SWINGS`.

Pools are held in memory; the exchange is asked and heard as in the service. Prints stamps of the monotonic clock, which
all processes of a machine share: `decided AT` for each decision to trade, `booked CLIENT_ID AT` for each fill told.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from time import monotonic

from pydantic import SecretStr

from bot.assembly import build_engine
from bot.office import open_office
from core import runner
from core.clock import SystemClock
from core.config import Config
from core.errors import LpHedgeError
from core.exchange.binance import BinanceVenue
from core.exchange.binance_client import BinanceAccess
from core.execution.bookkeeping import Bookkeeper
from core.facts import Block, LpFacts, OrderReport, Trade
from core.feeds import ChainFeed
from core.hedging.kernel_types import Decision, Facts, Memory, Policy
from core.hedging.states import Action
from core.venue_watch import Streams
from storage.store import Store
from tests.hedging.positions import BASE, LIQUIDITY, QUOTE, position
from tests.rigs.venue import Credentials

PRICES = (Decimal(2000), Decimal(1980))


class Pools:
    """One position for each hedge; `swings`: the price is another one at each read."""

    def __init__(self, hedges: list[str], *, swings: bool) -> None:
        self._hedges = hedges
        self._swings = swings
        self._reads = 0

    async def prepare(self) -> None: ...

    async def read(self) -> Mapping[str, LpFacts]:
        self._reads += 1
        now = datetime.now(UTC)
        price = PRICES[self._reads // 2 % 2] if self._swings else PRICES[0]
        held = position(liquidity=LIQUIDITY // 5, price=str(price))
        block = Block(100 + self._reads, None, now)
        return {name: LpFacts(block, now, "memory", BASE, QUOTE, price, (held,), (), None) for name in self._hedges}

    def faults(self) -> Mapping[str, LpHedgeError]:
        return {}

    async def follow(self, hedge: str, position_id: int) -> None: ...

    async def aclose(self) -> None: ...


async def main(url: str, stream_url: str, database: str, hedges: int, swings: bool) -> None:
    _stamp_decisions()
    _stamp_bookings()
    config, clock = _config(hedges, swings=swings), SystemClock()
    names, keys = list(config.hedges), Credentials()
    access = BinanceAccess(SecretStr(keys.key), SecretStr(keys.secret), futures_url=url, spot_url=url)
    venue = BinanceVenue(access, clock)
    async with await Store.open(Path(database), scope="live:benchmark", clock=clock) as store:
        await venue.prepare([hedge.symbol for hedge in config.hedges.values()])
        feed = ChainFeed(Pools(names, swings=swings), clock)
        engine = await build_engine(
            config,
            chains=dict.fromkeys(names, feed),
            venue=venue,
            store=store,
            office=open_office(config, store, clock, UTC),
            clock=clock,
            began=clock.now(),
            streams=Streams(venue.account_stream(stream_url), venue.market_stream(stream_url)),
        )
        await engine.run()


def _config(hedges: int, *, swings: bool) -> Config:
    settings = {
        "chain": "ethereum",
        "amm_type": "uniswap_v3",
        "max_position_notional": "60000",
        "approval_over_quote": "off",
        "cooldown_seconds": 0,
        "max_per_hour": 0,
        "max_basis_bps": 0,
        "poll_seconds": 1 if swings else 15,
    }
    each = {
        f"h{number}": settings | {"lp_position_ids": [number + 1], "symbol": f"E{number:02}USDT"}
        for number in range(hedges)
    }
    return Config.model_validate({"mode": "live", "hedges": each})


def _stamp_decisions() -> None:
    decide = vars(runner)["decide"]

    def stamped(facts: Facts, policy: Policy, memory: Memory) -> Decision:
        decision: Decision = decide(facts, policy, memory)
        if decision.action == Action.ADJUST:
            print("decided", monotonic(), flush=True)
        return decision

    vars(runner)["decide"] = stamped


def _stamp_bookings() -> None:
    take_in = Bookkeeper.take_in

    async def stamped(self: Bookkeeper, report: OrderReport, fill: Trade | None) -> None:
        await take_in(self, report, fill)
        if fill is not None:
            print("booked", report.client_order_id, monotonic(), flush=True)

    Bookkeeper.take_in = stamped  # type: ignore[method-assign]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5] == "swings"))
