"""Nodes behind one address do not all stand at one block."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal

import pytest

from core.clock import ManualClock
from core.errors import LpHedgeError
from core.facts import Block, LpFacts
from core.feeds import GIVEN_UP_AFTER_S, LAGGING_FOR_S, ChainFeed
from tests.core.pair import START
from tests.hedging.positions import BASE, QUOTE


class Nodes:
    """Answers from whatever block is set."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.block = 100
        self.answering = asyncio.Event()
        self.answering.set()

    async def prepare(self) -> None: ...

    async def read(self) -> Mapping[str, LpFacts]:
        await self.answering.wait()
        now = self._clock.now()
        return {"eth": LpFacts(Block(self.block, None, now), now, "test", BASE, QUOTE, Decimal(1), (), (), None)}

    def faults(self) -> Mapping[str, LpHedgeError]:
        return {}

    async def follow(self, hedge: str, position_id: int) -> None: ...

    async def aclose(self) -> None: ...


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


async def test_a_node_that_lags_behind_the_last_one_is_not_believed(clock: ManualClock) -> None:
    """The newer facts stay, and it is said why nothing newer came; the next node on time is believed again."""
    nodes = Nodes(clock)
    feed = ChainFeed(nodes, clock)
    seen = []
    for block in (100, 102, 101, 102, 103):
        nodes.block = block
        reading = await feed.facts("eth", max_age_s=0.5)
        assert reading.value is not None
        seen.append((reading.value.block.number, reading.trouble))
        await clock.advance(1)
    late = "the node answered with block 101, but block 102 was read before"
    assert seen == [(100, None), (102, None), (102, late), (102, None), (103, None)]


async def test_a_chain_that_was_rolled_back_is_believed_after_a_while(clock: ManualClock) -> None:
    """Not at once, and not never."""
    nodes = Nodes(clock)
    feed = ChainFeed(nodes, clock)
    await feed.facts("eth", max_age_s=0.5)
    nodes.block = 90
    believed_at = clock.now()
    await clock.advance(1)
    while (reading := await feed.facts("eth", max_age_s=0.5)).trouble:
        await clock.advance(1)
    assert reading.value is not None
    assert reading.value.block.number == 90
    assert clock.now() - believed_at == timedelta(seconds=LAGGING_FOR_S + 1)


async def test_a_node_that_hangs_holds_nobody_up(clock: ManualClock) -> None:
    """The last good read is there after the patience, and the answer that comes late is the next one's."""
    nodes = Nodes(clock)
    feed = ChainFeed(nodes, clock)
    await feed.facts("eth", max_age_s=0.5)
    await clock.advance(1)
    nodes.block = 101
    nodes.answering.clear()
    both = [feed.facts("eth", max_age_s=0.5, patience_s=0.02) for _ in range(2)]
    for reading in await asyncio.gather(*both):
        assert reading.value is not None and reading.value.block.number == 100
        assert reading.trouble == "the chain has not answered within 0.02 s"
    nodes.answering.set()
    await asyncio.sleep(0)
    late = await feed.facts("eth", max_age_s=0.5)
    assert late.value is not None and (late.value.block.number, late.trouble) == (101, None)
    await feed.aclose()


async def test_a_read_that_never_ends_is_given_up(clock: ManualClock) -> None:
    """Or whoever asks would wait for it always; who waits for it is told, and the next read is a new one."""
    nodes = Nodes(clock)
    feed = ChainFeed(nodes, clock)
    nodes.answering.clear()
    waiting = asyncio.create_task(feed.facts("eth", max_age_s=0.5))
    await asyncio.sleep(0)
    await clock.advance(GIVEN_UP_AFTER_S + 1)
    next_one = asyncio.create_task(feed.facts("eth", max_age_s=0.5))
    assert (await waiting).trouble == "a read of the chain hung and was given up"
    nodes.answering.set()
    assert (await next_one).value is not None
    await feed.aclose()
