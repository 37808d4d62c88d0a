"""Binance USD-M perpetuals as the core's `PerpVenue`: one account, live.

Signs and units are the program's: positions negative when short, quantities in BASE even where Binance counts in
thousands, balances in the contract's margin asset. A failed read is never a flat position.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TypeVar

import structlog

from core.account_ports import Ban, Income
from core.clock import Clock
from core.errors import Refused, Transient
from core.exchange.binance_account import AccountTerms, TermsReader, legs_of, perp_account
from core.exchange.binance_account_stream import BinanceAccountStream
from core.exchange.binance_admin import BinanceAdmin
from core.exchange.binance_client import BinanceAccess, BinanceClient
from core.exchange.binance_income import IncomeReader
from core.exchange.binance_market import BinanceMarket, Contract
from core.exchange.binance_market_stream import BinanceMarketStream
from core.exchange.binance_messages import (
    AccountTotals,
    Malformed,
    OrderRow,
    PositionRow,
    order_report,
    parse_many,
    parse_one,
)
from core.exchange.binance_outcome import MODE_DIFFERS, NO_LONGER_OPEN, NO_SUCH_ORDER
from core.exchange.binance_trades import TradesReader
from core.exchange.binance_weights import depth_cost
from core.facts import Market, OrderReport, OrderRequest, PerpAccount, PositionSide, SymbolRules, Trade

T = TypeVar("T")
log = structlog.get_logger(__name__)
Ask = Callable[[], Awaitable[OrderReport]]
_CLIENT_ID = re.compile(r"[A-Za-z0-9_.-]{1,36}")


@dataclass(frozen=True, slots=True)
class WantedTerms:
    """What a symbol's leverage and margin type shall be; None: as the account has them."""

    leverage: int | None = None
    isolated: bool | None = None

    def beyond(self, terms: AccountTerms) -> WantedTerms:
        """What of it is still to be set."""
        return WantedTerms(
            leverage=None if self.leverage == terms.leverage else self.leverage,
            isolated=None if self.isolated == terms.isolated else self.isolated,
        )


class BinanceVenue:
    """Implements `core.ports.PerpVenue`. Sends nothing before `prepare`, but what `cancel_unread` needs; owns its HTTP
    session until `aclose`.

    `wanted`: terms by symbol that `prepare` sets, only while the symbol is flat: they change what a position needs.
    """

    def __init__(
        self,
        access: BinanceAccess,
        clock: Clock,
        *,
        wall: Clock | None = None,
        wanted: Mapping[str, WantedTerms] | None = None,
    ) -> None:
        self._wanted = dict(wanted or {})
        self._client = BinanceClient(access, clock, wall=wall)
        self._clock = clock
        self._market = BinanceMarket(_Source(self._client), clock)
        self._terms = TermsReader(self._client, clock)
        self._trades = TradesReader(self._client)
        self._income = IncomeReader(self._client)
        self.admin = BinanceAdmin(self._client, self._terms)

    async def prepare(self, symbols: Sequence[str]) -> None:
        """Clock, filters, then the account's terms, which prove the key. May be called again after a failure."""
        await self._client.sync_clock()
        await self._market.prepare(symbols)
        self._client.traffic.adopt_limits(self._market.rate_limits)
        for symbol in symbols:
            await self._terms.terms(symbol)
            if symbol in self._wanted:
                await self._set_terms(symbol, self._wanted[symbol])

    async def _set_terms(self, symbol: str, wanted: WantedTerms) -> None:
        """Margin type first: Binance refuses it once orders rest, leverage never."""
        missing = wanted.beyond(await self._terms.terms(symbol))
        if missing == WantedTerms():
            return
        account = await self.account(symbol)
        if account.long_base or account.short_base:
            log.warning("leverage or margin type is not as configured: it is set once the symbol is flat", of=symbol)
            return
        if missing.isolated is not None:
            await self.admin.set_margin_type(symbol, isolated=missing.isolated)
        if missing.leverage is not None:
            await self.admin.set_leverage(symbol, missing.leverage)

    def rules(self, symbol: str) -> SymbolRules:
        """Raises Refused for a symbol that was not prepared."""
        return self._market.rules(symbol)

    async def market(self, symbol: str) -> Market:
        """Raises Transient, also for a one-sided book."""
        return await self._market.market(symbol)

    async def account(self, symbol: str) -> PerpAccount:
        """Position and balances of one moment. Raises Transient or Refused; an empty list from Binance is flat."""
        contract = self._market.contract(symbol)
        terms = await self._terms.terms(symbol)
        as_of = self._clock.now()
        rows, totals = await asyncio.gather(
            self._client.read(
                "position",
                lambda library: library.futures_position_information(symbol=symbol),
                lambda answer: parse_many(PositionRow, answer),
            ),
            self._client.read(
                "account",
                lambda library: library.futures_account(version=3),
                lambda answer: parse_one(AccountTotals, answer),
            ),
        )
        try:
            legs = legs_of(rows, symbol, hedge_mode=terms.modes.hedge_mode)
        except Transient:
            self._terms.forget_modes()
            raise
        return perp_account(contract, legs, totals, terms, as_of)

    async def place(self, order: OrderRequest, *, may_send: Callable[[], bool] | None = None) -> OrderReport:
        """As the port says; an answer about another order, or in an unknown state, is OutcomeUnknown too."""
        contract = self._market.contract(order.symbol)
        if not _CLIENT_ID.fullmatch(order.client_order_id):
            raise Refused(f"{order.client_order_id!r} cannot be a client order id", code="client_order_id")
        params = order_params(order, contract.unit)
        try:
            return await self._client.order(
                "new order",
                order.client_order_id,
                lambda library: library.futures_create_order(**params),
                lambda answer: _report(answer, contract, order.client_order_id),
                may_send,
            )
        except Refused as refusal:
            if refusal.code == MODE_DIFFERS:
                self._terms.forget_modes()
            raise

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """None only for -2013; Binance forgets orders that ended unfilled after three days."""
        contract = self._market.contract(symbol)
        return await self._order_or_none(
            lambda: self._client.read(
                "order query",
                lambda library: library.futures_get_order(symbol=symbol, origClientOrderId=client_order_id),
                lambda answer: _report(answer, contract, client_order_id),
            ),
            frozenset({NO_SUCH_ORDER}),
        )

    async def find_order_by_venue_id(self, symbol: str, venue_order_id: int) -> OrderReport | None:
        """None only for -2013."""
        contract = self._market.contract(symbol)
        return await self._order_or_none(
            lambda: self._client.read(
                "order query",
                lambda library: library.futures_get_order(symbol=symbol, orderId=str(venue_order_id)),
                lambda answer: _report(answer, contract, None),
            ),
            frozenset({NO_SUCH_ORDER}),
        )

    async def cancel(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """Raises Transient also when the cancel may have happened: it is safe to repeat."""
        contract = self._market.contract(symbol)
        return await self._order_or_none(
            lambda: self._client.read(
                "cancel",
                lambda library: library.futures_cancel_order(symbol=symbol, origClientOrderId=client_order_id),
                lambda answer: _report(answer, contract, client_order_id),
            ),
            NO_LONGER_OPEN,
        )

    async def cancel_unread(self, symbol: str, client_order_id: str) -> bool:
        """As the port says: an answer's quantities are in contract units, which only filters tell."""
        try:
            await self._client.read(
                "cancel",
                lambda library: library.futures_cancel_order(symbol=symbol, origClientOrderId=client_order_id),
                lambda answer: _check_cancelled(answer, symbol, client_order_id),
            )
        except Refused as refusal:
            if refusal.code in NO_LONGER_OPEN:
                return False
            raise
        return True

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        """Everyone's on this account, also those no program here has placed."""
        unit = self._market.contract(symbol).unit
        rows = await self._client.read(
            "open orders",
            lambda library: library.futures_get_open_orders(symbol=symbol),
            lambda answer: tuple(order_report(row, unit) for row in parse_many(OrderRow, answer)),
        )
        return tuple(row for row in rows if row.symbol == symbol)

    async def trades(self, symbol: str, *, after_trade_id: int | None, since: datetime) -> tuple[Trade, ...]:
        """All pages; Binance keeps three months."""
        contract = self._market.contract(symbol)
        if after_trade_id is None:
            return await self._trades.since(contract, since)
        return await self._trades.after(contract, after_trade_id)

    async def income(self, *, since: datetime) -> tuple[Income, ...]:
        """All kinds and symbols; Binance keeps three months."""
        return await self._income.since(since)

    async def next_ban(self) -> Ban:
        """HTTP 418 and 403: an address that was banned, or that the firewall does not like."""
        return await self._client.traffic.next_ban()

    async def guard_resting(self, symbol: str, for_s: int) -> None:
        """Binance cancels *every* open order of the symbol, also those that a person placed by hand."""
        await self._client.read(
            "dead man's switch",
            lambda library: library.futures_countdown_cancel_all(symbol=symbol, countdownTime=str(for_s * 1000)),
            lambda answer: _check_guarded(answer, symbol, for_s),
        )

    def account_stream(self, stream_url: str) -> BinanceAccountStream:
        """Of this account, by this session; orders of symbols that were not prepared come without their report."""
        return BinanceAccountStream(self._client, self._market.unit, self._clock, stream_url=stream_url)

    def market_stream(self, stream_url: str) -> BinanceMarketStream:
        """Of symbols that were prepared, timed by this session's measure of the exchange's clock."""
        return BinanceMarketStream(self._market.unit, self._client.server_now_ms, self._clock, stream_url=stream_url)

    async def aclose(self) -> None:
        """Close the session; a later call opens a new one."""
        await self._client.aclose()

    async def _order_or_none(self, ask: Ask, none_for: frozenset[str]) -> OrderReport | None:
        try:
            return await ask()
        except Refused as refusal:
            if refusal.code in none_for:
                return None
            raise


def order_params(order: OrderRequest, unit: int) -> dict[str, str]:
    """The parameters of `POST /fapi/v1/order`, all as text; `unit` is BASE per contract unit.

    In hedge mode the leg and the side say what closes, and Binance refuses the flag; in one-way mode it is the reverse.
    """
    params = {
        "symbol": order.symbol,
        "side": order.side.value,
        "type": order.order_type.value,
        "quantity": _text(order.quantity_base / unit),
        "newClientOrderId": order.client_order_id,
        "newOrderRespType": "RESULT",
    }
    if order.position_side is not PositionSide.BOTH:
        params["positionSide"] = order.position_side.value
    elif order.reduce_only:
        params["reduceOnly"] = "true"
    if order.price is not None:
        params["price"] = _text(order.price * unit)
    if order.time_in_force is not None:
        params["timeInForce"] = order.time_in_force.value
    return params


def _report(answer: object, contract: Contract, client_order_id: str | None) -> OrderReport:
    return order_report(_row(answer, contract.rules.symbol, client_order_id), contract.unit)


def _row(answer: object, symbol: str, client_order_id: str | None) -> OrderRow:
    row = parse_one(OrderRow, answer)
    if row.symbol != symbol or client_order_id not in (None, row.client_order_id):
        raise Malformed("the answer is about another order")
    return row


def _check_cancelled(answer: object, symbol: str, client_order_id: str) -> None:
    """Its state alone is read."""
    if not order_report(_row(answer, symbol, client_order_id), 1).status.is_final:
        raise Malformed("the answer does not confirm the cancel")


def _check_guarded(answer: object, symbol: str, for_s: int) -> None:
    """Whatever else was answered is no countdown."""
    told = (answer.get("symbol"), str(answer.get("countdownTime"))) if isinstance(answer, dict) else None
    if told != (symbol, str(for_s * 1000)):
        raise Malformed("the answer does not confirm the countdown")


def _text(value: Decimal) -> str:
    """Plain digits, no exponent, no trailing zeros."""
    return f"{value.normalize():f}"


class _Source:
    """The public messages through the account's own client, so that one budget counts them all."""

    def __init__(self, client: BinanceClient) -> None:
        self._client = client

    def server_now_ms(self) -> int:
        return self._client.server_now_ms()

    async def exchange_info(self, parse: Callable[[object], T]) -> T:
        return await self._client.read("exchange info", lambda library: library.futures_exchange_info(), parse)

    async def depth(self, symbol: str, limit: int, parse: Callable[[object], T]) -> T:
        return await self._client.read(
            "depth",
            lambda library: library.futures_order_book(symbol=symbol, limit=str(limit)),
            parse,
            cost=depth_cost(limit),
        )

    async def aclose(self) -> None:
        """The client is its owner's to close."""

    async def premium_index(self, symbol: str, parse: Callable[[object], T]) -> T:
        return await self._client.read("mark price", lambda library: library.futures_mark_price(symbol=symbol), parse)
