"""A venue on paper: real or recorded prices, simulated fills, no keys. One account, one-way mode, cross margin.

Everything happens when it is asked for: each call first brings the account up to the market it reads (funding, resting
orders, liquidation). A resting order therefore only sees the books of the moments at which somebody looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from pydantic import TypeAdapter, ValidationError

from core.account_ports import Ban, Income
from core.clock import Clock
from core.config import PaperConfig
from core.errors import InvariantBroken
from core.exchange.paper_account import Ledger, PaperState
from core.exchange.paper_checks import check_account, check_form
from core.exchange.paper_margin import bracket_of
from core.exchange.paper_matching import Matching, Moment, Terms, canceled, liquidated, marked
from core.exchange.paper_totals import (
    brackets_for,
    initial_margin,
    liquidation_price_of,
    maintenance,
    margin_balance,
)
from core.exchange.public_market import MarketFeed
from core.facts import Market, OrderReport, OrderRequest, PerpAccount, SymbolRules, Trade

_BPS = Decimal(10_000)
_STATE = TypeAdapter(PaperState)


class PaperStore(Protocol):
    """Where the account is kept between runs, as one text. `save` is durable when it returns."""

    async def load(self) -> str | None: ...

    async def save(self, account: str, at: datetime) -> None: ...


def terms_of(config: PaperConfig, *, leverage: int = 5) -> Terms:
    return Terms(
        balance_quote=config.balance_quote,
        taker_rate=config.taker_bps / _BPS,
        maker_rate=config.maker_bps / _BPS,
        initial_rate=1 / Decimal(leverage),
    )


class PaperVenue:
    """Implements `core.ports.PerpVenue` over a MarketFeed. Never answers OutcomeUnknown: it always knows.

    What a caller has been told is in the store first, so a restart finds the same account.
    """

    def __init__(self, feed: MarketFeed, store: PaperStore, clock: Clock, terms: Terms) -> None:
        self._feed = feed
        self._store = store
        self._clock = clock
        self._terms = terms
        self._matching = Matching(terms)
        self._lock = asyncio.Lock()
        self._loaded = False
        self._state = PaperState(Ledger(terms.balance_quote))
        self._saved: PaperState | None = None

    async def prepare(self, symbols: Sequence[str]) -> None:
        """Load the account once, then the symbols' filters.

        Raises Refused or Transient as the feed does, InvariantBroken when the stored account is not one.
        """
        async with self._lock:
            if not self._loaded:
                text = await self._store.load()
                if text is not None:
                    self._state = self._saved = _stored(text)
                self._loaded = True
        await self._feed.prepare(symbols)

    def rules(self, symbol: str) -> SymbolRules:
        return self._feed.rules(symbol)

    async def market(self, symbol: str) -> Market:
        return await self._feed.market(symbol)

    async def account(self, symbol: str) -> PerpAccount:
        async with self._lock:
            moment = await self._advance(symbol)
            if self._saved is None or _booked(self._state) != _booked(self._saved):
                await self._save()
            return _account(self._state, symbol, self._terms, moment.market.as_of)

    async def ledger(self) -> Ledger:
        """Where the wallet came from; its parts add up to it exactly."""
        async with self._lock:
            return self._state.ledger

    async def income(self, *, since: datetime) -> tuple[Income, ...]:
        """What the kept trades cost; funding is in the ledger's sum alone."""
        async with self._lock:
            trades = self._state.trades
        return tuple(
            Income("COMMISSION", trade.trade_id, trade.symbol, -trade.fee, trade.fee_asset, trade.at)
            for trade in trades
            if trade.at >= since
        )

    async def place(self, order: OrderRequest) -> OrderReport:
        """Match at once against a fresh book. Raises Refused with Binance's code, or Transient without a book."""
        async with self._lock:
            moment = await self._advance(order.symbol)
            check_form(order, self._feed.rules(order.symbol), moment.market.mark_price)
            check_account(order, self._state, moment.market, self._terms.initial_rate)
            self._state = self._matching.execute(self._state, order, moment)
            await self._save()
            return self._report(order.symbol, order.client_order_id)

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        async with self._lock:
            await self._advance_resting(symbol)
            order = self._state.order(symbol, client_order_id)
            return None if order is None else order.report()

    async def find_order_by_venue_id(self, symbol: str, venue_order_id: int) -> OrderReport | None:
        async with self._lock:
            await self._advance_resting(symbol)
            order = self._state.order_by_venue_id(symbol, venue_order_id)
            return None if order is None else order.report()

    async def cancel(self, symbol: str, client_order_id: str) -> OrderReport | None:
        async with self._lock:
            await self._advance_resting(symbol)
            order = self._state.order(symbol, client_order_id)
            if order is None or order.status.is_final:
                return None
            self._state = canceled(self._state, order, self._clock.now())
            await self._save()
            return self._report(symbol, client_order_id)

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        async with self._lock:
            await self._advance_resting(symbol)
            return tuple(order.report() for order in self._state.open_orders(symbol))

    async def trades(self, symbol: str, *, after_trade_id: int | None, since: datetime) -> tuple[Trade, ...]:
        async with self._lock:
            await self._advance_resting(symbol)
            return tuple(
                trade
                for trade in self._state.trades
                if trade.symbol == symbol
                and (trade.at >= since if after_trade_id is None else trade.trade_id > after_trade_id)
            )

    async def guard_resting(self, symbol: str, for_s: int) -> None:
        """Nothing to guard: this venue ends with the process, and its resting orders are matched by nobody then."""

    async def next_ban(self) -> Ban:
        """Never: nothing of anyone's is at stake here while the prices stay away."""
        while True:
            await asyncio.Event().wait()

    async def aclose(self) -> None:
        """Keeps what was seen but not yet asked for, and closes the feed."""
        try:
            async with self._lock:
                await self._save()
        finally:
            await self._feed.aclose()

    async def _advance(self, symbol: str) -> Moment:
        self._check_loaded()
        rules = self._feed.rules(symbol)
        market = await self._feed.market(symbol)
        moment = Moment(market, rules.quote_asset, self._clock.now())
        state = self._matching.match_resting(marked(self._state, market), moment)
        self._state = liquidated(state, moment)
        return moment

    async def _advance_resting(self, symbol: str) -> None:
        """Only a resting order can have changed without being told, so only then is a market read."""
        self._check_loaded()
        self._feed.rules(symbol)
        if self._state.open_orders(symbol):
            await self._advance(symbol)
            await self._save()

    def _check_loaded(self) -> None:
        if not self._loaded:
            raise InvariantBroken("The paper account was asked before it was prepared")

    async def _save(self) -> None:
        """After a failed or cancelled save the next call saves again: memory is never behind what was executed."""
        state = self._state
        if self._loaded and state != self._saved:
            await self._store.save(_STATE.dump_json(state).decode(), self._clock.now())
            self._saved = state

    def _report(self, symbol: str, client_order_id: str) -> OrderReport:
        order = self._state.order(symbol, client_order_id)
        if order is None:
            raise InvariantBroken(f"Paper order {client_order_id} vanished while it was placed")
        return order.report()


def _stored(text: str) -> PaperState:
    try:
        return _STATE.validate_json(text)
    except ValidationError as error:
        raise InvariantBroken(f"The stored paper account cannot be read: {error.error_count()} faults") from error


def _booked(state: PaperState) -> tuple[object, ...]:
    """What must survive a restart. A mark that moved is not worth writing the account every few seconds."""
    schedule = {symbol: position.next_funding_time for symbol, position in state.positions.items()}
    return state.ledger, state.last_order_id, state.orders, state.trades, schedule


def _account(state: PaperState, symbol: str, terms: Terms, as_of: datetime) -> PerpAccount:
    position = state.positions[symbol]
    balance = margin_balance(state)
    return PerpAccount(
        symbol=symbol,
        hedge_mode=False,
        position_base=position.size_base,
        long_base=max(position.size_base, Decimal(0)),
        short_base=max(-position.size_base, Decimal(0)),
        entry_price=position.entry_price,
        liquidation_price=liquidation_price_of(state, symbol),
        margin_balance_quote=balance,
        available_balance_quote=max(Decimal(0), balance - initial_margin(state, terms.initial_rate)),
        maintenance_margin_quote=maintenance(state),
        initial_rate=terms.initial_rate,
        maintenance_rate=bracket_of(brackets_for(symbol), position.notional).rate,
        taker_fee_rate=terms.taker_rate,
        maker_fee_rate=terms.maker_rate,
        as_of=as_of,
    )
