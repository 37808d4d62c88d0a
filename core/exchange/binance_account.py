"""The account behind a position: modes, leverage, fees, margin tiers; and the position itself as a fact."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Generic, TypeVar

from core.clock import Clock
from core.errors import Transient
from core.exchange.binance_client import BinanceClient
from core.exchange.binance_market import Contract
from core.exchange.binance_messages import (
    AccountTotals,
    Bracket,
    CommissionRate,
    MultiAssetsMode,
    PositionMode,
    PositionRow,
    SymbolBrackets,
    SymbolConfig,
    parse_one,
    parse_only,
)
from core.facts import MarginTier, PerpAccount, PositionSide

MODES_MAX_AGE_S = 600.0
# Nothing is hedged in hedge mode: the operator is about to change it, and watches.
HEDGE_MODE_MAX_AGE_S = 15.0
LEVERAGE_MAX_AGE_S = 120.0
FEES_MAX_AGE_S = 3600.0
ZERO = Decimal(0)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Kept(Generic[T]):
    """Something read, and when by the monotonic clock."""

    value: T
    read_at_s: float


@dataclass(frozen=True, slots=True)
class Modes:
    """The account's own settings, shared by every program that uses it."""

    hedge_mode: bool
    multi_assets: bool

    @property
    def max_age_s(self) -> float:
        return HEDGE_MODE_MAX_AGE_S if self.hedge_mode else MODES_MAX_AGE_S


@dataclass(frozen=True, slots=True)
class Fees:
    """Fractions of the notional, and the symbol's margin tiers, smallest first."""

    taker_rate: Decimal
    maker_rate: Decimal
    brackets: tuple[Bracket, ...]


@dataclass(frozen=True, slots=True)
class AccountTerms:
    """What changes only when the operator or the exchange changes it."""

    modes: Modes
    fees: Fees
    leverage: int
    isolated: bool


class TermsReader:
    """Reads the terms of a symbol and keeps each for as long as it is believed."""

    def __init__(self, client: BinanceClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._modes: Kept[Modes] | None = None
        self._fees: dict[str, Kept[Fees]] = {}
        self._config: dict[str, Kept[SymbolConfig]] = {}

    async def terms(self, symbol: str) -> AccountTerms:
        """Raises Transient, or Refused for a bad key."""
        modes = await self._read_modes()
        config = await self._read_config(symbol)
        fees = await self._read_fees(symbol)
        return AccountTerms(modes, fees, config.leverage, isolated=config.margin_type == "ISOLATED")

    def forget_modes(self) -> None:
        """After a hint that the account's mode was changed: the next read asks again."""
        self._modes = None

    def forget_config(self, symbol: str) -> None:
        """After a change of leverage or margin type."""
        self._config.pop(symbol, None)

    async def _read_modes(self) -> Modes:
        kept = self._modes
        if kept is not None and self._age_s(kept) <= kept.value.max_age_s:
            return kept.value
        asked_at_s = self._clock.monotonic_s()
        sides, assets = await asyncio.gather(
            self._client.read(
                "position mode",
                lambda library: library.futures_get_position_mode(),
                lambda answer: parse_one(PositionMode, answer),
            ),
            self._client.read(
                "multi-assets mode",
                lambda library: library.futures_get_multi_assets_mode(),
                lambda answer: parse_one(MultiAssetsMode, answer),
            ),
        )
        modes = Modes(sides.dual_side_position, assets.multi_assets_margin)
        self._modes = Kept(modes, asked_at_s)
        return modes

    async def _read_config(self, symbol: str) -> SymbolConfig:
        kept = self._config.get(symbol)
        if kept is not None and self._age_s(kept) <= LEVERAGE_MAX_AGE_S:
            return kept.value
        asked_at_s = self._clock.monotonic_s()
        config = await self._client.read(
            "symbol configuration",
            lambda library: library.futures_symbol_config(symbol=symbol),
            lambda answer: parse_only(SymbolConfig, answer, symbol),
        )
        self._config[symbol] = Kept(config, asked_at_s)
        return config

    async def _read_fees(self, symbol: str) -> Fees:
        kept = self._fees.get(symbol)
        if kept is not None and self._age_s(kept) <= FEES_MAX_AGE_S:
            return kept.value
        asked_at_s = self._clock.monotonic_s()
        rate, tiers = await asyncio.gather(
            self._client.read(
                "commission rate",
                lambda library: library.futures_commission_rate(symbol=symbol),
                lambda answer: parse_one(CommissionRate, answer),
            ),
            self._client.read(
                "margin tiers",
                lambda library: library.futures_leverage_bracket(symbol=symbol),
                lambda answer: parse_only(SymbolBrackets, answer if isinstance(answer, list) else [answer], symbol),
            ),
        )
        fees = Fees(rate.taker_commission_rate, rate.maker_commission_rate, tiers.brackets)
        self._fees[symbol] = Kept(fees, asked_at_s)
        return fees

    def _age_s(self, kept: Kept[T]) -> float:
        return self._clock.monotonic_s() - kept.read_at_s


@dataclass(frozen=True, slots=True)
class Legs:
    """Sizes in contract units; `short` is never negative. Both can be open in hedge mode."""

    long: Decimal
    short: Decimal
    shown: PositionRow | None


def legs_of(rows: Sequence[PositionRow], symbol: str, *, hedge_mode: bool) -> Legs:
    """No row is flat: v3 lists open positions only. Raises Transient when rows contradict the mode or their sign."""
    named = _open_rows(rows, symbol, hedge_mode=hedge_mode)
    both = _amount(named.get(PositionSide.BOTH))
    long, short = _amount(named.get(PositionSide.LONG)), _amount(named.get(PositionSide.SHORT))
    if long < 0 or short > 0:
        raise Transient(f"Binance's position rows of {symbol} have an impossible sign")
    shown = named.get(PositionSide.SHORT) or named.get(PositionSide.BOTH) or named.get(PositionSide.LONG)
    return Legs(long + max(both, ZERO), max(-both, ZERO) - short, shown)


def _open_rows(rows: Sequence[PositionRow], symbol: str, *, hedge_mode: bool) -> dict[PositionSide, PositionRow]:
    mine = [row for row in rows if row.symbol == symbol and row.position_amt != 0]
    if not _fit_mode(mine, hedge_mode=hedge_mode):
        raise Transient(f"Binance's position rows of {symbol} do not fit the account's position mode; it is read again")
    return {row.position_side: row for row in mine}


def _fit_mode(open_rows: Sequence[PositionRow], *, hedge_mode: bool) -> bool:
    """One row a leg at most; BOTH is the leg of one-way mode alone."""
    legs = {row.position_side for row in open_rows}
    possible = {PositionSide.LONG, PositionSide.SHORT} if hedge_mode else {PositionSide.BOTH}
    return len(legs) == len(open_rows) and legs <= possible


def perp_account(
    contract: Contract, legs: Legs, totals: AccountTotals, terms: AccountTerms, as_of: datetime
) -> PerpAccount:
    """The account in BASE and QUOTE. With both legs open, entry and liquidation price are the SHORT leg's.

    Raises Transient when the answer has no row of the margin asset.
    """
    unit, shown = contract.unit, legs.shown
    margin, available, maintenance = _balances(contract.rules.quote_asset, totals, terms)
    notional = ZERO if shown is None else (legs.long + legs.short) * shown.mark_price
    liquidation = ZERO if shown is None else shown.liquidation_price
    return PerpAccount(
        symbol=contract.rules.symbol,
        hedge_mode=terms.modes.hedge_mode,
        position_base=(legs.long - legs.short) * unit,
        long_base=legs.long * unit,
        short_base=legs.short * unit,
        entry_price=None if shown is None else shown.entry_price / unit,
        liquidation_price=liquidation / unit if liquidation > 0 else None,
        margin_balance_quote=margin,
        available_balance_quote=available,
        maintenance_margin_quote=maintenance,
        initial_rate=1 / Decimal(terms.leverage),
        maintenance_rate=_tier(terms.fees.brackets, notional).maint_margin_ratio,
        taker_fee_rate=terms.fees.taker_rate,
        maker_fee_rate=terms.fees.maker_rate,
        as_of=as_of,
        isolated=terms.isolated,
        maintenance_tiers=tuple(
            MarginTier(tier.notional_floor, tier.maint_margin_ratio, tier.cum) for tier in terms.fees.brackets
        ),
    )


def _amount(row: PositionRow | None) -> Decimal:
    return ZERO if row is None else row.position_amt


def _balances(asset: str, totals: AccountTotals, terms: AccountTerms) -> tuple[Decimal, Decimal, Decimal]:
    """Margin balance, available, maintenance margin: of the margin asset, or of all together in multi-assets mode.

    What stands behind a cross position is not what isolated ones have to themselves; multi-assets mode knows none.
    """
    if terms.modes.multi_assets:
        return totals.total_margin_balance, totals.available_balance, totals.total_maint_margin
    for row in totals.assets:
        if row.asset == asset:
            cross = row.cross_wallet_balance + row.cross_unrealised
            return row.margin_balance if terms.isolated else cross, row.available_balance, row.maint_margin
    raise Transient(f"Binance's account has no {asset} row; transfer {asset} to the futures wallet")


def _tier(brackets: Sequence[Bracket], notional: Decimal) -> Bracket:
    for tier in brackets:
        if notional <= tier.notional_cap:
            return tier
    return brackets[-1]
