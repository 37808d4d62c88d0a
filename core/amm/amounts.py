"""Token amounts of liquidity between two sqrt prices, rounded as the contracts round.

What a position pays out is rounded down, what it takes in is rounded up: the pool never loses a unit.
"""

from core.amm.ticks import Q96


def ceil_div(numerator: int, denominator: int) -> int:
    """Integer division rounded towards plus infinity."""
    return -(-numerator // denominator)


def amount0_rounding_down(sqrt_lower_x96: int, sqrt_upper_x96: int, liquidity: int) -> int:
    """token0 (raw) between two sqrt prices, `L * (1/lower - 1/upper)`; floored twice, as the contract does."""
    return ((liquidity << 96) * (sqrt_upper_x96 - sqrt_lower_x96) // sqrt_upper_x96) // sqrt_lower_x96


def amount0_rounding_up(sqrt_lower_x96: int, sqrt_upper_x96: int, liquidity: int) -> int:
    """token0 (raw) between two sqrt prices, rounded up twice, as the contract does."""
    return ceil_div(ceil_div((liquidity << 96) * (sqrt_upper_x96 - sqrt_lower_x96), sqrt_upper_x96), sqrt_lower_x96)


def amount1_rounding_down(sqrt_lower_x96: int, sqrt_upper_x96: int, liquidity: int) -> int:
    """token1 (raw) between two sqrt prices, `L * (upper - lower)`."""
    return liquidity * (sqrt_upper_x96 - sqrt_lower_x96) >> 96


def amount1_rounding_up(sqrt_lower_x96: int, sqrt_upper_x96: int, liquidity: int) -> int:
    """token1 (raw) between two sqrt prices, rounded up."""
    return ceil_div(liquidity * (sqrt_upper_x96 - sqrt_lower_x96), Q96)


def burn_amounts(sqrt_price_x96: int, sqrt_lower_x96: int, sqrt_upper_x96: int, liquidity: int) -> tuple[int, int]:
    """(token0, token1) in raw units that burning `liquidity` of the range adds to what is owed."""
    at = clamp(sqrt_price_x96, sqrt_lower_x96, sqrt_upper_x96)
    return (
        amount0_rounding_down(at, sqrt_upper_x96, liquidity),
        amount1_rounding_down(sqrt_lower_x96, at, liquidity),
    )


def mint_amounts(sqrt_price_x96: int, sqrt_lower_x96: int, sqrt_upper_x96: int, liquidity: int) -> tuple[int, int]:
    """(token0, token1) in raw units that minting `liquidity` in the range takes."""
    at = clamp(sqrt_price_x96, sqrt_lower_x96, sqrt_upper_x96)
    return (
        amount0_rounding_up(at, sqrt_upper_x96, liquidity),
        amount1_rounding_up(sqrt_lower_x96, at, liquidity),
    )


def liquidity_for_amounts(
    sqrt_price_x96: int, sqrt_lower_x96: int, sqrt_upper_x96: int, amount0_raw: int, amount1_raw: int
) -> int:
    """The most liquidity that both amounts can buy in the range, rounded down as the position manager does."""
    at = clamp(sqrt_price_x96, sqrt_lower_x96, sqrt_upper_x96)
    bought = []
    if at < sqrt_upper_x96:
        bought.append(amount0_raw * (at * sqrt_upper_x96 // Q96) // (sqrt_upper_x96 - at))
    if at > sqrt_lower_x96:
        bought.append((amount1_raw << 96) // (at - sqrt_lower_x96))
    return min(bought)


def clamp(sqrt_price_x96: int, sqrt_lower_x96: int, sqrt_upper_x96: int) -> int:
    """The sqrt price brought into [lower, upper]: outside its range a position holds what it held at the edge."""
    return min(max(sqrt_price_x96, sqrt_lower_x96), sqrt_upper_x96)
