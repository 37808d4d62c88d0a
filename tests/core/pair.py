"""Two hedges on two chains of one paper account: real engine and storage, market and time moved by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from bot.assembly import build_engine
from bot.demo.book import levels
from bot.office import Office, open_office
from core.clock import ManualClock
from core.config import Config, PaperConfig
from core.engine import Engine
from core.errors import LpHedgeError
from core.events import Event, EventKind
from core.exchange.paper import PaperVenue, terms_of
from core.facts import Block, LpFacts, Market, SymbolRules
from core.feeds import ChainFeed
from core.status import HedgeStatus
from storage.store import Store
from tests.exchange.paper_rig import rules
from tests.hedging.positions import BASE, LIQUIDITY, QUOTE, position

START = datetime(2026, 1, 1, tzinfo=UTC)
SYMBOLS = {"eth": "ETHUSDT", "bnb": "BNBUSDT"}
CHAINS = {"eth": "ethereum", "bnb": "bsc"}


class CountedClock(ManualClock):
    """Knows how many sleep on it, so that a test can wait until everything has come to rest."""

    def __init__(self) -> None:
        super().__init__(START)
        self.asleep = 0

    async def sleep(self, seconds_s: float) -> None:
        self.asleep += 1
        try:
            await super().sleep(seconds_s)
        finally:
            self.asleep -= 1


class HandFeed:
    """A market feed at one settable price for every symbol, as fresh as it is asked."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.price = Decimal(2000)
        self.error: Exception | None = None

    async def prepare(self, symbols: Sequence[str]) -> None: ...

    def rules(self, symbol: str) -> SymbolRules:
        return rules(symbol)

    async def market(self, symbol: str) -> Market:
        if self.error is not None:
            raise self.error
        ticks, now = int(self.price * 100), self._clock.now()
        bids, asks = (levels(ticks, away=away, noise_key=0) for away in (-1, 1))
        return Market(symbol, bids, asks, self.price, self.price, Decimal(0), now + timedelta(hours=8), now)

    async def aclose(self) -> None: ...


class HandPool:
    """One hedge's position, just under five BASE at 2000. `error` is raised instead of an answer; `apart`: its price
    over the perpetual's; until `found` is set, following a position takes its time."""

    def __init__(self, hedge: str, feed: HandFeed, clock: ManualClock) -> None:
        self._hedge = hedge
        self._feed = feed
        self._clock = clock
        self._block = 100
        self.error: Exception | None = None
        self.liquidity = LIQUIDITY // 5
        self.apart = Decimal(1)
        self.unfollowed: tuple[int, ...] = ()
        self.owner = "0xme"
        self.found = asyncio.Event()
        self.found.set()
        self.reads_at: list[datetime] = []

    async def prepare(self) -> None: ...

    async def read(self) -> Mapping[str, LpFacts]:
        self.reads_at.append(self._clock.now())
        if self.error is not None:
            raise self.error
        self._block += 1
        now = self._clock.now()
        price, block = self._feed.price * self.apart, Block(self._block, None, now)
        held = position(liquidity=self.liquidity, price=str(price), owner=self.owner)
        return {self._hedge: LpFacts(block, now, "test", BASE, QUOTE, price, (held,), (), None, self.unfollowed)}

    def faults(self) -> Mapping[str, LpHedgeError]:
        return {}

    async def follow(self, hedge: str, position_id: int) -> None:
        await self.found.wait()

    async def aclose(self) -> None: ...


@dataclass
class Pair:
    """What outlives a restart. `settings` go into both hedges."""

    database: Path
    clock: CountedClock = field(default_factory=CountedClock)
    settings: dict[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.feed = HandFeed(self.clock)
        self.pools = {name: HandPool(name, self.feed, self.clock) for name in SYMBOLS}

    def config(self) -> Config:
        hedges = {
            name: {
                "chain": CHAINS[name],
                "amm_type": "uniswap_v3",
                "lp_position_ids": [1],
                "symbol": symbol,
                "approval_over_quote": "off",
                "cooldown_seconds": 0,
            }
            | self.settings
            for name, symbol in SYMBOLS.items()
        }
        return Config.model_validate({"paper": {"balance_quote": 50_000}, "hedges": hedges})


@dataclass
class Programme:
    pair: Pair
    store: Store
    office: Office
    engine: Engine
    venue: PaperVenue

    def status(self, name: str) -> HedgeStatus:
        return next(status for status in self.engine.statuses() if status.name == name)

    async def cycles(self, count: int, *, every_s: float = 1.0) -> None:
        for _ in range(count):
            await self.engine.cycle()
            await self.pair.clock.advance(every_s)

    async def position(self, name: str) -> Decimal:
        return (await self.venue.account(SYMBOLS[name])).position_base

    async def put(self, name: str, *args: str) -> int:
        row = await self.store.commands.put(
            name, args, actor="Anna", source="test", update_key=None, at=self.pair.clock.now()
        )
        assert row is not None
        return row

    async def events(self, *kinds: EventKind) -> list[Event]:
        """Oldest first."""
        recent = await self.store.events.recent(hedge=None, limit=10_000)
        return [event for event in reversed(recent) if event.kind in kinds]


@asynccontextmanager
async def started(pair: Pair, *, prepare: Sequence[str] = tuple(SYMBOLS.values())) -> AsyncIterator[Programme]:
    """Entered again on the same pair, it is a restart. `prepare`: the symbols that the exchange tells of at first."""
    config, clock = pair.config(), pair.clock
    async with await Store.open(pair.database, scope="paper:test", clock=clock) as store:
        venue = PaperVenue(pair.feed, store.paper, clock, terms_of(PaperConfig(balance_quote=Decimal(50_000))))
        await venue.prepare(prepare)
        office = open_office(config, store, clock, UTC)
        chains = {name: ChainFeed(pool, clock) for name, pool in pair.pools.items()}
        engine = await build_engine(
            config, chains=chains, venue=venue, store=store, office=office, clock=clock, began=START
        )
        yield Programme(pair, store, office, engine, venue)
