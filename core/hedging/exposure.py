"""Amounts of a position's liquidity at any price, and the BASE a hedge is exposed to. Pure, exact, rounded down."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from core.amm.amounts import burn_amounts
from core.amm.prices import PairOrder, human_amount, sqrt_from_price
from core.amm.ticks import sqrt_ratio_at_tick


class Ranged(Protocol):
    """A position, as read or as remembered."""

    @property
    def base_is_token0(self) -> bool: ...
    @property
    def base_decimals(self) -> int: ...
    @property
    def quote_decimals(self) -> int: ...
    @property
    def tick_lower(self) -> int: ...
    @property
    def tick_upper(self) -> int: ...


def pair_order(position: Ranged) -> PairOrder:
    """Which token is BASE, and the decimals in the chain's order."""
    decimals = (position.base_decimals, position.quote_decimals)
    return PairOrder(position.base_is_token0, *(decimals if position.base_is_token0 else decimals[::-1]))


def amounts_at_sqrt(position: Ranged, liquidity: int, sqrt_price_x96: int) -> tuple[Decimal, Decimal]:
    """(BASE, QUOTE) that burning `liquidity` of the position's range would add at a pool price."""
    amount0_raw, amount1_raw = burn_amounts(
        sqrt_price_x96,
        sqrt_ratio_at_tick(position.tick_lower),
        sqrt_ratio_at_tick(position.tick_upper),
        liquidity,
    )
    base_raw, quote_raw = (amount0_raw, amount1_raw) if position.base_is_token0 else (amount1_raw, amount0_raw)
    return human_amount(base_raw, position.base_decimals), human_amount(quote_raw, position.quote_decimals)


def amounts_at_price(position: Ranged, liquidity: int, price: Decimal) -> tuple[Decimal, Decimal]:
    """As `amounts_at_sqrt`, at a price in QUOTE per BASE above zero."""
    return amounts_at_sqrt(position, liquidity, sqrt_from_price(price, pair_order(position)))
