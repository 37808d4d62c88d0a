"""Whatever a node answers instead of the truth is an error that says nothing is known; no amount ever follows."""

import logging
from datetime import UTC, datetime

import pytest
from eth_abi.abi import decode, encode

from core.amm.abi import ChainUnavailable
from core.amm.reader import ChainReader
from core.amm.rpc import LIMIT_REST_S, QUOTA_REST_S
from core.clock import ManualClock
from core.errors import Refused, Transient
from tests.amm.reading import MakeReader, assert_pays, hedge, preset_of
from tests.rigs.chain import faults
from tests.rigs.chain.proxy import Fault, RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef

pytestmark = pytest.mark.chain

TIMEOUT_S = 4  # of the reader; a busy machine must not look like a slow node

BROKEN = {
    "html": faults.HTML,
    "bad gateway": faults.BAD_GATEWAY,
    "garbage": faults.GARBAGE,
    "empty body": faults.EMPTY_BODY,
    "nothing but brackets": faults.fixed(b"[" * 200_000),
    "an odd code": faults.fixed(b'{"jsonrpc":"2.0","id":1,"error":{"code":[1],"message":{}}}'),
    "not an object": faults.fixed(b"[1, 2]"),
    "null": faults.NULL_RESULT,
    "0x": faults.EMPTY_RESULT,
    "number": faults.result(7),
    "broken hex": faults.result("0xzz"),
    "all zeros": faults.ZEROS,
    "all ones": faults.altered(lambda data: b"\xff" * len(data)),
    "cut in half": faults.SHORT,
    "cut by a word": faults.altered(lambda data: data[:-32]),
    "a list of nothing": faults.altered(lambda data: bytes(31) + b"\x20" + bytes(32)),
    "wrong count": faults.altered(lambda data: data[:63] + bytes([max(data[63:64], default=1) - 1]) + data[64:]),
    "dropped": faults.DROPPED,
    "rate limited": faults.RATE_LIMITED,
    "header not found": faults.rpc_error(-32000, "header not found"),
    "error without form": faults.fixed(b'{"jsonrpc":"2.0","id":1,"error":"no"}'),
    "too slow": faults.slow(TIMEOUT_S + 1),
}


@pytest.fixture
def pool(chain: ChainRig) -> PoolRef:
    """A pool at 2000."""
    return chain.create_pool(*chain.pair(quote=("USDT", 6)), price=2000)


@pytest.fixture
def clock() -> ManualClock:
    """A node that failed is asked again when this has moved on."""
    return ManualClock(datetime.now(UTC))


@pytest.fixture
async def reader(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, clock: ManualClock, make_reader: MakeReader
) -> ChainReader:
    """A prepared reader of one position, behind the proxy."""
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    chain.swap_to_price(pool, 2100)
    config = hedge([position_id], wallet=chain.lp)
    made = make_reader(preset_of(chain, pool.quote), chain_proxy.url, timeout_s=TIMEOUT_S, clock=clock, h=config)
    await made.prepare()
    return made


@pytest.mark.parametrize("fault", BROKEN.values(), ids=BROKEN.keys())
async def test_no_amount_from_a_broken_answer(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, reader: ChainReader, clock: ManualClock, fault: Fault
) -> None:
    """A broken answer raises Transient after one request, and the next good one is exact again."""
    chain_proxy.forget()
    chain_proxy.fault = fault
    with pytest.raises(Transient):
        await reader.read()
    assert len(chain_proxy.requests) == 1
    chain_proxy.fault = None
    await clock.advance(10)
    assert_pays(chain, pool, (await reader.read())["h"].positions[0])


async def test_a_failed_part_is_never_a_burnt_position(
    chain: ChainRig, chain_proxy: RpcProxy, clock: ManualClock, reader: ChainReader
) -> None:
    """When any one of the inner calls fails without a reason, as out of gas, the whole read fails.

    But for three that tell more than amounts need: two hashes of earlier blocks, and the pool's own average.
    """
    await reader.read()
    honest = bytes.fromhex(chain.rpc.call("eth_call", *chain_proxy.requests[-1]["params"])[2:])
    (results,) = decode(["(bool,bytes)[]"], honest)
    survived = 0
    for broken in range(len(results)):
        altered = [(False, b"") if index == broken else each for index, each in enumerate(results)]
        failed = encode(["(bool,bytes)[]"], [altered])
        chain_proxy.fault = faults.result("0x" + failed.hex())
        await clock.advance(60)
        try:
            await reader.read()
        except ChainUnavailable:
            continue
        survived += 1
    assert survived == 3


@pytest.mark.parametrize(
    ("asked", "waits_s"), [("7", 7), ("9" * 400, QUOTA_REST_S), ("\u00b2", LIMIT_REST_S), ("soon", LIMIT_REST_S)]
)
async def test_rate_limit_names_its_wait(
    chain_proxy: RpcProxy, reader: ChainReader, asked: str, waits_s: float
) -> None:
    """A 429 carries the wait that the node asked for, within reason."""
    chain_proxy.fault = faults.fixed(b"", status=429, retry_after=asked)
    with pytest.raises(Transient) as limited:
        await reader.read()
    assert limited.value.retry_after_s == waits_s


async def test_stopped_head_keeps_its_block(
    chain: ChainRig, chain_proxy: RpcProxy, clock: ManualClock, reader: ChainReader
) -> None:
    """A node that stands still shows in block number and time, which is what staleness is judged by."""
    before = (await reader.read())["h"].block
    chain_proxy.fault = faults.stopped_head(before.number)
    chain.mine(3)
    await clock.advance(10)
    after = (await reader.read())["h"]
    assert after.block == before
    assert after.as_of > before.time


async def test_another_chains_contracts(
    chain: ChainRig, pool: PoolRef, chain_proxy: RpcProxy, make_reader: MakeReader
) -> None:
    """Whatever a node says of itself: each answer carries the id of the chain that its contracts are on."""
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    reader = make_reader(preset_of(chain, pool.quote, chain_id=99), chain_proxy.url, h=hedge([position_id]))
    chain_proxy.fault = faults.only("eth_chainId", faults.result("0x63"))
    with pytest.raises(ChainUnavailable, match="31337"):
        await reader.prepare()


async def test_next_node_when_one_fails(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, clock: ManualClock, make_reader: MakeReader
) -> None:
    """With the first node broken the second answers in the same read, and goes first until the first has rested."""
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    urls = chain_proxy.url, chain.rpc_url
    reader = make_reader(preset_of(chain, pool.quote), *urls, clock=clock, h=hedge([position_id]))
    await reader.prepare()
    chain_proxy.fault = faults.EMPTY_RESULT
    chain_proxy.forget()
    for _ in range(2):
        assert_pays(chain, pool, (await reader.read())["h"].positions[0])
    assert len(chain_proxy.requests) == 1


async def test_url_never_shows(
    chain_proxy: RpcProxy,
    chain: ChainRig,
    pool: PoolRef,
    make_reader: MakeReader,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The key in a node's URL stands in no message and no log line, whatever fails and whatever the node repeats."""
    caplog.set_level(logging.DEBUG)
    url = f"{chain_proxy.url}/v3/s3cr3t"
    for fault in (*BROKEN.values(), faults.rpc_error(-32000, f"bad key s3cr3t at {url} v3/s3cr3t")):
        chain_proxy.fault = fault
        reader = make_reader(preset_of(chain, pool.quote), url, timeout_s=TIMEOUT_S, h=hedge([1]))
        with pytest.raises((Transient, Refused)) as failure:
            await reader.prepare()
        assert "s3cr3t" not in str(failure.value)
        await reader.aclose()
    assert "s3cr3t" not in caplog.text


async def test_fees_beyond_what_the_pool_has_are_no_fees(
    chain: ChainRig, chain_proxy: RpcProxy, clock: ManualClock, reader: ChainReader
) -> None:
    """A growth that is wrong by one word wraps around to amounts that look like any other."""
    await reader.read()
    honest = bytes.fromhex(chain.rpc.call("eth_call", *chain_proxy.requests[-1]["params"])[2:])
    (results,) = decode(["(bool,bytes)[]"], honest)
    (position,) = (await reader.read())["h"].positions
    passed = 0
    for broken, (_, data) in enumerate(results):
        if len(data) != 32:
            continue
        altered = [(True, b"\x7f" * 32) if index == broken else each for index, each in enumerate(results)]
        chain_proxy.fault = faults.result("0x" + encode(["(bool,bytes)[]"], [altered]).hex())
        await clock.advance(60)
        try:
            read = (await reader.read())["h"].positions[0]
        except ChainUnavailable:
            continue
        passed += 1
        assert (read.owed_base, read.owed_quote) == (position.owed_base, position.owed_quote)
    assert passed
