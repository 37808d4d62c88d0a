"""What `/whatif` foretells of the positions is what the contract pays once the pool really stands at that price."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.hedging.life_memory import LifeMemory
from core.hedging.lifecycle import observe
from core.hedging.whatif import what_if
from core.observation import life_rules
from core.outlook import Outlook
from tests.amm.reading import hedge, read_once
from tests.amm.test_reader_amounts import deep_pool
from tests.rigs.chain.rig import ChainRig

pytestmark = pytest.mark.chain
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("base_is_token0", [True, False], ids=["base first", "quote first"])
@pytest.mark.parametrize("price", ["1000", "1893.21", "2499", "9000"])
async def test_several_positions_at_another_price(chain: ChainRig, base_is_token0: bool, price: str) -> None:
    """Of two ranges together, one of them full, with principal parked and fees not yet collected: to the last unit, and
    the value too."""
    pool = deep_pool(chain, base_is_token0)
    ids = [
        chain.mint_position(pool, 1600, 2500, base=25, quote=50_000),
        chain.mint_position(pool, 5, 900_000, base=3, quote=9000),
    ]
    chain.swap_to_price(pool, 1800)
    chain.swap_to_price(pool, 2100)
    settings = hedge(ids)
    before, life = observe(await read_once(chain, pool, ids), LifeMemory(), life_rules(settings), NOW)
    chain.decrease(ids[0], share="0.3")
    lp, _ = observe(await read_once(chain, pool, ids), life, life_rules(settings), NOW)
    assert sum(view.parked_base for view in lp.positions) > 5
    assert abs(lp.lp_base - before.lp_base) <= Decimal("1e-17")
    foretold = what_if(Outlook("h", settings, lp, None, None), Decimal(price)).lp
    assert foretold is not None
    chain.swap_to_price(pool, price)
    parked_base = sum((view.parked_base for view in lp.positions), Decimal(0))
    parked_quote = sum((view.quote - view.position.quote for view in lp.positions), Decimal(0))
    pays = [pool.order.base_quote(*chain.expected_collect(each).principal) for each in ids]
    assert foretold.base - parked_base == sum((base for base, _ in pays), Decimal(0))
    assert foretold.quote - parked_quote == sum((quote for _, quote in pays), Decimal(0))
    assert foretold.value_quote == (foretold.base + lp.fee_base) * Decimal(price) + foretold.quote + lp.fee_quote
