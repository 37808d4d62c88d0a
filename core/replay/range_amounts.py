"""What a V3 position holds at a price, on machine numbers. Compiled source (see `compiled`).

With s = sqrt(P) held within [sqrt(Pa), sqrt(Pb)]: BASE = L (1/s - 1/sqrt(Pb)), QUOTE = L (s - sqrt(Pa)); whitepaper of
Uniswap V3, section 6.2. The exact integers live in `core.amm`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from core.replay.setup import Position


class Shape(NamedTuple):
    """A position's range in the forms that are needed over and over. `edge_base`: all it can ever hold in BASE."""

    lower: float
    upper: float
    root_lower: float
    root_upper: float
    log_lower: float
    log_upper: float
    liquidity: float
    edge_base: float


def shape_of(position: Position) -> Shape:
    """Roots and logarithms, taken once for a whole replay."""
    root_lower, root_upper = math.sqrt(position.lower), math.sqrt(position.upper)
    return Shape(
        position.lower,
        position.upper,
        root_lower,
        root_upper,
        math.log(position.lower),
        math.log(position.upper),
        position.liquidity,
        position.liquidity * (1.0 / root_lower - 1.0 / root_upper),
    )


def base_at(shape: Shape, price: float) -> float:
    """In whole tokens: constant below the range, 0 above it."""
    return shape.liquidity * (1.0 / _root_within(shape, price) - 1.0 / shape.root_upper)


def quote_at(shape: Shape, price: float) -> float:
    """In whole tokens: 0 below the range, constant above it."""
    return shape.liquidity * (_root_within(shape, price) - shape.root_lower)


def is_inside(shape: Shape, price: float) -> bool:
    """The upper edge itself is outside, as a tick is."""
    return shape.lower <= price < shape.upper


def gamma_at(shape: Shape, price: float) -> float:
    """BASE per QUOTE of price, as a size: how fast the BASE falls when the price rises; 0 outside the range."""
    return shape.liquidity / (2.0 * price * math.sqrt(price)) if is_inside(shape, price) else 0.0


def _root_within(shape: Shape, price: float) -> float:
    return min(max(math.sqrt(price), shape.root_lower), shape.root_upper)
