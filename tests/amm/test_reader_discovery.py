"""What the reader finds out by itself, what it refuses, and how it follows positions that come and go."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from core.amm.contracts import ARB_SYS
from core.amm.reader import RETRY_S, ChainReader
from core.clock import ManualClock, SystemClock
from core.config import HedgeConfig
from core.errors import ConfigurationError, InvariantBroken, Refused
from tests.amm.reading import MakeReader, assert_pays, hedge, preset_of, read_once
from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef

pytestmark = pytest.mark.chain


@pytest.fixture
def pool(chain: ChainRig) -> PoolRef:
    """A pool at 2000, USDT first, with somebody else's liquidity."""
    pool = chain.create_pool(*chain.pair(quote=("USDT", 6), base_is_token0=False), price=2000)
    chain.mint_position(pool, 100, 40000, base=1000, quote=2_000_000, owner=chain.other)
    return pool


def mint(chain: ChainRig, pool: PoolRef, **settings: Any) -> int:
    """A position around the price."""
    return chain.mint_position(pool, 1600, 2500, base=25, quote=50_000, **settings)


async def test_tokens_and_pool_come_from_the_chain(chain: ChainRig, pool: PoolRef) -> None:
    """Symbols, decimals and the pool's address are read, and BASE is the token that is no stable."""
    facts = await read_once(chain, pool, [mint(chain, pool)])
    assert (facts.base.symbol, facts.base.decimals) == ("BASE", 18)
    assert (facts.quote.symbol, facts.quote.decimals) == ("USDT", 6)
    (position,) = facts.positions
    assert position.pool == pool.address.lower()
    assert position.owner == chain.lp.lower()
    assert abs(facts.price - 2000) < Decimal("1e-9")


async def test_bytes32_symbol(chain: ChainRig) -> None:
    """A token of the oldest kind, whose symbol is a bytes32, is read like the others."""
    base, quote = chain.bytes32_token("OLD", 18), chain.token("USDT", 6)
    pool = chain.create_pool(base, quote, price=5)
    facts = await read_once(chain, pool, [chain.mint_position(pool, 4, 6, base=10, quote=50)])
    assert facts.base.symbol == "OLD"


@pytest.mark.parametrize("named", ["WETH", "eth", "address"])
async def test_base_by_symbol_coin_or_address(chain: ChainRig, named: str) -> None:
    """`base` may be the token's symbol, the coin that it wraps, or its address."""
    pool = chain.create_pool(*chain.wrapped_pair(base_is_token0=False), price=2000)
    base = pool.base.address.lower() if named == "address" else named
    facts = await read_once(chain, pool, [mint(chain, pool)], base=base)
    assert facts.base.symbol == "WETH"


async def test_wallet_base_is_native_and_wrapped(chain: ChainRig) -> None:
    """The wallet's BASE is the native coin and its wrapped form together, to the last unit."""
    pool = chain.create_pool(*chain.wrapped_pair(base_is_token0=True), price=2000)
    position_id = mint(chain, pool)
    facts = await read_once(chain, pool, [position_id], wallet=chain.lp)
    (wrapped,) = chain.weth.contract.read("balanceOf", chain.lp)
    native = int(chain.rpc.call("eth_getBalance", chain.lp, "latest"), 16)
    assert facts.wallet_base is not None
    assert int(facts.wallet_base.scaleb(18)) == wrapped + native
    assert (await read_once(chain, pool, [position_id])).wallet_base is None


async def test_one_request_per_cycle(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader
) -> None:
    """Three hedges with wallets in two pools are one JSON-RPC request a cycle, all at one block."""
    ids = [mint(chain, pool) for _ in range(4)]
    other = chain.create_pool(pool.base, pool.quote, price=2000, fee_pips=3000)
    views = {
        "a": hedge(ids[:2], wallet=chain.lp),
        "b": hedge(ids[2:], symbol="B"),
        "c": hedge([mint(chain, other)], wallet=chain.lp, symbol="C"),
    }
    reader = make_reader(preset_of(chain, pool.quote), chain_proxy.url, **views)
    await reader.prepare()
    for _ in range(3):
        chain_proxy.forget()
        facts = await reader.read()
        assert [request["method"] for request in chain_proxy.requests] == ["eth_call"]
        assert {one.block for one in facts.values()} == {facts["a"].block}
        chain.mine()


async def test_block_is_the_heads(chain: ChainRig, pool: PoolRef) -> None:
    """Block number, time and the parent's hash are those of the chain's head."""
    facts = await read_once(chain, pool, [mint(chain, pool)])
    head = chain.rpc.call("eth_getBlockByNumber", hex(facts.block.number), False)
    assert int(facts.block.time.timestamp()) == int(head["timestamp"], 16)
    assert facts.block.parent_hash == head["parentHash"]


async def test_block_of_an_arbitrum_chain(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """Where contracts see the parent chain's block number, the chain's own is asked of its precompile."""
    number_plus_a_million = "0x43620f42400160005260206000f3"
    chain.rpc.call("anvil_setCode", ARB_SYS, number_plus_a_million)
    preset = replace(preset_of(chain, pool.quote), arbitrum_blocks=True)
    reader = make_reader(preset, chain.rpc_url, h=hedge([mint(chain, pool)]))
    await reader.prepare()
    assert (await reader.read())["h"].block.number > 1_000_000


async def test_burnt_id_is_missing_not_zero(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """An id burnt under way is reported missing, the others go on; so is one already burnt at the start."""
    kept, burnt = mint(chain, pool), mint(chain, pool)
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=hedge([kept, burnt]))
    await reader.prepare()
    chain.burn(burnt)
    for facts in ((await reader.read())["h"], await read_once(chain, pool, [kept, burnt])):
        assert facts.missing_ids == (burnt,)
        assert [position.position_id for position in facts.positions] == [kept]
        assert_pays(chain, pool, facts.positions[0])


async def test_all_burnt_under_way(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """With its last position gone a hedge still has a price, and no position with zero amounts."""
    only = mint(chain, pool)
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=hedge([only], wallet=chain.lp))
    await reader.prepare()
    chain.burn(only)
    facts = (await reader.read())["h"]
    assert (facts.positions, facts.missing_ids) == ((), (only,))
    assert abs(facts.price - 2000) < Decimal("1e-9")


async def test_all_positions_of_a_wallet(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """With "all" a position that is minted is followed in the same cycle, and one that left is named missing."""
    first, elsewhere = mint(chain, pool), chain.create_pool(pool.base, pool.quote, price=2000, fee_pips=3000)
    mint(chain, elsewhere)
    settings = hedge("all", wallet=chain.lp, pool_id=pool.address)
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=settings)
    await reader.prepare()
    assert [one.position_id for one in (await reader.read())["h"].positions] == [first]
    second = mint(chain, pool)
    assert [one.position_id for one in (await reader.read())["h"].positions] == [first, second]
    chain.transfer(first, chain.other)
    facts = (await reader.read())["h"]
    assert ([one.position_id for one in facts.positions], facts.missing_ids) == ([second], (first,))


async def test_all_leaves_out_what_another_hedge_names(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """No position is hedged twice: whether the other hedge names it in the file, follows it, or is read elsewhere."""
    named, followed, elsewhere, free = (mint(chain, pool) for _ in range(4))
    preset = preset_of(chain, pool.quote)
    everything = hedge("all", wallet=chain.lp, pool_id=pool.address)
    reader = make_reader(
        preset,
        chain.rpc_url,
        named_ids={"rest": [elsewhere]},
        rest=everything,
        one=hedge([named], symbol="OTHERUSDT"),
    )
    await reader.prepare()
    facts = await reader.read()
    assert [each.position_id for each in facts["rest"].positions] == [followed, free]
    assert facts["rest"].unfollowed_ids == ()
    given = make_reader(
        preset,
        chain.rpc_url,
        followed_ids={"one": [followed]},
        rest=everything,
        one=hedge([named], symbol="OTHERUSDT"),
    )
    await given.prepare()
    facts = await given.read()
    assert [each.position_id for each in facts["rest"].positions] == [elsewhere, free]
    assert [each.position_id for each in facts["one"].positions] == [named, followed]


async def test_one_wallets_balance_is_counted_once(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """Two hedges that both add the same wallet's BASE would hedge it twice: the second is not read, the first is."""
    first, second = mint(chain, pool), mint(chain, pool)
    reader = make_reader(
        preset_of(chain, pool.quote),
        chain.rpc_url,
        a=hedge([first], wallet=chain.lp, include_wallet_base=True),
        b=hedge([second], wallet=chain.lp, include_wallet_base=True, symbol="OTHERUSDT"),
    )
    await reader.prepare()
    assert list(await reader.read()) == ["a"]
    assert "hedges a and b both count the BASE of wallet" in str(reader.faults()["b"])


async def test_what_is_no_manager_is_refused_and_spoils_nothing(
    chain: ChainRig, pool: PoolRef, make_reader: MakeReader
) -> None:
    """An address of some other contract is a mistake in the configuration, not a node that fails."""
    managers = {"uniswap_v3": chain.manager.address, "pancakeswap_v3": pool.base.address}
    preset = preset_of(chain, pool.quote, position_managers=managers)
    other = hedge([1], amm_type="pancakeswap_v3", symbol="OTHERUSDT")
    reader = make_reader(preset, chain.rpc_url, bad=other, good=hedge([mint(chain, pool)]))
    await reader.prepare()
    assert list(await reader.read()) == ["good"]
    assert "is not a V3 position manager" in str(reader.faults()["bad"])


async def test_one_bad_hedge_keeps_no_other_from_being_read(
    chain: ChainRig, chain_proxy: RpcProxy, pool: PoolRef, make_reader: MakeReader
) -> None:
    """Still in one request a cycle; and what was wrong on chain is looked for again after a minute, not at once."""
    good, later = mint(chain, pool), 1 + mint(chain, pool)
    clock = ManualClock(datetime.now(UTC))
    patient = {"max_chain_age_seconds": 3600}
    hedges = {"bad": hedge([later], symbol="OTHERUSDT", **patient), "good": hedge([good], **patient)}
    reader = make_reader(preset_of(chain, pool.quote), chain_proxy.url, clock=clock, **hedges)
    await reader.prepare()
    chain_proxy.forget()
    assert list(await reader.read()) == ["good"]
    assert [request["method"] for request in chain_proxy.requests] == ["eth_call"]
    assert f"position {later} of hedge bad never existed" in str(reader.faults()["bad"])
    assert mint(chain, pool) == later
    await clock.advance(RETRY_S - 1)
    assert list(await reader.read()) == ["good"]
    await clock.advance(1)
    assert set(await reader.read()) == {"good", "bad"}, reader.faults()
    assert reader.faults() == {}


async def test_new_position_beside_fixed_ids(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """A new position of the same wallet and pool is named, not counted, until it is followed."""
    old = mint(chain, pool)
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=hedge([old]))
    await reader.prepare()
    chain.burn(old)
    new = mint(chain, pool)
    facts = (await reader.read())["h"]
    assert (facts.positions, facts.missing_ids, facts.unfollowed_ids) == ((), (old,), (new,))
    await reader.follow("h", new)
    facts = (await reader.read())["h"]
    assert ([one.position_id for one in facts.positions], facts.unfollowed_ids) == ([new], ())


async def test_transferred_position_shows_its_owner(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """A position given away still reads, with its new owner's address."""
    position_id = mint(chain, pool)
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=hedge([position_id]))
    await reader.prepare()
    chain.transfer(position_id, chain.other)
    assert (await reader.read())["h"].positions[0].owner == chain.other.lower()


async def test_positions_in_two_pools_of_one_pair(chain: ChainRig, pool: PoolRef) -> None:
    """Positions in two fee tiers of a pair are one exposure; the price is that of the larger one's pool."""
    small = mint(chain, pool)
    other = chain.create_pool(pool.base, pool.quote, price=2010, fee_pips=3000)
    large = chain.mint_position(other, 1600, 2500, base=250, quote=500_000)
    facts = await read_once(chain, pool, [small, large])
    assert abs(facts.price - 2010) < Decimal("1e-9")
    assert [one.pool for one in facts.positions] == [pool.address.lower(), other.address.lower()]


async def refusal(chain: ChainRig, pool: PoolRef, config: HedgeConfig, **override: Any) -> str:
    """Prepare a reader that must be refused, and return the refusal's code and text."""
    reader = ChainReader(
        preset_of(chain, pool.quote, **override), {"h": config}, [SecretStr(chain.rpc_url)], SystemClock()
    )
    try:
        with pytest.raises(Refused) as refused:
            await reader.prepare()
    finally:
        await reader.aclose()
    return f"{refused.value.code}: {refused.value}"


async def test_wrong_chain_is_refused(chain: ChainRig, pool: PoolRef) -> None:
    """A node of another chain is named with both chain ids."""
    said = await refusal(chain, pool, hedge([1]), chain_id=56)
    assert said.startswith("wrong_chain")
    assert "31337" in said
    assert "56" in said


async def test_no_contract_is_refused(chain: ChainRig, pool: PoolRef) -> None:
    """An address without a contract is named before anything is read from it."""
    nobody = "0x" + "12" * 20
    said = await refusal(chain, pool, hedge([1]), position_managers={"uniswap_v3": nobody})
    assert said.startswith("no_contract")
    assert nobody in said


async def test_id_that_never_existed_is_refused(chain: ChainRig, pool: PoolRef) -> None:
    """An id beyond the last one ever given is a mistake, not a burnt position."""
    position_id = mint(chain, pool) + 1
    said = await refusal(chain, pool, hedge([position_id]))
    assert said.startswith("unknown_position")
    assert str(position_id) in said


async def test_position_of_another_pool_is_refused(chain: ChainRig, pool: PoolRef) -> None:
    """A position outside pool_id is refused with both pools named."""
    other = chain.create_pool(pool.base, pool.quote, price=2000, fee_pips=3000)
    said = await refusal(chain, pool, hedge([mint(chain, pool)], pool_id=other.address))
    assert said.startswith("other_pool")
    assert pool.address.lower() in said


async def test_pool_id_that_is_no_pool_is_refused(chain: ChainRig, pool: PoolRef) -> None:
    """A contract that is no pool is refused as pool_id."""
    said = await refusal(chain, pool, hedge("all", wallet=chain.lp, pool_id=pool.base.address))
    assert said.startswith("no_contract")


async def test_pair_without_a_stable_is_refused(chain: ChainRig, pool: PoolRef) -> None:
    """A pair of which no token is a known stable cannot be told apart, and naming BASE does not make QUOTE a dollar."""
    pair = chain.create_pool(*chain.pair(quote=("COIN", 18)), price=2000)
    position_id = chain.mint_position(pair, 1600, 2500, base=25, quote=50_000)
    assert (await refusal(chain, pool, hedge([position_id]))).startswith("no_base")
    assert (await refusal(chain, pool, hedge([position_id], base="BASE"))).startswith("no_stable")


async def test_positions_of_two_pairs_are_refused(chain: ChainRig, pool: PoolRef) -> None:
    """One hedge is one pair."""
    pair = chain.create_pool(*chain.pair(quote=("USDC", 6)), price=2000)
    other_id = chain.mint_position(pair, 1600, 2500, base=25, quote=50_000)
    assert (await refusal(chain, pool, hedge([mint(chain, pool), other_id]))).startswith("pair")


async def test_amm_without_a_manager(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """An AMM that is not known on the chain is a matter of configuration, and the message says which key."""
    config = hedge([1], amm_type="pancakeswap_v3")
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=config)
    with pytest.raises(ConfigurationError, match=r"position_managers\.pancakeswap_v3"):
        await reader.prepare()


async def test_read_before_prepare(chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """Reading what was never prepared is a fault of the program, not an empty answer."""
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=hedge([1]))
    with pytest.raises(InvariantBroken):
        await reader.read()
