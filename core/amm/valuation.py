"""From pool integers to a position's facts: pure and exact; here token0/token1 become BASE/QUOTE."""

from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from core.amm.amounts import burn_amounts
from core.amm.prices import PairOrder, price_bounds, price_from_sqrt
from core.amm.ticks import sqrt_ratio_at_tick
from core.facts import LpPosition, RangeSide


class PoolPoint(NamedTuple):
    """Where a pool stands. `price`: QUOTE per BASE of `sqrt_price_x96`; `tick`: the stored one."""

    sqrt_price_x96: int
    tick: int
    price: Decimal


@dataclass(frozen=True, slots=True)
class PositionPlace:
    """What never changes of a position: its pool and its range, with the range's edges worked out once."""

    position_id: int
    pool: str
    order: PairOrder
    tick_lower: int
    tick_upper: int
    sqrt_lower_x96: int
    sqrt_upper_x96: int
    price_lower: Decimal
    price_upper: Decimal


class Holding(NamedTuple):
    """What does change. `owed*_raw`: all that `collect` would pay now besides the liquidity, raw."""

    owner: str
    liquidity: int
    owed0_raw: int
    owed1_raw: int


def pool_point(sqrt_price_x96: int, tick: int, order: PairOrder) -> PoolPoint:
    """A pool's place with its price worked out."""
    return PoolPoint(sqrt_price_x96, tick, price_from_sqrt(sqrt_price_x96, order))


def position_place(position_id: int, pool: str, order: PairOrder, tick_lower: int, tick_upper: int) -> PositionPlace:
    """A position's place with its edges worked out."""
    price_lower, price_upper = price_bounds(tick_lower, tick_upper, order)
    return PositionPlace(
        position_id,
        pool,
        order,
        tick_lower,
        tick_upper,
        sqrt_ratio_at_tick(tick_lower),
        sqrt_ratio_at_tick(tick_upper),
        price_lower,
        price_upper,
    )


def lp_position(place: PositionPlace, holding: Holding, at: PoolPoint) -> LpPosition:
    """The position's facts at a pool's place; amounts exact to the token's last unit, rounded as a burn rounds."""
    order = place.order
    edges = (place.sqrt_lower_x96, place.sqrt_upper_x96)
    base, quote = order.base_quote(*burn_amounts(at.sqrt_price_x96, *edges, holding.liquidity))
    owed_base, owed_quote = order.base_quote(holding.owed0_raw, holding.owed1_raw)
    all_base_at = edges[0] if order.base_is_token0 else edges[1]
    return LpPosition(
        position_id=place.position_id,
        owner=holding.owner,
        pool=place.pool,
        base_is_token0=order.base_is_token0,
        base_decimals=order.decimals_base,
        quote_decimals=order.decimals_quote,
        liquidity=holding.liquidity,
        tick_lower=place.tick_lower,
        tick_upper=place.tick_upper,
        sqrt_price_x96=at.sqrt_price_x96,
        price=at.price,
        base=base,
        quote=quote,
        owed_base=owed_base,
        owed_quote=owed_quote,
        price_lower=place.price_lower,
        price_upper=place.price_upper,
        side=_side(place, at.tick),
        base_at_lower_edge=order.base_quote(*burn_amounts(all_base_at, *edges, holding.liquidity))[0],
    )


def _side(place: PositionPlace, tick: int) -> RangeSide:
    if place.tick_lower <= tick < place.tick_upper:
        return RangeSide.IN
    # Below in the pool's terms is all token0; that is a low price only when BASE is token0.
    all_token0 = tick < place.tick_lower
    return RangeSide.BELOW if all_token0 == place.order.base_is_token0 else RangeSide.ABOVE
