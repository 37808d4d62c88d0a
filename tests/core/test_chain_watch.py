"""A chain's news are read at once and no more than once a second, wake whom they concern, and may stay away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from core.chain_watch import ChainWatch
from core.config import HedgeConfig
from core.errors import LpHedgeError, Refused, Transient
from core.events import Event, EventKind
from core.facts import Block, LpFacts
from core.feeds import ChainFeed
from core.news_ports import ChainNews
from tests.core.kept_events import KeepsEvents
from tests.core.pair import CountedClock
from tests.hedging.positions import BASE, QUOTE, position

HEDGES = {
    name: HedgeConfig(chain="bsc", amm_type="uniswap_v3", lp_position_ids=(number,), symbol=f"{name.upper()}USDT")
    for number, name in enumerate(("bnb", "eth"), start=1)
}


class Pushed:
    """A stream that says what the test says, and ends as the test wants."""

    name = "node"

    def __init__(self) -> None:
        self.lives: list[frozenset[str]] = []
        self._say: Callable[[ChainNews], None] | None = None
        self._end: asyncio.Future[None] | None = None
        self.refuses: LpHedgeError | None = None

    async def listen(self, pools: Collection[str], on_news: Callable[[ChainNews], None]) -> None:
        self.lives.append(frozenset(pools))
        if self.refuses is not None:
            raise self.refuses
        self._say, self._end = on_news, asyncio.get_running_loop().create_future()
        await self._end

    def say(self, block: int, *, moved: bool = True) -> None:
        assert self._say is not None
        self._say(ChainNews(block, moved))

    def end(self, error: LpHedgeError) -> None:
        assert self._end is not None
        self._end.set_exception(error)


class TwoPools:
    """The positions of two hedges of one chain, each at its own price."""

    def __init__(self, clock: CountedClock) -> None:
        self._clock = clock
        self.block = 100
        self.prices = {"bnb": Decimal(2000), "eth": Decimal(2000)}
        self.reads = 0
        self.behind = 0

    async def prepare(self) -> None: ...

    async def read(self) -> Mapping[str, LpFacts]:
        self.reads += 1
        now = self._clock.now()
        block = Block(self.block - self.behind, None, now)
        self.behind = max(0, self.behind - 1)
        return {
            name: LpFacts(block, now, "test", BASE, QUOTE, price, (position(price=str(price)),), (), None)
            for name, price in self.prices.items()
        }

    def faults(self) -> Mapping[str, LpHedgeError]:
        return {}

    async def follow(self, hedge: str, position_id: int) -> None: ...

    async def aclose(self) -> None: ...


class Scene(KeepsEvents):
    def __init__(self) -> None:
        self.clock = CountedClock()
        self.stream = Pushed()
        self.positions = TwoPools(self.clock)
        self.pools = frozenset({"0xa"})
        self.woken: list[str] = []
        self.events: list[Event] = []
        self.watch = ChainWatch(
            "bsc",
            stream=self.stream,
            feed=ChainFeed(self.positions, self.clock),
            pools=lambda: self.pools,
            hedges=HEDGES,
            wake=self.woken.append,
            events=self,
            clock=self.clock,
        )

    async def settle(self) -> None:
        for _ in range(60):
            await asyncio.sleep(0)

    async def after(self, seconds_s: float) -> None:
        for _ in range(round(seconds_s * 10)):
            await self.clock.advance(0.1)
            await self.settle()

    def told(self) -> list[EventKind]:
        return [event.kind for event in self.events]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    async with running(made):
        made.stream.say(100)
        await made.after(2)
        made.woken.clear()
        made.positions.reads = 0
        yield made


@asynccontextmanager
async def running(scene: Scene) -> AsyncIterator[None]:
    task = asyncio.ensure_future(scene.watch.run())
    await scene.settle()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_only_whom_it_concerns_is_woken(scene: Scene) -> None:
    """At once: no time passes between the news and the wake."""
    scene.positions.block, scene.positions.prices["eth"] = 101, Decimal(2040)
    scene.stream.say(101)
    await scene.settle()
    assert (scene.woken, scene.positions.reads) == (["eth"], 1)


async def test_a_price_that_hardly_moved_wakes_nobody(scene: Scene) -> None:
    """And many such moves wake once they add up."""
    for step in range(1, 40):
        scene.positions.prices["eth"] = Decimal(2000) + step
        scene.stream.say(100 + step)
        await scene.after(1.5)
    assert 1 <= len(scene.woken) < 39
    assert set(scene.woken) == {"eth"}


async def test_a_burst_is_read_once_a_second(scene: Scene) -> None:
    """Twenty blocks in two seconds; the last of them is not missed."""
    for step in range(1, 21):
        scene.positions.block = 100 + step
        scene.positions.prices["bnb"] = Decimal(2000 + 10 * step)
        scene.stream.say(100 + step)
        await scene.after(0.1)
    await scene.after(2)
    assert scene.positions.reads <= 4
    assert scene.woken.count("bnb") == scene.positions.reads


async def test_a_block_without_an_event_is_not_read(scene: Scene) -> None:
    """It shows that the connection lives, and costs nothing."""
    for step in range(30):
        scene.stream.say(100 + step, moved=False)
        await scene.after(1)
    assert scene.positions.reads == 0
    assert scene.watch.trouble is None


async def test_a_node_that_is_a_moment_behind_is_asked_again(scene: Scene) -> None:
    """The news came from one node, the answer from another one."""
    scene.positions.block, scene.positions.behind, scene.positions.prices["bnb"] = 105, 2, Decimal(2040)
    scene.stream.say(105)
    await scene.after(1)
    assert scene.positions.reads == 3


async def test_a_block_that_never_comes_is_not_waited_for(scene: Scene) -> None:
    """Absurd news cost a few reads and no more."""
    for step in range(10):
        scene.stream.say(10**15 + step)
        await scene.after(1.5)
    assert scene.positions.reads <= 4 + 9


async def test_other_pools_are_listened_to_once_they_are_known(scene: Scene) -> None:
    scene.pools = frozenset({"0xa", "0xb"})
    await asyncio.sleep(1.1)  # the look at the pools is in real time
    await scene.after(2)
    assert scene.stream.lives == [frozenset({"0xa"}), frozenset({"0xa", "0xb"})]


async def test_a_short_loss_is_not_told_and_a_long_one_once(scene: Scene) -> None:
    """With one word when it is back; the waits between the attempts grow to a minute."""
    scene.stream.end(Transient("the node ended the push connection"))
    await scene.after(10)
    scene.stream.say(101, moved=False)
    await scene.after(10)
    assert scene.told() == []
    scene.stream.refuses = Refused("the node pushes another chain", code="wrong_chain")
    lives = len(scene.stream.lives)
    scene.stream.end(Transient("the node ended the push connection"))
    await scene.after(600)
    assert scene.told() == [EventKind.NEWS_LOST]
    assert scene.events[0].data == {"chain": "bsc", "detail": "the node pushes another chain"}
    assert scene.watch.trouble == "the node pushes another chain"
    assert 10 <= len(scene.stream.lives) - lives <= 30
    scene.stream.refuses = None
    await scene.after(70)
    scene.stream.say(102, moved=False)
    await scene.after(10)
    assert scene.told() == [EventKind.NEWS_LOST, EventKind.NEWS_BACK]
    assert scene.watch.trouble is None


async def test_one_that_never_connected_is_told() -> None:
    """A mistyped address is not noticed otherwise: polling hides it."""
    scene = Scene()
    scene.stream.refuses = Transient("nobody there")
    async with running(scene):
        await scene.after(70)
    assert scene.told() == [EventKind.NEWS_LOST]
