"""One step of a swap: from a sqrt price towards a target through constant liquidity."""

from typing import NamedTuple

from core.amm.amounts import (
    amount0_rounding_down,
    amount0_rounding_up,
    amount1_rounding_down,
    amount1_rounding_up,
    ceil_div,
)

PIPS = 1_000_000


class SwapStep(NamedTuple):
    """Where a step ends (x96) and its raw amounts; `fee_raw` is taken on top of `in_raw`."""

    sqrt_next_x96: int
    in_raw: int
    out_raw: int
    fee_raw: int


def swap_step(sqrt_x96: int, target_x96: int, liquidity: int, remaining_raw: int, fee_pips: int) -> SwapStep:
    """The step the pool would take.

    `remaining_raw` is signed: positive is exact input still to spend (fee included), negative is exact output still
    wanted. Input rounds up, output rounds down.
    """
    if remaining_raw >= 0:
        return _exact_in_step(sqrt_x96, target_x96, liquidity, remaining_raw, fee_pips)
    return _exact_out_step(sqrt_x96, target_x96, liquidity, -remaining_raw, fee_pips)


def _exact_in_step(sqrt_x96: int, target_x96: int, liquidity: int, spend_raw: int, fee_pips: int) -> SwapStep:
    down = sqrt_x96 >= target_x96
    spend_less_fee_raw = spend_raw * (PIPS - fee_pips) // PIPS
    in_raw = _input(sqrt_x96, target_x96, liquidity)
    if spend_less_fee_raw >= in_raw:
        out_raw = _output(sqrt_x96, target_x96, liquidity)
        return SwapStep(target_x96, in_raw, out_raw, ceil_div(in_raw * fee_pips, PIPS - fee_pips))
    next_x96 = sqrt_after_input(sqrt_x96, liquidity, spend_less_fee_raw, down=down)
    out_raw = _output(sqrt_x96, next_x96, liquidity)
    if next_x96 == target_x96:
        return SwapStep(next_x96, in_raw, out_raw, ceil_div(in_raw * fee_pips, PIPS - fee_pips))
    in_raw = _input(sqrt_x96, next_x96, liquidity)
    # The swap ends here, so whatever the price could not absorb is fee.
    return SwapStep(next_x96, in_raw, out_raw, spend_raw - in_raw)


def _exact_out_step(sqrt_x96: int, target_x96: int, liquidity: int, want_raw: int, fee_pips: int) -> SwapStep:
    down = sqrt_x96 >= target_x96
    out_raw = _output(sqrt_x96, target_x96, liquidity)
    next_x96 = target_x96
    if want_raw < out_raw:
        next_x96 = sqrt_after_output(sqrt_x96, liquidity, want_raw, down=down)
        out_raw = min(_output(sqrt_x96, next_x96, liquidity), want_raw)
    in_raw = _input(sqrt_x96, next_x96, liquidity)
    return SwapStep(next_x96, in_raw, out_raw, ceil_div(in_raw * fee_pips, PIPS - fee_pips))


def _input(sqrt_x96: int, next_x96: int, liquidity: int) -> int:
    if next_x96 <= sqrt_x96:
        return amount0_rounding_up(next_x96, sqrt_x96, liquidity)
    return amount1_rounding_up(sqrt_x96, next_x96, liquidity)


def _output(sqrt_x96: int, next_x96: int, liquidity: int) -> int:
    if next_x96 <= sqrt_x96:
        return amount1_rounding_down(next_x96, sqrt_x96, liquidity)
    return amount0_rounding_down(sqrt_x96, next_x96, liquidity)


def sqrt_after_input(sqrt_x96: int, liquidity: int, in_raw: int, *, down: bool) -> int:
    """Sqrt price after paying in token0 (`down`) or token1, rounded so that the price never moves too far."""
    if not down:
        return sqrt_x96 + (in_raw << 96) // liquidity
    if in_raw == 0:
        return sqrt_x96
    liquidity_x96 = liquidity << 96
    product = in_raw * sqrt_x96
    if product + liquidity_x96 < 1 << 256 and product < 1 << 256:
        return ceil_div(liquidity_x96 * sqrt_x96, liquidity_x96 + product)
    # The contract leaves the precise formula where 256 bits overflow; so must we, to end on the same price.
    return ceil_div(liquidity_x96, liquidity_x96 // sqrt_x96 + in_raw)


def sqrt_after_output(sqrt_x96: int, liquidity: int, out_raw: int, *, down: bool) -> int:
    """Sqrt price after taking out token1 (`down`) or token0, rounded so that the price moves far enough.

    Raises ValueError when the liquidity does not hold that much.
    """
    if down:
        moved_x96 = ceil_div(out_raw << 96, liquidity)
        if moved_x96 >= sqrt_x96:
            raise ValueError("the liquidity does not hold that much token1")
        return sqrt_x96 - moved_x96
    liquidity_x96 = liquidity << 96
    product = out_raw * sqrt_x96
    if product >= liquidity_x96:
        raise ValueError("the liquidity does not hold that much token0")
    return ceil_div(liquidity_x96 * sqrt_x96, liquidity_x96 - product)
