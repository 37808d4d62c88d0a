"""The engine with its real storage and the real Binance adapter, before the strict exchange rig, in one process.

Sleeping takes no time here and waiting is skipped over, while requests run in real time: an hour of a hedge's life is a
few hundred evaluations.
"""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from bot.assembly import build_engine
from bot.office import Office, open_office
from core.clock import Clock
from core.config import Config
from core.engine import Engine
from core.errors import LpHedgeError, Transient
from core.events import Event, EventKind
from core.exchange.binance import BinanceVenue
from core.exchange.binance_client import BinanceAccess
from core.execution.order_ids import PREFIX, parse_client_order_id
from core.facts import Block, LpFacts
from core.feeds import ChainFeed
from core.ports import JournalOrder
from core.status import HedgeStatus
from core.venue_watch import Streams
from storage.store import Store
from tests.hedging.positions import BASE, LIQUIDITY, QUOTE, position
from tests.rigs.venue import VenueServer
from tests.rigs.venue.gate import RateLimits
from tests.soak.happened import words_missing

HEDGE = "eth"
SYMBOL = "ETHUSDT"
SCOPE = "live:test"
PATIENT_S = 60.0
TIMEOUT_S = 4.0  # of the adapter; a busy machine must not look like a silent exchange, and `faults.hang(5)` must
HEDGED = Decimal("-4.999")  # the position that the pool at its start calls for


class WorldClock(Clock, Protocol):
    async def pass_time(self, seconds_s: float) -> None: ...

    def skip(self, seconds_s: float) -> None: ...


class QuickClock:
    """The real clock plus all that was slept or skipped.

    Who sleeps for a minute is in no hurry, and waits until others have slept as long: it would make every reading old.
    """

    def __init__(self) -> None:
        self._skipped_s = 0.0

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._skipped_s)

    def monotonic_s(self) -> float:
        return time.monotonic() + self._skipped_s

    async def sleep(self, seconds_s: float) -> None:
        if seconds_s < PATIENT_S:
            self.skip(seconds_s)
            await asyncio.sleep(0)
            return
        ends_s = self.monotonic_s() + seconds_s
        while self.monotonic_s() < ends_s:
            await asyncio.sleep(0.005)

    async def pass_time(self, seconds_s: float) -> None:
        self.skip(seconds_s)

    def skip(self, seconds_s: float) -> None:
        self._skipped_s += seconds_s


class RealClock(QuickClock):
    """Time as it is: for what others tell in their own time. An evaluation a second becomes ten a second."""

    async def sleep(self, seconds_s: float) -> None:
        await asyncio.sleep(seconds_s)

    async def pass_time(self, seconds_s: float) -> None:
        await asyncio.sleep(min(seconds_s, 0.1))


@dataclass(slots=True)
class PoolReading:
    """What the program has read. A leap is believed when it was read again, at `again_at_s`; None: it was not yet."""

    again_at_s: float | None
    liquidity: int
    price: Decimal
    edge_base: Decimal


class StillPool:
    """One position, just under five BASE at a price of 2000, that changes only by the test's hand."""

    def __init__(self, clock: WorldClock) -> None:
        self.clock = clock
        self._block = 100
        self.price = Decimal(2000)
        self.liquidity = LIQUIDITY // 5
        self.blind = False
        self.read_at_s = 0.0
        self.readings: list[PoolReading] = []

    async def prepare(self) -> None: ...

    async def read(self) -> Mapping[str, LpFacts]:
        if self.blind:
            raise Transient("the node does not answer")
        self._block += 1
        now = self.clock.now()
        held = position(liquidity=self.liquidity, price=str(self.price))
        self.read_at_s = self.clock.monotonic_s()
        if not self.readings or (held.liquidity, held.price) != (self.readings[-1].liquidity, self.readings[-1].price):
            self.readings.append(PoolReading(None, held.liquidity, held.price, held.base_at_lower_edge))
        elif self.readings[-1].again_at_s is None:
            self.readings[-1].again_at_s = self.read_at_s
        block = Block(self._block, None, now)
        return {HEDGE: LpFacts(block, now, "test", BASE, QUOTE, self.price, (held,), (), None)}

    def faults(self) -> Mapping[str, LpHedgeError]:
        return {}

    async def follow(self, hedge: str, position_id: int) -> None: ...

    async def aclose(self) -> None: ...


@dataclass
class Setting:
    """What outlives a restart of the program. `settings` are keys of the hedge's block."""

    server: VenueServer
    database: Path
    clock: WorldClock = field(default_factory=QuickClock)
    settings: dict[str, object] = field(default_factory=dict)
    began: datetime = field(default_factory=lambda: datetime.now(UTC))
    wall: Clock | None = None  # that requests are stamped with, where it is not this machine's
    timeout_s: float = TIMEOUT_S
    looked_at_s: float = 0.0  # when the last evaluation began, by the clock's monotonic time

    def __post_init__(self) -> None:
        self.pool = StillPool(self.clock)
        self.server.limits = RateLimits(self.clock.monotonic_s)

    def config(self) -> Config:
        hedge = {
            "chain": "ethereum",
            "amm_type": "uniswap_v3",
            "lp_position_ids": [1],
            "symbol": SYMBOL,
            "max_position_notional": "60000",
            "approval_over_quote": "off",
            "cooldown_seconds": 0,
        }
        return Config.model_validate({"mode": "live", "hedges": {HEDGE: hedge | self.settings}})

    def set_price(self, price: Decimal | int) -> None:
        """Pool and perpetual together."""
        self.pool.price = Decimal(price)
        self.server.exchange.set_price(SYMBOL, Decimal(price))

    @property
    def position(self) -> Decimal:
        """By the exchange's own books."""
        return self.server.exchange.net_position(SYMBOL)

    def sent(self) -> list[str]:
        """Client ids of all requests for an order, in turn, also of those that never arrived."""
        return [entry.params["newClientOrderId"] for entry in self.server.requests("POST /fapi/v1/order")]


@dataclass
class World:
    setting: Setting
    store: Store
    office: Office
    engine: Engine
    venue: BinanceVenue
    # What ended a loop beside the evaluations, where the service would have halted or tried again.
    broke: list[BaseException] = field(default_factory=list)

    @property
    def status(self) -> HedgeStatus:
        return self.engine.statuses()[0]

    async def cycles(self, count: int, *, every_s: float = 1.0) -> None:
        for _ in range(count):
            await self.cycle()
            await self.setting.clock.pass_time(every_s)

    async def cycle(self) -> None:
        self.setting.looked_at_s = self.setting.clock.monotonic_s()
        await self.engine.cycle()

    async def until(self, done: Callable[[World], bool], *, within: int = 60) -> None:
        """Evaluate once a second until `done`; fails the test after `within` evaluations."""
        for _ in range(within):
            await self.cycles(1)
            if done(self):
                return
        raise AssertionError(f"not within {within} s: {self.status.state} {self.status.reason} {self.status.detail}")

    async def until_hedged(self, *, within: int = 60) -> None:
        await self.until(lambda world: world.status.state == "READY", within=within)
        await self.cycles(1)
        assert self.status.state == "READY"

    async def command(self, name: str, *args: str) -> None:
        now = self.setting.clock.now()
        await self.store.commands.put(name, args, actor="test", source="test", update_key=None, at=now)

    async def orders(self) -> tuple[JournalOrder, ...]:
        """All of the journal, in the order of their intents."""
        found = []
        for row in await self.store.database.rows("SELECT client_order_id FROM orders ORDER BY seq"):
            order = await self.store.journal.order(row["client_order_id"])
            assert order is not None
            found.append(order)
        return tuple(found)

    async def events(self, *kinds: EventKind) -> list[Event]:
        """Oldest first."""
        recent = await self.store.events.recent(hedge=None, limit=10_000)
        return [event for event in reversed(recent) if event.kind in kinds]

    async def journal_base(self) -> Decimal:
        legs = await self.store.journal.positions(SYMBOL)
        return legs.net_base if legs else Decimal(0)

    async def check(self) -> None:
        """What must hold at any moment: nothing sent twice, nothing beyond its plan, nothing else while in doubt."""
        await self._check_executions()
        rows = await self.store.database.rows("SELECT state, recorded_at, changed_at FROM orders ORDER BY seq")
        for earlier, later in itertools.pairwise(rows):
            assert earlier["state"] in ("final", "refused", "absent")
            assert earlier["changed_at"] <= later["recorded_at"]

    async def check_settled(self) -> None:
        """And once it has come to rest: journal and exchange agree on every order and on the position."""
        await self.check()
        assert await self.store.journal.unsettled_orders() == ()
        assert await self.journal_base() == self.setting.position
        assert words_missing(self.setting.database) == []
        executed = self.setting.server.exchange.executed_by_client_id()
        for order in await self.orders():
            assert order.executed_base == executed.get(order.request.client_order_id, Decimal(0))

    async def _check_executions(self) -> None:
        per_plan: dict[str, Decimal] = {}
        exchange = self.setting.server.exchange
        for client_id, executed in exchange.executed_by_client_id().items():
            name = parse_client_order_id(client_id)
            if name is None:
                continue
            assert len(exchange.orders_by_client_id(client_id)) == 1
            per_plan[name.plan_id] = per_plan.get(name.plan_id, Decimal(0)) + executed
        for plan_id, executed in per_plan.items():
            plan = await self.store.journal.plan(plan_id)
            assert plan is not None and executed <= plan.quantity_base


@asynccontextmanager
async def running(setting: Setting, *, prepared: bool = True, hearing: bool = False) -> AsyncIterator[World]:
    """The program from its start to its end; entered again on the same setting, it is a restart. Not `prepared`: the
    exchange did not answer at the start. `hearing`: it listens to what the exchange tells."""
    config, clock, server = setting.config(), setting.clock, setting.server
    keys = server.credentials
    access = BinanceAccess(
        SecretStr(keys.key),
        SecretStr(keys.secret),
        futures_url=server.url,
        spot_url=server.url,
        timeout_s=setting.timeout_s,
    )
    venue = BinanceVenue(access, clock, wall=setting.wall)
    async with await Store.open(setting.database, scope=SCOPE, clock=clock) as store:
        try:
            if prepared:
                await venue.prepare([SYMBOL])
            office = open_office(config, store, clock, UTC)
            chains = {HEDGE: ChainFeed(setting.pool, clock)}
            streams = Streams(venue.account_stream(server.stream_url), venue.market_stream(server.stream_url))
            engine = await build_engine(
                config,
                chains=chains,
                venue=venue,
                store=store,
                office=office,
                clock=clock,
                began=setting.began,
                streams=streams if hearing else None,
            )
            world = World(setting, store, office, engine, venue)
            async with _running_beside(world) if hearing else nullcontext():
                yield world
        finally:
            await venue.aclose()


@asynccontextmanager
async def _running_beside(world: World) -> AsyncIterator[None]:
    """The loops of the news; the setting's clock is then to be one on which sleeping takes its time."""

    async def kept(loop: Callable[[], Awaitable[None]]) -> None:
        try:
            await loop()
        except Exception as error:
            world.broke.append(error)
            raise

    wanted = (task.work for task in world.engine.beside if "news" in task.name or "told" in task.name)
    loops = [asyncio.ensure_future(kept(loop)) for loop in wanted]
    try:
        yield
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


class IntentWitness:
    """Looks into the database, as another process would, whenever the exchange takes an order of ours."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self.missing: list[str] = []

    def order_changed(self, order: object, execution: str, trade: object) -> None:
        client_id: str = order.request.client_id  # type: ignore[attr-defined]
        if execution != "NEW" or not client_id.startswith(f"{PREFIX}.{HEDGE}."):
            return
        with sqlite3.connect(f"file:{self._database}?mode=ro", uri=True) as reader:
            found = reader.execute("SELECT 1 FROM orders WHERE client_order_id = ?", (client_id,)).fetchone()
        reader.close()
        if found is None:
            self.missing.append(client_id)

    def account_changed(self, reason: str, symbol: str, sides: tuple[str, ...]) -> None: ...
