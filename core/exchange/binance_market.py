"""Filters, book, mark and funding of Binance's perpetuals, over whatever fetches the four public messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol, TypeVar

from core.clock import Clock, at_ms
from core.errors import UNKNOWN_SYMBOL, Refused, Transient
from core.exchange.binance_messages import (
    Depth,
    ExchangeInfo,
    PremiumIndex,
    RateLimit,
    SymbolInfo,
    base_of,
    parse_one,
    symbol_rules,
)
from core.facts import BookLevel, Market, SymbolRules

DEPTH_LEVELS = 100
T = TypeVar("T")


class PublicSource(Protocol):
    """Fetches and parses; `parse` raises Malformed. Every method raises Transient or Refused."""

    def server_now_ms(self) -> int:
        """The exchange's clock by the last synchronisation, which `exchange_info` makes when none was made."""
        ...

    async def exchange_info(self, parse: Callable[[object], T]) -> T:
        """The filters of all symbols and the limits of requests; synchronises the clock when nothing did so yet."""
        ...

    async def depth(self, symbol: str, limit: int, parse: Callable[[object], T]) -> T:
        """The best `limit` levels of either side, in contract units."""
        ...

    async def premium_index(self, symbol: str, parse: Callable[[object], T]) -> T:
        """Mark and index price per contract unit, the funding rate and its next time."""
        ...

    async def aclose(self) -> None:
        """Ends its connections, if it has any."""
        ...


@dataclass(frozen=True, slots=True)
class Contract:
    """A perpetual with its filters in BASE; `unit` is BASE per contract unit, which only this package meets."""

    rules: SymbolRules
    unit: int


class BinanceMarket:
    """Implements `core.exchange.public_market.MarketFeed`. All quantities in BASE, prices in QUOTE per BASE."""

    def __init__(self, source: PublicSource, clock: Clock) -> None:
        self._source = source
        self._clock = clock
        self._contracts: dict[str, Contract] = {}
        self.rate_limits: tuple[RateLimit, ...] = ()

    async def aclose(self) -> None:
        """Closes the source, which nobody else does."""
        await self._source.aclose()

    async def prepare(self, symbols: Sequence[str]) -> None:
        """Filters of `symbols`. Raises Refused for a symbol that is not a trading perpetual, or Transient."""
        info = await self._source.exchange_info(lambda answer: parse_one(ExchangeInfo, answer))
        self.rate_limits = info.rate_limits
        raw = {str(each.get("symbol")): each for each in info.symbols}
        for symbol in symbols:
            if symbol not in raw:
                raise Refused(f"Binance USD-M futures has no symbol {symbol}: correct symbol", code=UNKNOWN_SYMBOL)
            self._contracts[symbol] = _contract(raw[symbol])

    def contract(self, symbol: str) -> Contract:
        """Raises Refused for a symbol that was not prepared."""
        if symbol not in self._contracts:
            raise Refused(f"The filters of {symbol} were not read", code=UNKNOWN_SYMBOL)
        return self._contracts[symbol]

    def unit(self, symbol: str) -> int | None:
        """BASE per contract unit; None for a symbol that was not prepared."""
        contract = self._contracts.get(symbol)
        return None if contract is None else contract.unit

    def rules(self, symbol: str) -> SymbolRules:
        """In BASE, whatever the contract's unit. Raises Refused for a symbol that was not prepared."""
        return self.contract(symbol).rules

    async def market(self, symbol: str) -> Market:
        """Book and mark, read together. `as_of` is the older of the two by the exchange's own stamps.

        Raises Transient, also for an empty side of the book.
        """
        unit = self.contract(symbol).unit
        asked_at, server_asked_ms = self._clock.now(), self._source.server_now_ms()
        depth, premium = await asyncio.gather(
            self._source.depth(symbol, DEPTH_LEVELS, lambda answer: parse_one(Depth, answer)),
            self._source.premium_index(symbol, lambda answer: parse_one(PremiumIndex, answer)),
        )
        if premium.symbol != symbol or not depth.bids or not depth.asks:
            raise Transient(f"Binance has no two-sided market in {symbol} now")
        stamp_ms = min(depth.event_ms, premium.time_ms)
        return Market(
            symbol=symbol,
            bids=book_levels(depth.bids, unit),
            asks=book_levels(depth.asks, unit),
            mark_price=premium.mark_price / unit,
            index_price=premium.index_price / unit,
            funding_rate=premium.last_funding_rate,
            next_funding_time=at_ms(premium.next_funding_time),
            as_of=by_our_clock(asked_at, server_asked_ms, stamp_ms),
        )


def _contract(raw: dict[str, object]) -> Contract:
    try:
        info = parse_one(SymbolInfo, raw)
        rules = symbol_rules(info)
    except ValueError as error:
        raise Transient(f"Binance's filters of {raw.get('symbol')} were not understood: {error}") from None
    if info.contract_type != "PERPETUAL" or info.status != "TRADING":
        raise Refused(
            f"{info.symbol} is not a trading perpetual ({info.contract_type}, {info.status})", code="not_trading"
        )
    return Contract(rules, base_of(info.base_asset)[1])


def book_levels(levels: tuple[tuple[Decimal, Decimal], ...], unit: int) -> tuple[BookLevel, ...]:
    """`unit`: BASE per contract unit."""
    return tuple(BookLevel(price / unit, quantity * unit) for price, quantity in levels)


def by_our_clock(asked_at: datetime, server_asked_ms: int, stamp_ms: int) -> datetime:
    """Our own time of asking or hearing, less how old the message was at that moment by the exchange's clock."""
    return asked_at - timedelta(milliseconds=max(0, server_asked_ms - stamp_ms))
