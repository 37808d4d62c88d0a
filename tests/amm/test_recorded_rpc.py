"""Raw `eth_call` answers of a real position manager, decoded by the reader's own functions."""

from collections.abc import Callable

import pytest

from core.amm.abi import CallResult, call_data
from core.amm.amounts import burn_amounts
from core.amm.contracts import (
    GROWTH_GLOBAL_0,
    GROWTH_GLOBAL_1,
    LIQUIDITY,
    SLOT0,
    decode_managed,
    decode_pool,
    decode_tick,
)
from core.amm.fee_growth import growth_inside, owed_by_growth
from core.amm.ticks import sqrt_ratio_at_tick
from tests.amm.vectors import Record, ints, vectors

FIXTURES = vectors("evm_nfpm_rpc")["fixtures"]
CHECKPOINTS = [
    pytest.param(fixture, checkpoint, id=f"{fixture['name']} {checkpoint['label']}")
    for fixture in FIXTURES
    for checkpoint in fixture["checkpoints"]
]


def answers(checkpoint: Record) -> Callable[[str, bytes], CallResult]:
    """The recorded answer to a call, a revert with its recorded words."""
    recorded = {(call["to"].lower(), call["data"]): call for call in checkpoint["ethCalls"]}

    def answer(target: str, data: bytes) -> CallResult:
        call = recorded[target.lower(), "0x" + data.hex()]
        if call["result"] is not None:
            return CallResult(True, bytes.fromhex(call["result"][2:]))
        return CallResult(False, bytes.fromhex(call["revert"].split("output: 0x")[1].rstrip(" }")))

    return answer


@pytest.mark.parametrize(("fixture", "checkpoint"), CHECKPOINTS)
def test_positions(fixture: Record, checkpoint: Record) -> None:
    """Liquidity, principal and collectable amounts of every id follow from the raw answers; a burnt id is gone."""
    answer, pool_address, manager = answers(checkpoint), fixture["pool"], fixture["positionManager"]
    pool = decode_pool(*(answer(pool_address, data) for data in (SLOT0, LIQUIDITY, GROWTH_GLOBAL_0, GROWTH_GLOBAL_1)))
    assert (pool.sqrt_price_x96, pool.tick) == ints(checkpoint, "sqrtPriceX96", "tick")
    for expected in checkpoint["expected"]:
        stored = answer(manager, call_data("positions(uint256)", expected["tokenId"]))
        owner = answer(manager, call_data("ownerOf(uint256)", expected["tokenId"]))
        assert stored.reverted_with_reason == owner.reverted_with_reason == (not expected["exists"])
        if not expected["exists"]:
            continue
        held = decode_managed(stored)
        assert owner.address("ownerOf") == expected["owner"]
        assert (held.tick_lower, held.tick_upper, held.liquidity) == ints(
            expected, "tickLower", "tickUpper", "liquidity"
        )
        assert (held.owed0_raw, held.owed1_raw) == ints(expected, "storedTokensOwed0", "storedTokensOwed1")
        edges = sqrt_ratio_at_tick(held.tick_lower), sqrt_ratio_at_tick(held.tick_upper)
        assert burn_amounts(pool.sqrt_price_x96, *edges, held.liquidity) == ints(expected, "principal0", "principal1")
        outside = [
            decode_tick(answer(pool_address, call_data("ticks(int24)", tick))).outside
            for tick in (held.tick_lower, held.tick_upper)
        ]
        inside = growth_inside(pool.tick, held.tick_lower, held.tick_upper, pool.growth, outside[0], outside[1])
        fee0, fee1 = owed_by_growth(held.liquidity, inside, held.inside_last)
        assert (held.owed0_raw + fee0, held.owed1_raw + fee1) == ints(expected, "collectable0", "collectable1")
