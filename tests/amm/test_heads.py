"""What a node pushes is only ever a reason to read; whatever goes wrong with it ends the connection and says why."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress

import pytest
from pydantic import SecretStr

from core.amm.abi import ChainUnavailable
from core.amm.heads import HeadStream
from core.errors import LpHedgeError, Refused
from core.news_ports import ChainNews
from tests.amm.reading import preset_of
from tests.rigs.chain import ws_proxy as sockets
from tests.rigs.chain.proxy import Answer
from tests.rigs.chain.rig import ChainRig, PoolRef
from tests.rigs.chain.ws_proxy import WsProxy

pytestmark = pytest.mark.chain

SILENT_AFTER_S = 4.0  # a busy machine must not look like a silent node


@pytest.fixture(scope="module")
def chain() -> Iterator[ChainRig]:
    """A node of its own with five blocks a second."""
    with ChainRig(block_time_s=0.2) as rig:
        yield rig


@pytest.fixture
def ws_proxy(chain: ChainRig) -> Iterator[WsProxy]:
    with WsProxy(chain.ws_url) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def pool(chain: ChainRig) -> PoolRef:
    pool = chain.create_pool(*chain.pair(quote=("USDT", 6)), price=2000)
    chain.mint_position(pool, 100, 40000, base=1000, quote=2_000_000, owner=chain.other)
    return pool


class Listening:
    """A stream that is listened to, what it has told, and how it ended."""

    def __init__(self, chain: ChainRig, url: str, *pools: PoolRef) -> None:
        stream = HeadStream(SecretStr(url), preset_of(chain, chain.weth), silent_after_s=SILENT_AFTER_S, answer_s=20)
        self.news: list[ChainNews] = []
        self.task = asyncio.ensure_future(stream.listen([pool.address for pool in pools], self.news.append))

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not condition():
                if self.task.done():
                    self.task.result()
                await asyncio.sleep(0.005)

    async def end(self) -> LpHedgeError:
        async with asyncio.timeout(30):
            with pytest.raises(LpHedgeError) as ended:
                await self.task
        return ended.value


@asynccontextmanager
async def listening(chain: ChainRig, url: str, *pools: PoolRef) -> AsyncIterator[Listening]:
    """Connected, with a first head behind it."""
    made = Listening(chain, url, *pools)
    try:
        await made.until(lambda: bool(made.news))
        yield made
    finally:
        made.task.cancel()
        await asyncio.wait({made.task})


async def in_thread(work: Callable[..., None], *arguments: object) -> None:
    await asyncio.to_thread(work, *arguments)


async def test_heads_show_life_and_events_of_the_pool_are_news(
    chain: ChainRig, ws_proxy: WsProxy, pool: PoolRef
) -> None:
    """A swap is news with its block's number; blocks without one change nothing that is read."""
    async with listening(chain, ws_proxy.url, pool) as heard:
        await heard.until(lambda: len(heard.news) >= 2)
        assert not any(each.moved for each in heard.news)
        before = chain.block_number()
        await in_thread(chain.swap_to_price, pool, 2020)
        after = chain.block_number()
        await heard.until(lambda: any(each.moved for each in heard.news))
        (swap,) = [each for each in heard.news if each.moved]
        assert before <= swap.block <= after


async def test_where_events_are_not_pushed_every_head_is_news(
    chain: ChainRig, ws_proxy: WsProxy, pool: PoolRef
) -> None:
    ws_proxy.refused = frozenset({"logs"})
    async with listening(chain, ws_proxy.url, pool) as heard:
        await heard.until(lambda: len(heard.news) >= 2)
        assert all(each.moved for each in heard.news)


async def test_what_comes_twice_is_heard_twice_and_harms_nothing(chain: ChainRig, ws_proxy: WsProxy) -> None:
    ws_proxy.copies = 2
    async with listening(chain, ws_proxy.url) as heard:
        await heard.until(lambda: len(heard.news) >= 4)
        assert heard.news[-1].block >= heard.news[0].block


@pytest.mark.parametrize("still_pings", [True, False], ids=["alive otherwise", "dead"])
async def test_silence_ends_the_connection(chain: ChainRig, ws_proxy: WsProxy, still_pings: bool) -> None:
    """A connection that stays open and says nothing is as good as none, though it answers pings."""
    async with listening(chain, ws_proxy.url) as heard:
        ws_proxy.answers_pings = still_pings
        ws_proxy.silent = True
        ended = await heard.end()
    assert isinstance(ended, ChainUnavailable) and f"no new block for {SILENT_AFTER_S:.0f} s" in str(ended)


async def test_events_without_heads_are_silence_too(chain: ChainRig, ws_proxy: WsProxy, pool: PoolRef) -> None:
    """A node whose head subscription has died may still push events of the past."""
    async with listening(chain, ws_proxy.url, pool) as heard:
        ws_proxy.muted = frozenset({"newHeads"})
        assert "no new block" in str(await heard.end())


@pytest.mark.parametrize("code", [None, 1000, 1011])
async def test_an_end_is_said(chain: ChainRig, ws_proxy: WsProxy, code: int | None) -> None:
    async with listening(chain, ws_proxy.url) as heard:
        await in_thread(ws_proxy.drop_all, code)
        assert "ended the push connection" in str(await heard.end())


@pytest.mark.parametrize(
    ("upgrade", "says"),
    [
        (sockets.UNAUTHORIZED, "HTTP 401"),
        (sockets.FORBIDDEN, "HTTP 403"),
        (sockets.TOO_MANY_REQUESTS, "HTTP 429"),
        (sockets.NOT_A_SOCKET, "HTTP 200"),
        (sockets.BAD_GATEWAY, "HTTP 502"),
    ],
)
async def test_a_door_that_stays_shut(chain: ChainRig, ws_proxy: WsProxy, upgrade: Answer, says: str) -> None:
    """Told with its status, without the key in the URL."""
    ws_proxy.upgrade = upgrade
    ended = await Listening(chain, f"{ws_proxy.url}/v2/s3cr3t-key").end()
    assert says in str(ended) and "s3cr3t" not in str(ended)


async def test_nobody_there(chain: ChainRig, ws_proxy: WsProxy) -> None:
    ws_proxy.refuse_connections()
    assert "did not take the push connection (nothing listens" in str(await Listening(chain, ws_proxy.url).end())


async def test_another_chain_is_refused(chain: ChainRig, ws_proxy: WsProxy) -> None:
    """By name of what to correct."""
    ws_proxy.chain_id = 1
    ended = await Listening(chain, ws_proxy.url).end()
    assert isinstance(ended, Refused) and "correct RIG_WS_URL" in str(ended)


async def test_a_node_without_subscriptions(chain: ChainRig, ws_proxy: WsProxy, pool: PoolRef) -> None:
    """Its own words are passed on."""
    ws_proxy.refused = frozenset({"eth_subscribe"})
    ended = await Listening(chain, ws_proxy.url, pool).end()
    assert isinstance(ended, ChainUnavailable) and "does not push new blocks" in str(ended)


@pytest.mark.parametrize("text", [sockets.NOT_JSON, *sockets.WRONG_SHAPES])
async def test_nonsense_is_passed_over_or_ends_it(chain: ChainRig, ws_proxy: WsProxy, text: str) -> None:
    """Never another kind of failure, and never news."""
    async with listening(chain, ws_proxy.url) as heard:
        blocks = chain.block_number()
        ws_proxy.say(text)
        try:
            await heard.until(lambda: heard.news[-1].block > blocks)
        except ChainUnavailable:
            return
        assert all(0 < each.block <= chain.block_number() for each in heard.news)


@pytest.mark.parametrize("name", sockets.ABSURD_HEADS)
async def test_an_absurd_head_is_no_block(chain: ChainRig, ws_proxy: WsProxy, name: str) -> None:
    """What has no number ends the connection; what has one tells to read, and nothing else is taken from it."""
    async with listening(chain, ws_proxy.url) as heard:
        before = len(heard.news)
        ws_proxy.bend_head = sockets.ABSURD_HEADS[name]
        with suppress(ChainUnavailable):
            await heard.until(lambda: len(heard.news) > before + 1)
        assert all(0 < each.block < 1 << 63 for each in heard.news)
