"""`python -m benchmarks.requests`: what one hedge asks of its node in a day on BNB Chain, polling and subscribed.

The real feed and the real watch on a clock that is moved by hand: a block every 0.45 s, swaps in the hedge's pool at
random. 260 swaps an hour is what one of the busiest pools had on an ordinary day (USDC/WETH 0.05 % on Ethereum,
2024-01-05); ten times less and ten times more stand for a quiet and a very busy one.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from core.chain_watch import ChainWatch
from core.clock import ManualClock
from core.config import HedgeConfig
from core.errors import LpHedgeError
from core.events import Event
from core.facts import Block, LpFacts
from core.feeds import ChainFeed
from core.news_ports import ChainNews
from core.observation import SHARED_READ_S
from tests.hedging.positions import BASE, QUOTE, position

DAY_S = 86_400
BLOCK_S = 0.45
POLL_S = 15
SWAPS_AN_HOUR = (26, 260, 2600)
HEDGE = HedgeConfig(chain="bsc", amm_type="pancakeswap_v3", lp_position_ids=(1,), symbol="BNBUSDT", poll_seconds=POLL_S)


class _Node:
    """Counts what it is asked, and pushes its blocks to who listens."""

    name = "node"

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.block = 1
        self.requests = 0
        self.pushes_events = True
        self.say: Callable[[ChainNews], None] = lambda news: None

    async def prepare(self) -> None: ...

    async def read(self) -> Mapping[str, LpFacts]:
        self.requests += 1
        now = self._clock.now()
        return {"bnb": LpFacts(Block(self.block, None, now), now, "", BASE, QUOTE, Decimal(2000), (_HELD,), (), None)}

    def faults(self) -> Mapping[str, LpHedgeError]:
        return {}

    async def follow(self, hedge: str, position_id: int) -> None: ...

    async def aclose(self) -> None: ...

    async def listen(self, pools: Collection[str], on_news: Callable[[ChainNews], None]) -> None:
        self.say = on_news
        await asyncio.get_running_loop().create_future()

    def mine(self, *, swapped: bool) -> None:
        self.block += 1
        self.say(ChainNews(self.block, moved=swapped or not self.pushes_events))


_HELD = position()


class _Nowhere:
    async def append(self, event: Event) -> None: ...

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        return ()


async def _day(*, subscribed: bool, events: bool, swaps_an_hour: int) -> int:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    node = _Node(clock)
    node.pushes_events = events
    feed = ChainFeed(node, clock)
    watch = ChainWatch(
        "bsc",
        stream=node,
        feed=feed,
        pools=lambda: (),
        hedges={"bnb": HEDGE},
        wake=lambda name: None,
        events=_Nowhere(),
        clock=clock,
    )
    tasks = [asyncio.ensure_future(_poll(feed, clock))]
    tasks += [asyncio.ensure_future(watch.run())] if subscribed else []
    chance, rng = swaps_an_hour * BLOCK_S / 3600, random.Random(0)
    for _ in range(round(DAY_S / BLOCK_S)):
        await clock.advance(BLOCK_S)
        node.mine(swapped=rng.random() < chance)
        for _ in range(4):
            await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    return node.requests


async def _poll(feed: ChainFeed, clock: ManualClock) -> None:
    while True:
        await feed.facts("bnb", max_age_s=SHARED_READ_S)
        await clock.sleep(POLL_S)


def main() -> int:
    print("requests an hour, one hedge on BNB Chain, poll_seconds = 15")
    print(f"{'polling':52} {asyncio.run(_day(subscribed=False, events=True, swaps_an_hour=260)) / 24:8.0f}")
    for swaps in SWAPS_AN_HOUR:
        asked = asyncio.run(_day(subscribed=True, events=True, swaps_an_hour=swaps))
        print(f"{f'subscribed, {swaps} swaps an hour in the pool':52} {asked / 24:8.0f}")
    asked = asyncio.run(_day(subscribed=True, events=False, swaps_an_hour=260))
    print(f"{'subscribed at a node that pushes no events':52} {asked / 24:8.0f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
