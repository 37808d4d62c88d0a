"""A market that a test moves by hand, a store in memory, and the paper venue over both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.clock import ManualClock
from core.errors import Refused
from core.exchange.paper import PaperVenue
from core.exchange.paper_account import Terms
from core.facts import BookLevel, Market, OrderRequest, OrderSide, OrderType, SymbolRules, TimeInForce

START = datetime(2026, 1, 1, tzinfo=UTC)
ETH = "ETHUSDT"


def rules(symbol: str = ETH) -> SymbolRules:
    return SymbolRules(
        symbol=symbol,
        base_asset=symbol.removesuffix("USDT"),
        quote_asset="USDT",
        tick_size=Decimal("0.01"),
        step_size=Decimal("0.001"),
        min_quantity=Decimal("0.001"),
        max_quantity=Decimal(10000),
        market_step_size=Decimal("0.001"),
        market_min_quantity=Decimal("0.001"),
        market_max_quantity=Decimal(2000),
        min_notional_quote=Decimal(20),
        lowest_of_mark=Decimal("0.95"),
        highest_of_mark=Decimal("1.05"),
    )


def book(*levels: tuple[str, str]) -> tuple[BookLevel, ...]:
    return tuple(BookLevel(Decimal(price), Decimal(quantity)) for price, quantity in levels)


def flat_market(price: str, symbol: str = ETH, depth: str = "1000") -> Market:
    """Bid and ask at the very price, mark and index too: no spread, so figures can be worked out by hand."""
    levels = book((price, depth))
    return Market(
        symbol, levels, levels, Decimal(price), Decimal(price), Decimal("0.0001"), START + timedelta(hours=8), START
    )


class HandMarket:
    """A MarketFeed whose markets are what the test last set; each set is a new snapshot."""

    def __init__(self, *markets: Market) -> None:
        self.markets = {market.symbol: market for market in markets}
        self.min_notional_quote = Decimal(20)

    def set(self, market: Market) -> None:
        before = self.markets[market.symbol]
        self.markets[market.symbol] = replace(market, as_of=before.as_of + timedelta(seconds=1))

    def move(self, price: str, symbol: str = ETH) -> None:
        before = self.markets[symbol]
        moved = flat_market(price, symbol)
        self.set(replace(moved, funding_rate=before.funding_rate, next_funding_time=before.next_funding_time))

    async def prepare(self, symbols: Sequence[str]) -> None:
        for symbol in symbols:
            self.rules(symbol)

    def rules(self, symbol: str) -> SymbolRules:
        if symbol not in self.markets:
            raise Refused(f"Invalid symbol {symbol}", code="-1121")
        return replace(rules(symbol), min_notional_quote=self.min_notional_quote)

    async def aclose(self) -> None: ...

    async def market(self, symbol: str) -> Market:
        return self.markets[symbol]


class MemoryStore:
    def __init__(self) -> None:
        self.text: str | None = None
        self.saves = 0

    async def load(self) -> str | None:
        return self.text

    async def save(self, account: str, at: datetime) -> None:
        self.text = account
        self.saves += 1


def terms(balance: str = "10000") -> Terms:
    return Terms(Decimal(balance))


async def open_venue(
    feed: HandMarket, store: MemoryStore | None = None, balance: str = "10000", clock: ManualClock | None = None
) -> PaperVenue:
    venue = PaperVenue(feed, store or MemoryStore(), clock or ManualClock(START), terms(balance))
    await venue.prepare(tuple(feed.markets))
    return venue


def market_order(side: OrderSide, quantity: str, *, cid: str = "a", reduce_only: bool = False) -> OrderRequest:
    return OrderRequest(cid, ETH, side, Decimal(quantity), OrderType.MARKET, reduce_only)


def limit_order(
    side: OrderSide,
    quantity: str,
    price: str,
    tif: TimeInForce = TimeInForce.GTC,
    *,
    cid: str = "l",
    reduce_only: bool = False,
) -> OrderRequest:
    return OrderRequest(
        cid, ETH, side, Decimal(quantity), OrderType.LIMIT, reduce_only, price=Decimal(price), time_in_force=tif
    )


def sell(quantity: str, *, cid: str = "a") -> OrderRequest:
    return market_order(OrderSide.SELL, quantity, cid=cid)


def buy(quantity: str, *, cid: str = "a") -> OrderRequest:
    return market_order(OrderSide.BUY, quantity, cid=cid)
