"""Positions staked in a farm: the farm owns the token, the staker the position."""

import pytest

from core.errors import Refused
from core.facts import LpFacts
from tests.amm.reading import MakeReader, assert_pays, hedge, preset_of
from tests.rigs.chain.proxy import RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef

pytestmark = pytest.mark.chain


@pytest.fixture
def pool(pancake_chain: ChainRig) -> PoolRef:
    """A pool of fee tier 2500 at 600 with somebody else's liquidity."""
    pair = pancake_chain.wrapped_pair(quote=("USDT", 18), base_is_token0=False)
    pool = pancake_chain.create_pool(*pair, price=600, fee_pips=2500)
    pancake_chain.mint_position(pool, 50, 9000, base=1000, quote=600_000, owner=pancake_chain.other)
    return pool


def mint(chain: ChainRig, pool: PoolRef, **settings: str) -> int:
    return chain.mint_position(pool, 500, 700, base=25, quote=15_000, **settings)


def ids(facts: LpFacts) -> list[int]:
    return [position.position_id for position in facts.positions]


async def test_a_staked_position_is_its_stakers(
    pancake_chain: ChainRig, pool: PoolRef, make_reader: MakeReader
) -> None:
    """Staked, changed through the farm, and unstaked: the same owner, and what the contracts pay, to the last unit."""
    rig, position_id = pancake_chain, mint(pancake_chain, pool)
    reader = make_reader(preset_of(rig, pool.quote), rig.rpc_url, h=hedge([position_id], amm_type="pancakeswap_v3"))
    await reader.prepare()

    async def check() -> None:
        facts = (await reader.read())["h"]
        assert facts.positions[0].owner == rig.lp.lower()
        assert_pays(rig, pool, facts.positions[0])

    await check()
    rig.stake(position_id)
    rig.swap_to_price(pool, 640)
    await check()
    rig.increase(position_id, pool, base=1, quote=1000)
    rig.swap_to_price(pool, 610)
    await check()
    rig.decrease(position_id, share="0.4")
    await check()
    rig.collect(position_id)
    rig.unstake(position_id)
    await check()


async def test_a_staked_position_given_to_another_on_the_way_out_shows_him(
    pancake_chain: ChainRig, pool: PoolRef, make_reader: MakeReader
) -> None:
    rig, position_id = pancake_chain, mint(pancake_chain, pool)
    rig.stake(position_id)
    reader = make_reader(preset_of(rig, pool.quote), rig.rpc_url, h=hedge([position_id], amm_type="pancakeswap_v3"))
    await reader.prepare()
    rig.unstake(position_id, to=rig.other)
    assert (await reader.read())["h"].positions[0].owner == rig.other.lower()


async def test_all_finds_what_is_staked(pancake_chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """In the wallet, in the farm, moved between the two, new ones and burnt ones, in one request when nothing moves."""
    rig = pancake_chain
    held, staked = mint(rig, pool), mint(rig, pool)
    rig.stake(staked)
    strangers = mint(rig, pool, owner=rig.other)
    rig.stake(strangers)
    everything = hedge("all", wallet=rig.lp, pool_id=pool.address, amm_type="pancakeswap_v3")
    with RpcProxy(rig.rpc_url) as proxy:
        reader = make_reader(preset_of(rig, pool.quote), proxy.url, h=everything)
        await reader.prepare()
        assert ids((await reader.read())["h"]) == [held, staked]
        proxy.forget()
        await reader.read()
        assert len(proxy.requests) == 1
        rig.stake(held)
        moved = (await reader.read())["h"]
        assert (ids(moved), moved.missing_ids) == ([held, staked], ())
        new = mint(rig, pool)
        rig.stake(new)
        assert ids((await reader.read())["h"]) == [held, staked, new]
        rig.burn(staked)
        gone = (await reader.read())["h"]
        assert (ids(gone), gone.missing_ids) == ([held, new], (staked,))
        for position in gone.positions:
            assert_pays(rig, pool, position)


async def test_a_staked_newcomer_beside_fixed_ids_is_named(
    pancake_chain: ChainRig, pool: PoolRef, make_reader: MakeReader
) -> None:
    """The wallet that is looked through is the staker's, and never the farm's, which holds everybody's."""
    rig, position_id = pancake_chain, mint(pancake_chain, pool)
    rig.stake(position_id)
    rig.stake(mint(rig, pool, owner=rig.other))
    reader = make_reader(preset_of(rig, pool.quote), rig.rpc_url, h=hedge([position_id], amm_type="pancakeswap_v3"))
    await reader.prepare()
    assert (await reader.read())["h"].unfollowed_ids == ()
    new = mint(rig, pool)
    rig.stake(new)
    assert (await reader.read())["h"].unfollowed_ids == (new,)


async def test_what_is_no_farm_is_refused(pancake_chain: ChainRig, pool: PoolRef, make_reader: MakeReader) -> None:
    """Also a farm of another manager."""
    rig = pancake_chain
    preset = preset_of(rig, pool.quote, farms={"pancakeswap_v3": rig.manager.address})
    reader = make_reader(preset, rig.rpc_url, h=hedge([mint(rig, pool)], amm_type="pancakeswap_v3"))
    with pytest.raises(Refused, match=r"is not a farm of the position manager .* correct farms in \[chains.rig\]"):
        await reader.prepare()
