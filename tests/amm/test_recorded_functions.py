"""Single functions against what the contracts' own libraries returned in an EVM."""

import pytest

from core.amm.amounts import burn_amounts, liquidity_for_amounts, mint_amounts
from core.amm.swap import swap_step
from core.amm.ticks import sqrt_ratio_at_tick, tick_at_sqrt_ratio
from tests.amm.vectors import Record, ints, vectors

FUNCTIONS = vectors("evm_functions")
SNAPSHOTS = vectors("v3core_snapshots")


def test_all_recorded_calls_are_here() -> None:
    """No vector is lost on the way into the repository."""
    assert sum(len(calls) for calls in FUNCTIONS.values()) == 885


@pytest.mark.parametrize("source", [FUNCTIONS, SNAPSHOTS], ids=["evm", "published"])
def test_sqrt_ratio_at_tick(source: Record) -> None:
    """Every tick has the contract's own sqrt price."""
    for call in source["sqrt_ratio_at_tick"]:
        tick, sqrt_price_x96 = ints(call, "tick", "sqrtPriceX96")
        assert sqrt_ratio_at_tick(tick) == sqrt_price_x96


def test_tick_at_sqrt_ratio() -> None:
    """Every sqrt price lies in the contract's own tick."""
    for call in FUNCTIONS["tick_at_sqrt_ratio"]:
        sqrt_price_x96, tick = ints(call, "sqrtPriceX96", "tick")
        assert tick_at_sqrt_ratio(sqrt_price_x96) == tick


def test_amounts_for_liquidity() -> None:
    """Amounts out are the contract's rounded down, amounts in its rounded up, and these buy the same liquidity."""
    for call in FUNCTIONS["amounts_for_liquidity"]:
        lower, upper = (sqrt_ratio_at_tick(tick) for tick in ints(call, "tickLower", "tickUpper"))
        at, liquidity, bought = ints(call, "sqrtPriceX96", "liquidity", "liquidityForRoundedUp")
        paid_in = ints(call, "amount0RoundUp", "amount1RoundUp")
        assert (lower, upper) == ints(call, "sqrtA", "sqrtB")
        assert burn_amounts(at, lower, upper, liquidity) == ints(call, "amount0", "amount1")
        assert mint_amounts(at, lower, upper, liquidity) == paid_in
        assert liquidity_for_amounts(at, lower, upper, *paid_in) == bought


def test_swap_step() -> None:
    """A step ends at the contract's price with its amounts and fee."""
    for call in FUNCTIONS["compute_swap_step"]:
        arguments = ints(call, "sqrtPriceX96", "sqrtTargetX96", "liquidity", "amountRemaining", "feePips")
        assert swap_step(*arguments) == ints(call, "sqrtNextX96", "amountIn", "amountOut", "feeAmount")
