"""Matching against a book: which levels an order takes, and what earlier orders left of one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.facts import BookLevel, Market, OrderSide

# A market this much older than the newest seen is no late snapshot: the clock was set back.
_CLOCK_SET_BACK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Fill:
    """Part of an order executed at one price; the quantity is positive."""

    price: Decimal
    quantity_base: Decimal


def opposite_levels(market: Market, side: OrderSide) -> tuple[BookLevel, ...]:
    """What an order of `side` trades against, best first."""
    return market.asks if side is OrderSide.BUY else market.bids


def within(side: OrderSide, price: Decimal, limit_price: Decimal | None) -> bool:
    """An order of `side` may trade at `price`; None: it has no limit."""
    if limit_price is None:
        return True
    return price <= limit_price if side is OrderSide.BUY else price >= limit_price


def walk(
    levels: Sequence[BookLevel], side: OrderSide, quantity_base: Decimal, limit_price: Decimal | None
) -> tuple[Fill, ...]:
    """Take the levels best first, no further than the quantity, the limit and the depth go."""
    fills: list[Fill] = []
    left = quantity_base
    for level in levels:
        if left <= 0 or not within(side, level.price, limit_price):
            break
        taken = min(left, level.quantity_base)
        if taken > 0:
            fills.append(Fill(level.price, taken))
            left -= taken
    return tuple(fills)


class RemainingDepth:
    """What is left of the newest snapshot of each symbol, so that two orders never take the same quantity.

    A snapshot is known by its time. An older one that comes late is met with what was taken of the newer.
    """

    def __init__(self) -> None:
        self._snapshot: dict[str, datetime] = {}
        self._taken: dict[tuple[str, OrderSide, Decimal], Decimal] = {}

    def levels(self, market: Market, side: OrderSide) -> tuple[BookLevel, ...]:
        """The levels that an order of `side` can still take, none of them empty."""
        self._forget_older(market)
        left = (
            BookLevel(
                level.price, level.quantity_base - self._taken.get((market.symbol, side, level.price), Decimal(0))
            )
            for level in opposite_levels(market, side)
        )
        return tuple(level for level in left if level.quantity_base > 0)

    def take(self, market: Market, side: OrderSide, fills: Sequence[Fill]) -> None:
        """These fills are gone from that snapshot for every order that comes later."""
        self._forget_older(market)
        for fill in fills:
            key = (market.symbol, side, fill.price)
            self._taken[key] = self._taken.get(key, Decimal(0)) + fill.quantity_base

    def _forget_older(self, market: Market) -> None:
        newest = self._snapshot.get(market.symbol)
        if newest is None or market.as_of > newest or newest - market.as_of > _CLOCK_SET_BACK:
            self._snapshot[market.symbol] = market.as_of
            self._taken = {key: taken for key, taken in self._taken.items() if key[0] != market.symbol}
