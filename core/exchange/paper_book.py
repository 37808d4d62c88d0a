"""Matching against a book: which levels an order takes, and what earlier orders left of one snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.facts import BookLevel, Market, OrderSide


@dataclass(frozen=True, slots=True)
class Fill:
    """Part of an order executed at one price; the quantity is positive."""

    price: Decimal
    quantity_base: Decimal


def opposite_levels(market: Market, side: OrderSide) -> tuple[BookLevel, ...]:
    """What an order of `side` trades against, best first."""
    return market.asks if side is OrderSide.BUY else market.bids


def crosses(side: OrderSide, limit_price: Decimal, market: Market) -> bool:
    """A limit order at this price would trade at once."""
    return _within(side, opposite_levels(market, side)[0].price, limit_price)


def walk(
    levels: Sequence[BookLevel], side: OrderSide, quantity_base: Decimal, limit_price: Decimal | None
) -> tuple[Fill, ...]:
    """Take the levels best first, no further than the quantity, the limit and the depth go."""
    fills: list[Fill] = []
    left = quantity_base
    for level in levels:
        if left <= 0 or (limit_price is not None and not _within(side, level.price, limit_price)):
            break
        if taken := min(left, level.quantity_base):
            fills.append(Fill(level.price, taken))
            left -= taken
    return tuple(fills)


def _within(side: OrderSide, price: Decimal, limit_price: Decimal) -> bool:
    return price <= limit_price if side is OrderSide.BUY else price >= limit_price


class RemainingDepth:
    """What is left of the newest snapshot of each symbol, so that two orders never take the same quantity."""

    def __init__(self) -> None:
        self._snapshot: dict[str, datetime] = {}
        self._taken: dict[tuple[str, OrderSide, Decimal], Decimal] = {}

    def levels(self, market: Market, side: OrderSide) -> tuple[BookLevel, ...]:
        """The levels that an order of `side` can still take."""
        self._forget_older(market)
        levels = opposite_levels(market, side)
        taken = [self._taken.get((market.symbol, side, level.price), Decimal(0)) for level in levels]
        return tuple(
            BookLevel(level.price, level.quantity_base - gone) for level, gone in zip(levels, taken, strict=True)
        )

    def take(self, market: Market, side: OrderSide, fills: Sequence[Fill]) -> None:
        self._forget_older(market)
        for fill in fills:
            key = (market.symbol, side, fill.price)
            self._taken[key] = self._taken.get(key, Decimal(0)) + fill.quantity_base

    def _forget_older(self, market: Market) -> None:
        if self._snapshot.get(market.symbol) != market.as_of:
            self._snapshot[market.symbol] = market.as_of
            self._taken = {key: taken for key, taken in self._taken.items() if key[0] != market.symbol}
