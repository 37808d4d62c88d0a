"""The whole program over the demo's market, with a phone at the other end of a strict Bot API server.

The market's time is moved on by the script; people's time is real.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from bot.assembly import build_engine
from bot.demo.chain import HEDGE, DemoPositions
from bot.demo.market import SYMBOL, DemoMarket
from bot.demo.path import RECORDED_START
from bot.front import Front
from bot.office import Office, open_office
from bot.telegram.settings import TelegramSettings
from core.account_keeping import AccountKeeper
from core.cancellation import end
from core.clock import ManualClock, SystemClock
from core.engine import Engine
from core.errors import LpHedgeError, Transient
from core.exchange.paper import PaperVenue, terms_of
from core.facts import LpFacts
from core.feeds import ChainFeed
from core.series_keeping import SeriesKeeper
from storage.store import Store
from tests.rigs.telegram import Message, TelegramRig

OPERATOR = 42
POLL_S = 15.0
PATIENCE_S = 20.0
T = TypeVar("T")


class Node:
    """The demo's chain behind a node that can be silent."""

    def __init__(self, positions: DemoPositions) -> None:
        self._positions = positions
        self.silent = False

    async def prepare(self) -> None:
        await self._positions.prepare()

    async def read(self) -> Mapping[str, LpFacts]:
        if self.silent:
            raise Transient("ethereum node 1 of 1 did not answer within 10 s")
        return await self._positions.read()

    def faults(self) -> Mapping[str, LpHedgeError]:
        return self._positions.faults()

    async def follow(self, hedge: str, position_id: int) -> None:
        await self._positions.follow(hedge, position_id)

    async def aclose(self) -> None:
        await self._positions.aclose()


class Stage:
    def __init__(
        self, rig: TelegramRig, clock: ManualClock, node: Node, store: Store, office: Office, engine: Engine
    ) -> None:
        self.rig, self.clock, self.node, self.store, self.office = rig, clock, node, store, office
        self._engine = engine
        self._series = SeriesKeeper(engine=office.slot, series=store.series)
        self._accounts: AccountKeeper | None = None
        # Market time of each message when it was first seen, by its id.
        self.seen_at: dict[int, str] = {}

    def keep_accounts(self, venue: PaperVenue) -> None:
        self._accounts = AccountKeeper(
            venue=venue,
            engine=self.office.slot,
            income=self.store.income,
            clock=self.clock,
            began=RECORDED_START,
        )

    async def turn(self) -> None:
        """One look at everything, and what is told of it."""
        await self._engine.cycle()
        await self._series.turn()
        if self._accounts is not None:
            await self._accounts.turn()
        await self.office.notifier.tick(self.office.slot.statuses())
        for message in self.rig.messages(OPERATOR):
            self.seen_at.setdefault(message.message_id, f"{self.clock.now():%H:%M}")

    async def let_pass(self, span: timedelta) -> None:
        """Of the market's time; every proposal meanwhile is approved at the desk."""
        until = self.clock.now() + span
        while self.clock.now() < until:
            await self.turn()
            for approval in await self.store.approvals.live(HEDGE):
                await self.office.desk.answer(approval.approval_id, approve=True, by="Anna", note=None)
            await self.clock.sleep(POLL_S)

    async def until(self, found: Callable[[], T]) -> T:
        """Turns at a standing clock until something is there."""
        deadline_s = asyncio.get_running_loop().time() + PATIENCE_S
        while not (value := found()):
            if asyncio.get_running_loop().time() > deadline_s:
                raise TimeoutError(f"nothing came; last: {[m.text[:80] for m in self.rig.messages(OPERATOR)[-3:]]}")
            await self.turn()
            await asyncio.sleep(0.02)
        return value

    async def until_happens(self, contains: str, *, within: timedelta) -> Message:
        """Lets the market go on until a message with these words has come."""
        before, deadline = len(self.rig.messages(OPERATOR, contains)), self.clock.now() + within
        while len(self.rig.messages(OPERATOR, contains)) == before:
            if self.clock.now() > deadline:
                last = [message.text[:80] for message in self.rig.messages(OPERATOR)[-3:]]
                raise TimeoutError(f"no message with {contains!r}; last: {last}")
            await self.turn()
            await self.clock.sleep(POLL_S)
            await asyncio.sleep(0.01)
        return self.rig.messages(OPERATOR, contains)[-1]

    async def asked(self, text: str) -> list[Message]:
        """Types a command; its answers."""
        known = {message.message_id for message in self.rig.messages(OPERATOR)}
        self.rig.say(OPERATOR, text)

        def answers() -> list[Message]:
            return [m for m in self.rig.messages(OPERATOR) if m.message_id not in known and not m.pinned]

        await self.until(answers)
        await asyncio.sleep(0.3)  # a long answer comes in parts
        await self.turn()
        return answers()

    async def pressed(self, message: Message, label: str) -> str:
        press = self.rig.press(OPERATOR, message, label)
        await self.until(lambda: press.answered)
        return press.toast


@asynccontextmanager
async def open_stage(folder: Path) -> AsyncIterator[Stage]:
    async with AsyncExitStack() as stack:
        rig = stack.enter_context(TelegramRig())
        rig.world.people[OPERATOR] = {"id": OPERATOR, "is_bot": False, "first_name": "Anna"}
        rig.add_chat(OPERATOR)
        clock, people = ManualClock(RECORDED_START, sleep_advances=True), SystemClock()
        market = DemoMarket.load(seed=0, clock=clock)
        config = market.config()
        store = await stack.enter_async_context(await Store.open(folder / "p.db", scope="paper:demo", clock=clock))
        venue = PaperVenue(market.feed(), store.paper, clock, terms_of(config.paper))
        await venue.prepare([SYMBOL])
        office = open_office(config, store, clock, UTC, people=people)
        node = Node(market.lp_positions())
        engine = await build_engine(
            config,
            chains={HEDGE: ChainFeed(node, clock)},
            venue=venue,
            store=store,
            office=office,
            clock=clock,
            began=clock.now(),
        )
        stage = Stage(rig, clock, node, store, office, engine)
        stage.keep_accounts(venue)
        settings = TelegramSettings(SecretStr(rig.token), frozenset({OPERATOR}), None, rig.api_url)
        front = Front(office, store, clock, people=people, telegram=settings)
        listening = asyncio.create_task(front._front_end())
        try:
            yield stage
        finally:
            await end(listening)
