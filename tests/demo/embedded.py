"""The demo's whole program over its embedded market, for a test that drives it by hand."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from bot.assembly import build_engine
from bot.demo.chain import HEDGE
from bot.demo.market import SYMBOL, DemoMarket
from bot.demo.path import RECORDED_START
from bot.office import Office, open_office
from core.clock import ManualClock
from core.config import Config
from core.engine import Engine
from core.exchange.paper import PaperVenue, terms_of
from core.feeds import ChainFeed
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Embedded:
    clock: ManualClock
    market: DemoMarket
    venue: PaperVenue
    store: Store
    office: Office
    engine: Engine


async def embedded(
    stack: AsyncExitStack, folder: Path, *, seed: int, moves: bool, config: Config | None = None
) -> Embedded:
    """`moves`: the provider does. `config` None: the demo's own."""
    clock = ManualClock(RECORDED_START, sleep_advances=True)
    market = DemoMarket.load(seed=seed, clock=clock, moves=moves)
    config = config or market.config()
    store = await stack.enter_async_context(await Store.open(folder / "demo.db", scope="paper:demo", clock=clock))
    venue = PaperVenue(market.feed(), store.paper, clock, terms_of(config.paper))
    await venue.prepare([SYMBOL])
    office = open_office(config, store, clock, UTC)
    chains = {HEDGE: ChainFeed(market.lp_positions(), clock)}
    engine = await build_engine(
        config, chains=chains, venue=venue, store=store, office=office, clock=clock, began=clock.now()
    )
    return Embedded(clock, market, venue, store, office, engine)
