"""The reader against what the contract itself would pay, by `eth_call` from the owner, to the last unit."""

from decimal import Decimal

import pytest

from core.amm.prices import price_from_sqrt
from core.amm.ticks import MAX_TICK, sqrt_ratio_at_tick
from core.facts import AVERAGE_OVER, RangeSide
from core.hedging.exposure import amounts_at_price
from tests.amm.reading import assert_pays, read_once
from tests.rigs.chain.rig import ChainRig, PoolRef

pytestmark = pytest.mark.chain

ORDERS = pytest.mark.parametrize("base_is_token0", [True, False], ids=["base first", "quote first"])
DECIMALS = pytest.mark.parametrize("quote_decimals", [18, 6], ids=["18/18", "18/6"])


def deep_pool(rig: ChainRig, base_is_token0: bool, quote_decimals: int = 6) -> PoolRef:
    """A pool at 2000 with somebody else's liquidity over a wide range."""
    base, quote = rig.pair(quote=("USDT", quote_decimals), base_is_token0=base_is_token0)
    pool = rig.create_pool(base, quote, price=2000)
    rig.mint_position(pool, 100, 40000, base=1000, quote=2_000_000, owner=rig.other)
    return pool


@ORDERS
@DECIMALS
@pytest.mark.parametrize(
    ("price", "side"), [("2080.5", RangeSide.IN), ("1400", RangeSide.BELOW), ("2900", RangeSide.ABOVE)]
)
async def test_amounts_and_unpoked_fees(
    chain: ChainRig, base_is_token0: bool, quote_decimals: int, price: str, side: RangeSide
) -> None:
    """In range and out on both sides, liquidity and fees of swaps that nobody poked are what the contract pays."""
    pool = deep_pool(chain, base_is_token0, quote_decimals)
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    for way in ("1750", "2300", "1990.123456", price):
        chain.swap_to_price(pool, way)
    (position,) = (await read_once(chain, pool, [position_id])).positions
    assert_pays(chain, pool, position)
    assert position.side is side
    assert position.owed_base > 0
    assert position.owed_quote > 0
    assert abs(position.price / Decimal(price) - 1) < Decimal("1e-12")


@ORDERS
async def test_decrease_not_collected(chain: ChainRig, base_is_token0: bool) -> None:
    """What a decrease parked in tokensOwed is owed, beside the fees, until it is collected."""
    pool = deep_pool(chain, base_is_token0)
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    chain.swap_to_price(pool, 1800)
    chain.decrease(position_id, share="0.4")
    chain.swap_to_price(pool, 2100)
    (position,) = (await read_once(chain, pool, [position_id])).positions
    assert_pays(chain, pool, position)
    assert position.owed_base > 10


@ORDERS
async def test_everything_decreased_then_collected(chain: ChainRig, base_is_token0: bool) -> None:
    """A position without liquidity holds what is parked, and after the collect exactly nothing."""
    pool = deep_pool(chain, base_is_token0)
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    chain.decrease(position_id)
    (parked,) = (await read_once(chain, pool, [position_id])).positions
    assert_pays(chain, pool, parked)
    assert not (parked.liquidity or parked.base or parked.quote)
    chain.collect(position_id)
    (empty,) = (await read_once(chain, pool, [position_id])).positions
    assert not (empty.owed_base or empty.owed_quote)


async def test_range_shared_with_others(chain: ChainRig) -> None:
    """The pool rounds a shared range's fees down at each poke of anybody: no more is reported than it can still pay."""
    pool = deep_pool(chain, True)
    ours = chain.mint_position(pool, 1600, 2500, base=3, quote=7001)
    dust = chain.mint_position(pool, 1600, 2500, base="0.000000001", quote="0.000002", owner=chain.other)
    for i in range(8):
        chain.sell_base(pool, f"0.0{i + 1}7")
        chain.buy_base(pool, f"{i + 1}3.07")
        chain.collect(dust)
    (position,) = (await read_once(chain, pool, [ours])).positions
    assert_pays(chain, pool, position)
    inside_last = chain.manager.read("positions", ours)[8:10]
    grown = chain.pool_position(pool, ours)[1:3]
    unrounded = [position.liquidity * (now - then) >> 128 for now, then in zip(grown, inside_last, strict=True)]
    assert pool.raw(position.owed_base, position.owed_quote) != tuple(unrounded)


@ORDERS
@pytest.mark.parametrize("price", ["1000", "1600.5", "1893.21", "2499", "9000"])
async def test_amounts_at_another_price(chain: ChainRig, base_is_token0: bool, price: str) -> None:
    """What a position would hold at another price is what the contract pays once the pool stands there."""
    pool = deep_pool(chain, base_is_token0)
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    (before,) = (await read_once(chain, pool, [position_id])).positions
    predicted = amounts_at_price(before, before.liquidity, Decimal(price))
    chain.swap_to_price(pool, price)
    assert predicted == pool.order.base_quote(*chain.expected_collect(position_id).principal)


@ORDERS
async def test_base_at_the_lower_edge(chain: ChainRig, base_is_token0: bool) -> None:
    """The most BASE a position can become is what it holds once the price fell through its range."""
    pool = deep_pool(chain, base_is_token0)
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    (before,) = (await read_once(chain, pool, [position_id])).positions
    chain.swap_to_price(pool, 1200)
    assert before.base_at_lower_edge == pool.order.base_quote(*chain.expected_collect(position_id).principal)[0]
    assert before.price_lower < 1605
    assert before.price_upper > 2495


async def test_prices_exactly_on_an_edge(chain: ChainRig) -> None:
    """At the very price of an edge, from above and from below, amounts and fees are still the contract's."""
    pool = deep_pool(chain, True)
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    (position,) = (await read_once(chain, pool, [position_id])).positions
    for edge in (position.tick_lower, position.tick_upper, position.tick_lower):
        chain.swap_to_tick(pool, edge)
        (position,) = (await read_once(chain, pool, [position_id])).positions
        assert_pays(chain, pool, position)


@ORDERS
@pytest.mark.parametrize("fee_pips", [500, 3000, 10000])
async def test_full_range(chain: ChainRig, base_is_token0: bool, fee_pips: int) -> None:
    """From the lowest usable tick to the highest, for every tick spacing."""
    pool = chain.create_pool(
        *chain.pair(quote=("USDT", 6), base_is_token0=base_is_token0), price=2000, fee_pips=fee_pips
    )
    edge = MAX_TICK // pool.tick_spacing * pool.tick_spacing
    position_id = chain.mint_ticks(pool, -edge, edge, base=25, quote=50_000)
    chain.swap_to_price(pool, 2100)
    (position,) = (await read_once(chain, pool, [position_id])).positions
    assert_pays(chain, pool, position)
    assert position.side is RangeSide.IN and position.owed_quote > 0


@ORDERS
@pytest.mark.parametrize(("base_decimals", "quote_decimals"), [(8, 6), (8, 18), (6, 6), (18, 8)])
async def test_decimals(chain: ChainRig, base_is_token0: bool, base_decimals: int, quote_decimals: int) -> None:
    """Bitcoin's eight, a dollar's six or eighteen: whatever both tokens say."""
    tokens = chain.pair(base=("WBTC", base_decimals), quote=("USDT", quote_decimals), base_is_token0=base_is_token0)
    pool = chain.create_pool(*tokens, price=60_000)
    chain.mint_position(pool, 5000, 500_000, base=100, quote=6_000_000, owner=chain.other)
    position_id = chain.mint_position(pool, 50_000, 70_000, base=1, quote=60_000)
    chain.swap_to_price(pool, 61_000)
    facts = await read_once(chain, pool, [position_id])
    assert_pays(chain, pool, facts.positions[0])
    assert (facts.base.decimals, facts.quote.decimals) == (base_decimals, quote_decimals)
    assert abs(facts.price / 61_000 - 1) < Decimal("1e-4")


@ORDERS
async def test_the_pools_own_average(chain: ChainRig, base_is_token0: bool) -> None:
    """None while the pool remembers nothing; then the mean of its ticks, which a swap just now hardly moves."""
    pool = deep_pool(chain, base_is_token0)
    position_id = chain.mint_position(pool, 1600, 2500, base=25, quote=50_000)
    assert (await read_once(chain, pool, [position_id])).average_price is None
    pool.contract.write("increaseObservationCardinalityNext", 20, sender=chain.lp)
    for price in ("2010", "1990", "2000"):
        chain.swap_to_price(pool, price)
        chain.rpc.call("evm_increaseTime", 200)
        chain.mine()
    chain.swap_to_price(pool, "1900")
    facts = await read_once(chain, pool, [position_id], max_chain_age_seconds=3600)
    over_s = int(AVERAGE_OVER.total_seconds())
    earlier, now = pool.contract.read("observe", [over_s, 0])[0]
    expected = price_from_sqrt(sqrt_ratio_at_tick((now - earlier) // over_s), pool.order)
    assert facts.average_price == expected
    assert abs(facts.average_price - 1997) < 3
    assert abs(facts.price - 1900) < 1
