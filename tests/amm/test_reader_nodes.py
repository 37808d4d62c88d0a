"""Nodes that lag, stop, tire, refuse large calls, or change their mind about a block; and chains without Multicall3."""

import contextlib
import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from eth_abi.abi import decode, encode

from core.amm.abi import ChainUnavailable
from core.amm.multicall_code import MULTICALL_CODE
from core.amm.rpc import LIMIT_REST_S, QUOTA_REST_S
from core.clock import ManualClock
from core.errors import Refused
from tests.amm.reading import MakeReader, assert_pays, hedge, preset_of
from tests.rigs.chain import faults
from tests.rigs.chain.artefacts import artefact
from tests.rigs.chain.proxy import Answer, Body, Fault, RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef

pytestmark = pytest.mark.chain


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(datetime.now(UTC))


@pytest.fixture(scope="module")
def unsteady() -> Iterator[ChainRig]:
    """A node of its own for blocks that are replaced: one that was reverted remembers hashes of gone blocks."""
    with ChainRig() as rig:
        yield rig


@pytest.fixture
def pool(chain: ChainRig) -> PoolRef:
    return busy_pool(chain)


def busy_pool(chain: ChainRig) -> PoolRef:
    """At 2000 with somebody else's liquidity."""
    pool = chain.create_pool(*chain.pair(quote=("USDT", 6)), price=2000)
    chain.mint_position(pool, 100, 40000, base=1000, quote=2_000_000, owner=chain.other)
    return pool


def mint(chain: ChainRig, pool: PoolRef, wider: int = 0) -> int:
    """Around the price; each `wider` has a range of its own."""
    return chain.mint_position(pool, 1600 - 20 * wider, 2500 + 20 * wider, base=25, quote=50_000)


# -- large calls ---------------------------------------------------------------------------------------------------


async def test_a_guard_that_forbids_large_calls_is_asked_for_less_the_next_time(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, clock: ManualClock, make_reader: MakeReader
) -> None:
    """HTTP 403 may also be a refused key: one request each time, and what worked is kept to."""
    ids = [mint(chain, pool, wider) for wider in range(12)]
    named = hedge(ids, max_chain_age_seconds=3600)
    reader = make_reader(preset_of(chain, pool.quote), chain_proxy.url, clock=clock, h=named)
    await reader.prepare()
    chain_proxy.fault = faults.too_large(6_000, status=403)
    asked = []
    for _ in range(6):
        chain_proxy.forget()
        with contextlib.suppress(ChainUnavailable):
            assert_pays(chain, pool, (await reader.read())["h"].positions[0])
        asked.append(len(chain_proxy.requests))
        await clock.advance(20)
    assert asked in ([1, 1, 4, 4, 4, 4], [1, 1, 1, 1, 16, 16])


@pytest.mark.parametrize(
    "refuses",
    [
        faults.too_large(6_000),
        faults.too_large(6_000, status=413),
        faults.gas_capped(450_000),
    ],
    ids=["by error", "by 413", "by gas"],
)
async def test_a_node_that_refuses_large_calls_is_asked_in_portions_of_one_block(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader, refuses: Fault
) -> None:
    """All of one block though the chain goes on between the portions, and from then on in portions at once."""
    ids = [mint(chain, pool, wider) for wider in range(12)]
    reader = make_reader(preset_of(chain, pool.quote), chain_proxy.url, h=hedge(ids))
    await reader.prepare()

    def mining(request: Body, forward: Callable[[Body], bytes]) -> Answer:
        answer = refuses(request, forward)
        chain.mine()
        return answer

    chain_proxy.fault = mining
    await reader.read()
    chain_proxy.forget()
    facts = (await reader.read())["h"]
    asked_at = [request["params"][1] for request in chain_proxy.requests]
    assert len(asked_at) in (4, 16)
    assert asked_at == ["latest"] + [hex(facts.block.number)] * (len(asked_at) - 1)
    chain_proxy.fault = None
    for position in facts.positions:
        assert_pays(chain, pool, position)


async def test_portions_of_two_branches_are_not_put_together(unsteady: ChainRig, make_reader: MakeReader) -> None:
    """A block that is replaced between two portions spoils the read."""
    pool = busy_pool(unsteady)
    ids = [mint(unsteady, pool, wider) for wider in range(12)]
    unsteady.mine(12)
    refuses = faults.too_large(9_000)
    served: list[bool] = []

    def reorganising(request: Body, forward: Callable[[Body], bytes]) -> Answer:
        answer = refuses(request, forward)
        served.append(b"error" not in answer.body)
        if sum(served) == 1:
            unsteady.reorg(8)
        return answer

    with RpcProxy(unsteady.rpc_url) as proxy:
        reader = make_reader(preset_of(unsteady, pool.quote), proxy.url, h=hedge(ids))
        await reader.prepare()
        proxy.fault = reorganising
        with pytest.raises(ChainUnavailable, match="changed block"):
            await reader.read()


# -- no Multicall3 -------------------------------------------------------------------------------------------------


async def test_without_multicall_the_call_brings_its_own_code(bare_chain: ChainRig, make_reader: MakeReader) -> None:
    """Still one request a cycle, to the last unit."""
    pool = bare_chain.create_pool(*bare_chain.pair(quote=("USDT", 6)), price=2000)
    ids = [mint(bare_chain, pool) for _ in range(3)]
    with RpcProxy(bare_chain.rpc_url) as proxy:
        reader = make_reader(preset_of(bare_chain, pool.quote), proxy.url, h=hedge(ids, wallet=bare_chain.lp))
        await reader.prepare()
        bare_chain.swap_to_price(pool, 2100)
        proxy.forget()
        facts = (await reader.read())["h"]
        assert [request["method"] for request in proxy.requests] == ["eth_call"]
        for position in facts.positions:
            assert_pays(bare_chain, pool, position)


def test_the_code_is_that_of_the_source() -> None:
    """What stands in the program is what the compiler makes of the contract beside the tests."""
    assert artefact("Multicall3").runtime == MULTICALL_CODE


@pytest.mark.parametrize("fault", [faults.NO_STATE_OVERRIDE, faults.IGNORES_STATE_OVERRIDE], ids=["refuses", "ignores"])
async def test_no_multicall_and_no_code_of_ours_is_refused(
    bare_chain: ChainRig, make_reader: MakeReader, fault: Fault
) -> None:
    """Said with the address and what to do, and no number follows."""
    pool = bare_chain.create_pool(*bare_chain.pair(quote=("USDT", 6)), price=2000)
    with RpcProxy(bare_chain.rpc_url) as proxy:
        proxy.fault = fault
        preset = preset_of(bare_chain, pool.quote)
        reader = make_reader(preset, proxy.url, h=hedge([mint(bare_chain, pool)]))
        with pytest.raises(Refused, match=r"no Multicall3 at 0xcA11.*set multicall in \[chains.rig\]"):
            await reader.prepare()


# -- blocks that are replaced --------------------------------------------------------------------------------------


async def test_a_replaced_block_is_noticed_and_read_again(unsteady: ChainRig, make_reader: MakeReader) -> None:
    """Liquidity taken out in a block that is then replaced is back, and it is said which block it was."""
    pool = busy_pool(unsteady)
    position_id = mint(unsteady, pool)
    unsteady.mine(3)
    with RpcProxy(unsteady.rpc_url) as proxy:
        reader = make_reader(preset_of(unsteady, pool.quote), proxy.url, h=hedge([position_id]))
        await reader.prepare()
        whole = (await reader.read())["h"].positions[0].liquidity
        unsteady.mine(6)
        before = unsteady.block_number()
        unsteady.decrease(position_id)
        unsteady.mine()
        gone = (await reader.read())["h"]
        assert (gone.positions[0].liquidity, gone.reorganised_from) == (0, None)
        unsteady.reorg(unsteady.block_number() - before + 4)  # it goes on by itself meanwhile
        unsteady.mine(2)
        proxy.forget()
        back = (await reader.read())["h"]
        assert (back.positions[0].liquidity, back.reorganised_from) == (whole, gone.block.number)
        assert [request["method"] for request in proxy.requests] == ["eth_call", "eth_call"]
        assert (await reader.read())["h"].reorganised_from is None


async def test_a_chain_that_only_goes_on_is_not_reorganised(
    chain: ChainRig, pool: PoolRef, make_reader: MakeReader
) -> None:
    """Also not over more blocks than a contract remembers, and not when one block is read twice."""
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=hedge([mint(chain, pool)]))
    await reader.prepare()
    for blocks in (0, 1, 2, 300, 0, 5):
        chain.mine(blocks) if blocks else None
        assert (await reader.read())["h"].reorganised_from is None


# -- nodes that are not where the chain is -------------------------------------------------------------------------


async def test_a_node_that_is_behind_gives_way(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, clock: ManualClock, make_reader: MakeReader
) -> None:
    """By number, once a newer block was read elsewhere; asked again after a rest, it serves once it caught up."""
    position_id = mint(chain, pool)
    reader = make_reader(
        preset_of(chain, pool.quote), chain_proxy.url, chain.rpc_url, clock=clock, h=hedge([position_id])
    )
    await reader.prepare()
    before = (await reader.read())["h"].block.number
    chain.mine(4)
    chain_proxy.fault = faults.DROPPED
    assert (await reader.read())["h"].block.number >= before + 4
    await clock.advance(5)
    chain_proxy.fault = faults.lagging(3)
    chain_proxy.forget()
    assert (await reader.read())["h"].block.number >= before + 4
    assert len(chain_proxy.requests) == 1
    assert "but block" in str(reader.health()[0].trouble)
    await clock.advance(5)
    chain_proxy.fault = None
    chain.mine()
    assert (await reader.read())["h"].block.number > before + 4
    assert reader.health()[0].trouble is None


async def test_a_stopped_head_gives_way_to_a_living_one(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader
) -> None:
    """By block time against the clock, also at the very first read, before anything newer is known."""
    position_id = mint(chain, pool)
    stopped_at = chain.block_number()
    ages = timedelta(seconds=100)
    chain.rpc.call("evm_increaseTime", int(ages.total_seconds()))
    chain.mine(2)
    late = ManualClock(datetime.now(UTC) + ages)
    chain_proxy.fault = faults.stopped_head(stopped_at)
    preset = preset_of(chain, pool.quote)
    reader = make_reader(preset, chain_proxy.url, chain.rpc_url, clock=late, h=hedge([position_id]))
    await reader.prepare()
    assert (await reader.read())["h"].block.number > stopped_at
    assert "s old" in str(reader.health()[0].trouble)


async def test_with_no_better_node_the_least_late_one_is_read(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader
) -> None:
    """Whether it is too old is for the hedge's own limit to say; the figures carry their block's time."""
    position_id = mint(chain, pool)
    chain.mine(5)
    later = ManualClock(datetime.now(UTC) + timedelta(seconds=600))
    chain_proxy.fault = faults.lagging(4)
    preset = preset_of(chain, pool.quote)
    reader = make_reader(preset, chain_proxy.url, chain.rpc_url, clock=later, h=hedge([position_id]))
    await reader.prepare()
    await later.advance(60)
    newest = chain.block_number()
    facts = (await reader.read())["h"]
    assert facts.block.number >= newest - 1
    assert facts.as_of - facts.block.time > timedelta(seconds=600)


# -- nodes that want to be left alone ------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", faults.QUOTAS.values(), ids=faults.QUOTAS.keys())
async def test_who_asks_for_a_pause_gets_it(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, clock: ManualClock, make_reader: MakeReader, fault: Fault
) -> None:
    """Whatever the words: one request, then none for a while, and the other node serves meanwhile."""
    position_id = mint(chain, pool)
    reader = make_reader(
        preset_of(chain, pool.quote),
        chain_proxy.url,
        chain.rpc_url,
        clock=clock,
        h=hedge([position_id], max_chain_age_seconds=3600),
    )
    await reader.prepare()
    chain_proxy.fault = fault
    chain_proxy.forget()
    for _ in range(3):
        assert_pays(chain, pool, (await reader.read())["h"].positions[0])
    assert len(chain_proxy.requests) == 1
    chain_proxy.fault = None
    await clock.advance(QUOTA_REST_S)
    await reader.read()
    assert len(chain_proxy.requests) == 2


async def test_a_quota_of_the_day_is_not_asked_for_again_at_every_poll(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, clock: ManualClock, make_reader: MakeReader
) -> None:
    """With no other node nothing is asked until the rest is over, and it is said why and for how long."""
    reader = make_reader(preset_of(chain, pool.quote), chain_proxy.url, clock=clock, h=hedge([mint(chain, pool)]))
    await reader.prepare()
    chain_proxy.fault = faults.QUOTAS["infura day, status 200"]
    chain_proxy.forget()
    for _ in range(20):
        with pytest.raises(ChainUnavailable, match="daily request count exceeded") as failure:
            await reader.read()
        assert failure.value.retry_after_s is not None
        await clock.advance(QUOTA_REST_S / 20 - 1)
    assert len(chain_proxy.requests) == 1


async def test_failures_in_a_row_are_asked_after_more_and_more_rarely(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, clock: ManualClock, make_reader: MakeReader
) -> None:
    """Doubling to ten seconds at most, never quite regular; a good answer begins anew."""
    reader = make_reader(
        preset_of(chain, pool.quote),
        chain_proxy.url,
        clock=clock,
        h=hedge([mint(chain, pool)], max_chain_age_seconds=3600),
    )
    await reader.prepare()
    chain_proxy.fault = faults.BAD_GATEWAY
    chain_proxy.forget()
    asked_at: list[float] = []
    for second in range(240):
        with pytest.raises(ChainUnavailable):
            await reader.read()
        if len(chain_proxy.requests) > len(asked_at):
            asked_at.append(second)
        await clock.advance(1)
    waits = [after - before for before, after in pairwise(asked_at)]
    assert waits[0] <= 2
    assert 5 <= max(waits) <= 11
    assert 24 <= len(waits) <= 60
    chain_proxy.fault = None
    await clock.advance(11)
    await reader.read()
    assert reader.health()[0].trouble is None


async def test_a_head_from_the_future_gives_way(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader
) -> None:
    """Its block's time would make every age meaningless."""
    position_id = mint(chain, pool)
    preset = preset_of(chain, pool.quote)
    before = ManualClock(datetime.now(UTC) - timedelta(seconds=600))
    reader = make_reader(preset, chain_proxy.url, clock=before, h=hedge([position_id]))
    await reader.prepare()
    await reader.read()
    assert "in the future" in str(reader.health()[0].trouble)

    stopped_at = chain.block_number()
    chain.rpc.call("evm_increaseTime", 600)
    chain.mine()
    chain_proxy.fault = faults.stopped_head(stopped_at)
    reader = make_reader(preset, chain.rpc_url, chain_proxy.url, h=hedge([position_id]))
    await reader.prepare()
    facts = (await reader.read())["h"]
    assert facts.as_of - facts.block.time < timedelta(seconds=60)
    assert "in the future" in str(reader.health()[0].trouble)


async def test_discovery_is_split_too_where_gas_is_short(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader
) -> None:
    """Calls that ran out of gas inside a request are asked again in smaller ones, also when positions are looked up."""
    ids = [mint(chain, pool, wider) for wider in range(30)]
    chain_proxy.fault = faults.gas_capped(450_000)
    reader = make_reader(preset_of(chain, pool.quote), chain_proxy.url, h=hedge(ids))
    await reader.prepare()
    facts = (await reader.read())["h"]
    assert [position.position_id for position in facts.positions] == ids
    chain_proxy.fault = None
    for position in facts.positions[:3]:
        assert_pays(chain, pool, position)


async def test_an_absurd_block_number_is_not_believed(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader
) -> None:
    """It would make every honest node look late."""
    reader = make_reader(preset_of(chain, pool.quote), chain_proxy.url, chain.rpc_url, h=hedge([mint(chain, pool)]))
    await reader.prepare()
    honest = (await reader.read())["h"].block.number

    def ahead(request: Body, forward: Callable[[Body], bytes]) -> Answer:
        answer = json.loads(forward(request))
        (results,) = decode(["(bool,bytes)[]"], bytes.fromhex(answer["result"][2:]))
        assert int.from_bytes(results[2][1], "big") == chain.block_number()
        altered = [*results[:2], (True, (honest + 10**6).to_bytes(32, "big")), *results[3:]]
        return Answer(body=json.dumps(answer | {"result": "0x" + encode(["(bool,bytes)[]"], [altered]).hex()}).encode())

    chain_proxy.fault = faults.only("eth_call", ahead)
    assert honest <= (await reader.read())["h"].block.number < honest + 1000
    assert "claims block" in str(reader.health()[0].trouble)


async def test_one_hedge_that_cannot_be_read_blinds_no_other(
    chain: ChainRig, pool: PoolRef, make_reader: MakeReader
) -> None:
    """Its pool answers nonsense from now on: it is named, the others go on in one request."""
    broken = chain.create_pool(pool.base, pool.quote, price=2000, fee_pips=3000)
    ids = [mint(chain, pool), chain.mint_position(broken, 1600, 2500, base=25, quote=50_000)]
    with RpcProxy(chain.rpc_url) as proxy:
        reader = make_reader(
            preset_of(chain, pool.quote), proxy.url, good=hedge(ids[:1]), bad=hedge(ids[1:], symbol="OTHERUSDT")
        )
        await reader.prepare()
        assert set(await reader.read()) == {"good", "bad"}
        for code in ("0x5f5ffd", "0x5f5ff3"):
            chain.rpc.call("anvil_setCode", broken.address, code)
            await reader.read()
            proxy.forget()
            assert set(await reader.read()) == {"good"}
            assert len(proxy.requests) == 1
            assert list(reader.faults()) == ["bad"]


async def test_one_node_without_a_contract_is_not_the_chain(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader
) -> None:
    """A node that is still catching up knows of no contract yet; the next one does."""
    chain_proxy.fault = faults.only("eth_getCode", faults.EMPTY_RESULT)
    reader = make_reader(preset_of(chain, pool.quote), chain_proxy.url, chain.rpc_url, h=hedge([mint(chain, pool)]))
    await reader.prepare()
    assert_pays(chain, pool, (await reader.read())["h"].positions[0])
    asked = [request for request in chain_proxy.requests if request["method"] == "eth_call"]
    assert all(len(request["params"]) == 2 for request in asked)


@pytest.mark.parametrize(
    ("message", "rests_s"),
    [
        ("quota of 100 requests per second exceeded", LIMIT_REST_S),
        ("your quota for today is used up", QUOTA_REST_S),
        ("monthly quota exceeded", QUOTA_REST_S),
    ],
)
async def test_the_rest_fits_what_is_used_up(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader, message: str, rests_s: float
) -> None:
    """A second's quota is back in a moment."""
    reader = make_reader(preset_of(chain, pool.quote), chain_proxy.url, h=hedge([mint(chain, pool)]))
    await reader.prepare()
    chain_proxy.fault = faults.rpc_error(-32000, message)
    with pytest.raises(ChainUnavailable) as limited:
        await reader.read()
    assert limited.value.retry_after_s == rests_s
