"""Short histories that random ones led to, each with what the reading must then say."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from core.amm.abi import ChainUnavailable
from core.clock import ManualClock
from core.errors import Refused
from tests.amm.reading import MakeReader, assert_pays, hedge, preset_of
from tests.rigs.chain import faults
from tests.rigs.chain.proxy import Answer, Body, RpcProxy
from tests.rigs.chain.rig import ChainRig, PoolRef

pytestmark = pytest.mark.chain


@pytest.fixture
def still_chain() -> Iterator[ChainRig]:
    """A node whose blocks come only when the test writes, so that it knows which one it replaces."""
    with ChainRig(block_time_s=None) as rig:
        yield rig


def pool_of(chain: ChainRig, fee_pips: int = 500) -> PoolRef:
    """A pool at 2000 with somebody else's liquidity."""
    pool = chain.create_pool(*chain.pair(quote=("USDT", 6), base_is_token0=False), price=2000, fee_pips=fee_pips)
    chain.mint_position(pool, 100, 40000, base=1000, quote=2_000_000, owner=chain.trader)
    return pool


def mint(chain: ChainRig, pool: PoolRef, lower: int = 1600, upper: int = 2500, owner: str | None = None) -> int:
    return chain.mint_position(pool, lower, upper, base=25, quote=50_000, owner=owner)


async def test_minted_first_and_burnt_after(chain: ChainRig, make_reader: MakeReader) -> None:
    """A newcomer takes the place of the one that is burnt after it, so that it does not stand last."""
    pool = pool_of(chain)
    old, other = mint(chain, pool), mint(chain, pool)
    reader = make_reader(
        preset_of(chain, pool.quote), chain.rpc_url, h=hedge("all", wallet=chain.lp, pool_id=pool.address)
    )
    await reader.prepare()
    await reader.read()
    new = mint(chain, pool)
    chain.burn(old)
    facts = (await reader.read())["h"]
    assert sorted(one.position_id for one in facts.positions) == [other, new]


async def test_new_position_beside_fixed_ids_minted_first(chain: ChainRig, make_reader: MakeReader) -> None:
    """The question Follow, Close or Keep needs the newcomer's id, also when it was minted before the old one went."""
    pool = pool_of(chain)
    old, kept = mint(chain, pool), mint(chain, pool)
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=hedge([old, kept]))
    await reader.prepare()
    await reader.read()
    new = mint(chain, pool)
    chain.burn(old)
    assert (await reader.read())["h"].unfollowed_ids == (new,)


async def test_new_position_in_the_pool_whose_last_one_went(chain: ChainRig, make_reader: MakeReader) -> None:
    """Of two pools of a hedge the one whose only position was burnt is looked through too."""
    pool = pool_of(chain)
    other = chain.create_pool(pool.base, pool.quote, price=2000, fee_pips=3000)
    burnt, kept = mint(chain, pool), mint(chain, other)
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=hedge([burnt, kept]))
    await reader.prepare()
    await reader.read()
    chain.burn(burnt)
    new = mint(chain, pool)
    assert (await reader.read())["h"].unfollowed_ids == (new,)


async def test_an_id_given_anew_after_a_replaced_block(still_chain: ChainRig, make_reader: MakeReader) -> None:
    """A mint is undone with its block, and its id goes to another range: the reading goes on, of what is there."""
    chain = still_chain
    pool = pool_of(chain)
    first = mint(chain, pool)
    everything = hedge("all", wallet=chain.lp, pool_id=pool.address)
    reader = make_reader(preset_of(chain, pool.quote), chain.rpc_url, h=everything)
    await reader.prepare()
    undone = mint(chain, pool)
    await reader.read()
    chain.reorg(1)
    assert mint(chain, pool, 1000, 3000) == undone
    facts = (await reader.read())["h"]
    assert [one.position_id for one in facts.positions] == [first, undone]
    for position in facts.positions:
        assert_pays(chain, pool, position)


async def test_an_id_given_anew_in_another_pool(still_chain: ChainRig, make_reader: MakeReader) -> None:
    """The same, with the same range in another pool of the pair: its amounts are those of its own pool."""
    chain = still_chain
    pool = pool_of(chain)
    other = chain.create_pool(pool.base, pool.quote, price=2400, fee_pips=3000)
    first = mint(chain, pool)
    lower, upper = sorted((pool.nearest_tick(1600) // 60 * 60, pool.nearest_tick(2500) // 60 * 60))
    chain.mint_ticks(pool, lower, upper, base=100, quote=200_000, owner=chain.trader)
    chain.mint_ticks(other, lower, upper, base=100, quote=200_000, owner=chain.trader)
    reader = make_reader(
        preset_of(chain, pool.quote), chain.rpc_url, h=hedge("all", wallet=chain.lp, pool_id=pool.address)
    )
    await reader.prepare()
    undone = chain.mint_ticks(pool, lower, upper, base=25, quote=50_000)
    await reader.read()
    chain.reorg(1)
    assert chain.mint_ticks(other, lower, upper, base=25, quote=50_000) == undone
    facts = (await reader.read())["h"]
    assert [one.position_id for one in facts.positions] == [first]


async def test_sent_to_the_farm_past_its_door(pancake_chain: ChainRig, make_reader: MakeReader) -> None:
    """A position that the farm holds for nobody, as `transferFrom` leaves it, keeps no other hedge from being read."""
    chain = pancake_chain
    pair = chain.pair(quote=("USDT", 18))
    pool = chain.create_pool(*pair, price=2000, fee_pips=2500)
    chain.mint_position(pool, 100, 40000, base=1000, quote=2_000_000, owner=chain.trader)
    lost, kept = mint(chain, pool), mint(chain, pool, owner=chain.other)
    amm = {"amm_type": chain.amm_type}
    reader = make_reader(
        preset_of(chain, pool.quote),
        chain.rpc_url,
        h=hedge([lost], **amm),
        other=hedge([kept], symbol="OTHERUSDT", **amm),
    )
    await reader.prepare()
    await reader.read()
    assert chain.farm is not None
    chain.manager.write("transferFrom", chain.lp, chain.farm.address, lost, sender=chain.lp)
    facts = await reader.read()
    assert facts["h"].positions[0].owner == chain.farm.address.lower()
    assert_pays(chain, pool, facts["other"].positions[0])


async def test_following_does_not_let_in_a_hedge_that_counts_anothers_wallet(
    chain: ChainRig, make_reader: MakeReader
) -> None:
    """A hedge that was refused for a wallet counted twice stays refused when one of its ids is followed."""
    pool = pool_of(chain)
    first, second, third = (mint(chain, pool) for _ in range(3))
    counted = {"wallet": chain.lp, "include_wallet_base": True}
    reader = make_reader(
        preset_of(chain, pool.quote),
        chain.rpc_url,
        a=hedge([first], **counted),
        b=hedge([second], symbol="OTHERUSDT", **counted),
    )
    await reader.prepare()
    with pytest.raises(Refused):
        await reader.follow("b", third)
    assert list(await reader.read()) == ["a"]


async def test_what_one_hedge_follows_leaves_the_one_of_all(chain: ChainRig, make_reader: MakeReader) -> None:
    """From the next read on, not only when the wallet's positions change again: else it is hedged twice meanwhile."""
    pool = pool_of(chain)
    named, free = mint(chain, pool), mint(chain, pool)
    reader = make_reader(
        preset_of(chain, pool.quote),
        chain.rpc_url,
        rest=hedge("all", wallet=chain.lp, pool_id=pool.address),
        one=hedge([named], symbol="OTHERUSDT"),
    )
    await reader.prepare()
    await reader.follow("one", free)
    facts = await reader.read()
    assert [one.position_id for one in facts["one"].positions] == [named, free]
    assert facts["rest"].positions == ()


async def test_one_hedge_that_cannot_be_looked_up_blinds_no_other(
    chain: ChainRig, chain_proxy: RpcProxy, make_reader: MakeReader
) -> None:
    """A node that fails only for its wallet: the others are read, it is told and looked up again soon."""
    pool, clock = pool_of(chain), ManualClock(datetime.now(UTC))
    held, everything = mint(chain, pool), hedge("all", wallet=chain.other, pool_id=pool.address, symbol="OTHERUSDT")
    mint(chain, pool, owner=chain.other)
    reader = make_reader(
        preset_of(chain, pool.quote), chain_proxy.url, clock=clock, h=hedge([held], wallet=chain.lp), all=everything
    )
    await reader.prepare()
    assert set(await reader.read()) == {"h", "all"}
    mint(chain, pool, owner=chain.other)
    small = faults.too_large(2_500)

    def only_cycles(request: Body, forward: Callable[[Body], bytes]) -> Answer:
        honest = Answer(body=forward(request))
        refused = small(request, forward)
        return honest if b"error" in refused.body else faults.NULL_RESULT(request, forward)

    chain_proxy.fault = only_cycles
    with pytest.raises(ChainUnavailable):  # the node rests after its failure, also for the second half of this read
        await reader.read()
    await clock.advance(2)
    assert set(await reader.read()) == {"h"}
    assert "all" in reader.faults()
    chain_proxy.fault = None
    await clock.advance(11)
    assert set(await reader.read()) == {"h", "all"}
