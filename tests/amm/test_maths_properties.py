"""Properties of the integer maths that hold for every input, not only the recorded ones."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.amm.amounts import burn_amounts, liquidity_for_amounts, mint_amounts
from core.amm.fee_growth import Growth, growth_inside, owed_by_growth
from core.amm.prices import (
    PairOrder,
    human_amount,
    price_bounds,
    price_from_sqrt,
    sqrt_from_price,
)
from core.amm.protocol_fee import pancakeswap_protocol_fee, uniswap_protocol_fee
from core.amm.swap import PIPS, swap_step
from core.amm.ticks import (
    MAX_SQRT_RATIO_X96,
    MAX_TICK,
    MIN_SQRT_RATIO_X96,
    MIN_TICK,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)

ticks = st.integers(MIN_TICK, MAX_TICK - 1)
sqrt_prices = st.integers(MIN_SQRT_RATIO_X96, MAX_SQRT_RATIO_X96 - 1)
liquidities = st.integers(1, 1 << 100)
words = st.integers(0, (1 << 256) - 1)
growths = st.builds(Growth, words, words)
orders = st.builds(PairOrder, st.booleans(), st.sampled_from([6, 8, 18]), st.sampled_from([6, 8, 18]))
ranges = st.tuples(ticks, ticks).filter(lambda pair: pair[0] != pair[1]).map(lambda pair: (min(pair), max(pair)))


def edges_of(bounds: tuple[int, int]) -> tuple[int, int]:
    """The sqrt prices at which a range begins and ends."""
    return sqrt_ratio_at_tick(bounds[0]), sqrt_ratio_at_tick(bounds[1])


@given(ticks)
def test_tick_round_trip(tick: int) -> None:
    """A tick begins exactly at its sqrt price, and one unit below is the tick before."""
    at = sqrt_ratio_at_tick(tick)
    assert tick_at_sqrt_ratio(at) == tick
    assert tick == MIN_TICK or tick_at_sqrt_ratio(at - 1) == tick - 1
    assert at < sqrt_ratio_at_tick(tick + 1)


@given(sqrt_prices)
def test_tick_brackets_its_price(sqrt_price_x96: int) -> None:
    """A sqrt price lies in [its tick, the next tick)."""
    tick = tick_at_sqrt_ratio(sqrt_price_x96)
    assert sqrt_ratio_at_tick(tick) <= sqrt_price_x96 < sqrt_ratio_at_tick(tick + 1)


@pytest.mark.parametrize("tick", [MIN_TICK - 1, MAX_TICK + 1])
def test_impossible_tick_raises(tick: int) -> None:
    """A tick no pool can hold is refused, not clamped."""
    with pytest.raises(ValueError, match="outside"):
        sqrt_ratio_at_tick(tick)


@pytest.mark.parametrize("sqrt_price_x96", [0, MIN_SQRT_RATIO_X96 - 1, MAX_SQRT_RATIO_X96])
def test_impossible_sqrt_price_raises(sqrt_price_x96: int) -> None:
    """A sqrt price no pool can hold is refused, zero first of all."""
    with pytest.raises(ValueError, match="outside"):
        tick_at_sqrt_ratio(sqrt_price_x96)


@given(sqrt_prices, ranges, liquidities)
def test_burn_never_gives_more_than_mint_took(at: int, bounds: tuple[int, int], liquidity: int) -> None:
    """At one price a mint takes at least what a burn gives, and at most two units more of each token."""
    edges = edges_of(bounds)
    taken, given_back = mint_amounts(at, *edges, liquidity), burn_amounts(at, *edges, liquidity)
    assert all(0 <= took - gave <= 2 for took, gave in zip(taken, given_back, strict=True))


@given(sqrt_prices, sqrt_prices, ranges, liquidities)
def test_amounts_are_monotone_in_price(one: int, other: int, bounds: tuple[int, int], liquidity: int) -> None:
    """When the price rises a position never gains token0 and never loses token1."""
    edges = edges_of(bounds)
    low, high = (burn_amounts(at, *edges, liquidity) for at in sorted((one, other)))
    assert low[0] >= high[0]
    assert low[1] <= high[1]


@given(sqrt_prices, ranges, liquidities)
def test_amounts_buy_no_more_than_was_there(at: int, bounds: tuple[int, int], liquidity: int) -> None:
    """What a burn gives out never buys back more liquidity than was burnt."""
    edges = edges_of(bounds)
    assert liquidity_for_amounts(at, *edges, *burn_amounts(at, *edges, liquidity)) <= liquidity


@given(ticks, ranges, growths, growths, growths, growths)
def test_growth_inside_ignores_the_origin(
    tick: int, bounds: tuple[int, int], pool: Growth, lower: Growth, upper: Growth, shift: Growth
) -> None:
    """Counters mean only differences: moving all of them by one amount, wraps and all, never changes the inside
    growth by anything but that amount or zero."""
    before = growth_inside(tick, *bounds, pool, lower, upper)
    after = growth_inside(tick, *bounds, pool.plus(shift), lower.plus(shift), upper.plus(shift))
    inside = bounds[0] <= tick < bounds[1]
    moved = Growth(0, 0).since(shift) if inside else Growth(0, 0)
    assert after == before.plus(moved)


@given(growths, words, words)
def test_owed_across_a_wrap(start: Growth, grown0: int, grown1: int) -> None:
    """Growth that wraps past 2**256 owes the same as growth that does not."""
    grown = Growth(grown0, grown1)
    assert owed_by_growth(10**18, start.plus(grown), start) == owed_by_growth(10**18, grown, Growth(0, 0))


@given(sqrt_prices, sqrt_prices, liquidities, st.integers(1, 1 << 120), st.sampled_from([100, 500, 2500, 3000, 10000]))
def test_exact_input_step_spends_at_most_its_budget(
    start: int, target: int, liquidity: int, spend: int, fee: int
) -> None:
    """An exact-input step never spends over its budget nor passes its target, and its fee is never under the rate."""
    step = swap_step(start, target, liquidity, spend, fee)
    assert step.in_raw + step.fee_raw <= spend
    assert min(start, target) <= step.sqrt_next_x96 <= max(start, target)
    assert step.fee_raw * (PIPS - fee) >= step.in_raw * fee


@given(st.integers(0, 1 << 128), st.booleans())
def test_protocol_fee_off_keeps_nothing(fee_raw: int, zero_for_one: bool) -> None:
    """A zero field leaves the whole fee to the providers in both AMMs."""
    assert uniswap_protocol_fee(fee_raw, 0, zero_for_one) == 0
    assert pancakeswap_protocol_fee(fee_raw, 0, zero_for_one) == 0


def test_protocol_fee_fields() -> None:
    """Token0 in reads the low half of the field, token1 in the high half."""
    assert [uniswap_protocol_fee(1000, 4 + (5 << 4), side) for side in (True, False)] == [250, 200]
    assert [pancakeswap_protocol_fee(1000, 3200 + (3400 << 16), side) for side in (True, False)] == [320, 340]


@given(sqrt_prices, orders)
def test_price_round_trip(sqrt_price_x96: int, order: PairOrder) -> None:
    """A sqrt price survives the way through a Decimal price to one unit."""
    assert abs(sqrt_from_price(price_from_sqrt(sqrt_price_x96, order), order) - sqrt_price_x96) <= 1


@given(sqrt_prices, orders)
def test_price_does_not_depend_on_token_order(sqrt_price_x96: int, order: PairOrder) -> None:
    """The same pool seen with the other token as BASE has the inverse price."""
    inverse = price_from_sqrt(sqrt_price_x96, order._replace(base_is_token0=not order.base_is_token0))
    assert abs(price_from_sqrt(sqrt_price_x96, order) * inverse - 1) < Decimal("1e-25")


@given(ranges, orders)
def test_price_bounds_are_ordered(bounds: tuple[int, int], order: PairOrder) -> None:
    """The lower price bound is the lower one whichever token is BASE."""
    lower, upper = price_bounds(*bounds, order)
    assert lower < upper


@given(words, st.integers(0, 36))
def test_human_amounts_lose_nothing(amount_raw: int, decimals: int) -> None:
    """Any 256-bit amount is the same number as a Decimal."""
    assert (
        human_amount(amount_raw, decimals).as_integer_ratio() == Fraction(amount_raw, 10**decimals).as_integer_ratio()
    )


def test_human_amount_keeps_the_tokens_digits() -> None:
    """An amount shows every digit its token has."""
    assert str(human_amount(1_500_000, 6)) == "1.500000"


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity"])
def test_impossible_price_raises(price: str) -> None:
    """A price that cannot be is refused before it becomes a sqrt price."""
    with pytest.raises(ValueError, match="above zero"):
        sqrt_from_price(Decimal(price), PairOrder(True, 18, 6))
