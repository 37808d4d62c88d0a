"""Filters of a few perpetuals as Binance told them once, for replay without a network.

From the recorded `exchangeInfo` under tests/data/binance_futures/rest: BTCUSDT and ETHUSDT of 2022-02, BNBUSDT of
2021-07. They change now and then; a live hedge asks the exchange.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from core.facts import SymbolRules


@dataclass(frozen=True, slots=True)
class KnownRules:
    """`recorded`: year and month."""

    rules: SymbolRules
    recorded: str


def _known(base: str, recorded: str, *, tick: str, step: str, most: tuple[str, str], notional: str) -> KnownRules:
    """`most`: largest quantity of a limit and of a market order."""
    size, (limit, market) = Decimal(step), most
    rules = SymbolRules(
        symbol=f"{base}USDT",
        base_asset=base,
        quote_asset="USDT",
        tick_size=Decimal(tick),
        step_size=size,
        min_quantity=size,
        max_quantity=Decimal(limit),
        market_step_size=size,
        market_min_quantity=size,
        market_max_quantity=Decimal(market),
        min_notional_quote=Decimal(notional),
    )
    return KnownRules(rules, recorded)


KNOWN_RULES: Mapping[str, KnownRules] = {
    each.rules.symbol: each
    for each in (
        _known("BTC", "2022-02", tick="0.10", step="0.001", most=("1000", "1000"), notional="10"),
        _known("ETH", "2022-02", tick="0.01", step="0.001", most=("10000", "10000"), notional="10"),
        _known("BNB", "2021-07", tick="0.010", step="0.01", most=("100000", "20000"), notional="5"),
    )
}
