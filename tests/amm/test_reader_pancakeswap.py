"""The reader on PancakeSwap V3: its pools' own bytecode, a stand-in for its position manager."""

import pytest

from core.hedging.exposure import amounts_at_price
from tests.amm.reading import assert_pays, read_once
from tests.rigs.chain.rig import ChainRig, PoolRef

pytestmark = pytest.mark.chain

ORDERS = pytest.mark.parametrize("base_is_token0", [True, False], ids=["base first", "quote first"])


def bnb_pool(rig: ChainRig, base_is_token0: bool) -> PoolRef:
    """A pool of the wrapped native coin at 600 against an 18-digit dollar, as on BNB Chain, with other liquidity."""
    pool = rig.create_pool(*rig.wrapped_pair(quote=("USDT", 18), base_is_token0=base_is_token0), price=600)
    rig.mint_position(pool, 50, 9000, base=1000, quote=600_000, owner=rig.other)
    return pool


@ORDERS
@pytest.mark.parametrize("price", ["640", "480", "790"])
async def test_amounts_and_unpoked_fees(pancake_chain: ChainRig, base_is_token0: bool, price: str) -> None:
    """With the protocol keeping its third of the fees, what is read is what the contract pays, in range and out."""
    pool = bnb_pool(pancake_chain, base_is_token0)
    position_id = pancake_chain.mint_position(pool, 500, 700, base=25, quote=15_000)
    for way in ("550", "680", price):
        pancake_chain.swap_to_price(pool, way)
    assert pool.contract.read("slot0")[5] > 255
    (position,) = (await read_once(pancake_chain, pool, [position_id])).positions
    assert_pays(pancake_chain, pool, position)
    assert position.owed_base > 0
    assert amounts_at_price(position, position.liquidity, position.price) == (position.base, position.quote)


async def test_parked_and_burnt(pancake_chain: ChainRig) -> None:
    """A decrease that is not collected is owed, and a burnt id is missing."""
    pool = bnb_pool(pancake_chain, True)
    kept, burnt = (pancake_chain.mint_position(pool, 500, 700, base=25, quote=15_000) for _ in range(2))
    pancake_chain.swap_to_price(pool, 620)
    pancake_chain.decrease(kept, share="0.5")
    pancake_chain.burn(burnt)
    facts = await read_once(pancake_chain, pool, [kept, burnt])
    assert facts.missing_ids == (burnt,)
    assert_pays(pancake_chain, pool, facts.positions[0])
