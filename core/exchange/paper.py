"""A venue on paper: real or recorded prices, simulated fills, no keys. One account, one-way mode, cross margin.

Everything happens when somebody looks: each call, and each `market_moved`, first brings the account up to the market it
reads (dead man's switch, funding, resting orders, liquidation). What lies between two looks was seen by nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NoReturn, Protocol

from pydantic import TypeAdapter, ValidationError

from core.account_ports import Ban, Income
from core.clock import Clock
from core.config import PaperConfig
from core.errors import InvariantBroken, Transient
from core.exchange.paper_account import Ledger, PaperState, Terms
from core.exchange.paper_checks import check_account, check_book, check_form, check_mark
from core.exchange.paper_funding import marked
from core.exchange.paper_matching import Matching, Moment, canceled, guarded, lapsed
from core.exchange.paper_news import NewsStand
from core.exchange.paper_totals import account_of, income_of
from core.exchange.public_market import MarketFeed
from core.facts import Market, OrderReport, OrderRequest, PerpAccount, SymbolRules, Trade
from core.news_ports import AccountNews

# How often a position alone, with nothing resting, is brought up to a market that moves.
POSITION_LOOK_S = 1.0
_BPS = Decimal(10_000)
_STATE = TypeAdapter(PaperState)


class PaperStore(Protocol):
    """Where the account is kept between runs, as one text. `save` is durable when it returns."""

    async def load(self) -> str | None:
        """None when nothing was ever saved."""
        ...

    async def save(self, account: str, at: datetime) -> None:
        """In place of what was saved before."""
        ...


def terms_of(config: PaperConfig) -> Terms:
    """The configuration's bps and leverage as fractions of the notional."""
    return Terms(
        balance_quote=config.balance_quote,
        taker_rate=config.taker_bps / _BPS,
        maker_rate=config.maker_bps / _BPS,
        initial_rate=1 / Decimal(config.leverage),
    )


class PaperVenue:
    """Implements `core.ports.PerpVenue` and `core.news_ports.AccountStream` over a MarketFeed.

    It always knows what became of an order: OutcomeUnknown is raised only, as by the live venue, for an id that an open
    order carries already. What a caller or listener has been told is in the store first, so a restart finds the same
    account.
    """

    def __init__(
        self, feed: MarketFeed, store: PaperStore, clock: Clock, terms: Terms, *, deep: MarketFeed | None = None
    ) -> None:
        """`deep`: the whole book, for what an order takes; the same as `feed` by default. Whoever made it closes it."""
        self._feed = feed
        self._deep = deep or feed
        self._store = store
        self._clock = clock
        self._terms = terms
        self._matching = Matching(terms)
        self._lock = asyncio.Lock()
        self._loaded = False
        self._state = PaperState(Ledger(terms.balance_quote))
        self._saved: PaperState | None = None
        self._told = self._state
        self._news = NewsStand()
        self._looked_at_s: dict[str, float] = {}
        self._looking: set[str] = set()

    async def prepare(self, symbols: Sequence[str]) -> None:
        """Load the account once, end what the dead man's switch ends, then read the symbols' filters.

        Raises Refused or Transient as the feed does, InvariantBroken when the stored account is not one.
        """
        async with self._lock:
            if not self._loaded:
                text = await self._store.load()
                if text is not None:
                    self._state = self._saved = self._told = _stored(text)
                self._loaded = True
            self._state = lapsed(self._state, self._clock.now())
            if self._saved is not None:
                await self._save()
        await self._feed.prepare(symbols)

    def rules(self, symbol: str) -> SymbolRules:
        """The feed's own. Raises Refused for a symbol that was not prepared."""
        return self._feed.rules(symbol)

    async def market(self, symbol: str) -> Market:
        """The whole book that `place` matches against; the account stays as it is."""
        return await self._deep.market(symbol)

    async def market_moved(self, symbol: str) -> None:
        """Bring the account up to a market that moved, when that can matter: costs nothing else.

        With an order resting at every move, with a position alone once in POSITION_LOOK_S, and never twice for moves
        that came while an earlier one waited. Raises as the feed does.
        """
        if symbol in self._looking or not self._wants_look(symbol):
            return
        self._looking.add(symbol)
        try:
            async with self._lock:
                self._looking.discard(symbol)
                await self._advance(symbol)
                await self._save_booked()
        finally:
            self._looking.discard(symbol)

    async def listen(self, on_news: Callable[[AccountNews], None]) -> NoReturn:
        """Never returns: the account is in this process, no connection can fail."""
        await self._news.listen(on_news)

    async def account(self, symbol: str) -> PerpAccount:
        """As of a fresh market. Raises Transient when there is none to be had."""
        async with self._lock:
            moment = await self._advance(symbol)
            await self._save_booked()
            return account_of(self._state, symbol, self._terms, moment.at)

    async def ledger(self) -> Ledger:
        """Where the wallet came from; its parts add up to it exactly."""
        async with self._lock:
            return self._state.ledger

    async def income(self, *, since: datetime) -> tuple[Income, ...]:
        """Funding, commissions, realised profit, liquidation: as Binance's history has them, oldest first.

        As far back as trades and payments are kept.
        """
        async with self._lock:
            return tuple(row for row in income_of(self._state) if row.at >= since)

    async def place(self, order: OrderRequest, *, may_send: Callable[[], bool] | None = None) -> OrderReport:
        """Match at once against a fresh book.

        Raises Refused with Binance's code, Transient without a book, OutcomeUnknown for the id of an open order.
        """
        async with self._lock:
            rules = self._feed.rules(order.symbol)
            check_form(order, rules)
            moment = await self._advance(order.symbol, self._deep)
            if may_send is not None and not may_send():
                raise Transient("Trading was stopped while the order waited for its market")
            mark_price = moment.market.mark_price
            check_mark(order, rules, mark_price)
            check_account(order, self._state, self._terms.initial_rate)
            check_book(order, self._matching.levels(moment.market, order.side), rules, mark_price)
            self._state = self._matching.execute(self._state, order, moment)
            await self._save()
            return self._report(order.symbol, order.client_order_id)

    async def find_order(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """Reads a market only while an order of the symbol rests. None also for what was over long ago."""
        async with self._lock:
            await self._advance_resting(symbol)
            order = self._state.order(symbol, client_order_id)
            return None if order is None else order.report()

    async def find_order_by_venue_id(self, symbol: str, venue_order_id: int) -> OrderReport | None:
        """Looks at the market as `find_order` does, and remembers as long."""
        async with self._lock:
            await self._advance_resting(symbol)
            order = self._state.order_by_venue_id(symbol, venue_order_id)
            return None if order is None else order.report()

    async def cancel(self, symbol: str, client_order_id: str) -> OrderReport | None:
        """A market is read first: what fills at it cannot be cancelled any more. Saved when it returns."""
        async with self._lock:
            await self._advance_resting(symbol)
            order = self._state.order(symbol, client_order_id)
            if order is None or order.status.is_final:
                return None
            self._state = canceled(self._state, order, self._clock.now())
            await self._save()
            return self._report(symbol, client_order_id)

    async def cancel_unread(self, symbol: str, client_order_id: str) -> bool:
        """No market is read, so that nothing fills it first. Saved when it returns."""
        async with self._lock:
            self._check_loaded()
            self._state = lapsed(self._state, self._clock.now())
            order = self._state.order(symbol, client_order_id)
            if order is None or order.status.is_final:
                return False
            self._state = canceled(self._state, order, self._clock.now())
            await self._save()
            return True

    async def open_orders(self, symbol: str) -> tuple[OrderReport, ...]:
        """Those that a fresh market has not filled."""
        async with self._lock:
            await self._advance_resting(symbol)
            return tuple(order.report() for order in self._state.open_orders(symbol))

    async def trades(self, symbol: str, *, after_trade_id: int | None, since: datetime) -> tuple[Trade, ...]:
        """As far back as the account keeps them."""
        async with self._lock:
            await self._advance_resting(symbol)
            return tuple(
                trade
                for trade in self._state.trades
                if trade.symbol == symbol
                and (trade.at >= since if after_trade_id is None else trade.trade_id > after_trade_id)
            )

    async def guard_resting(self, symbol: str, for_s: int) -> None:
        """The countdown is kept with the account, and runs on while no process does."""
        async with self._lock:
            self._check_loaded()
            self._feed.rules(symbol)
            now = self._clock.now()
            deadline = now + timedelta(seconds=for_s) if for_s else None
            self._state = guarded(lapsed(self._state, now), symbol, deadline)
            await self._save_booked()

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

    def _wants_look(self, symbol: str) -> bool:
        if self._state.open_orders(symbol):
            return True
        position, looked_at_s = self._state.positions.get(symbol), self._looked_at_s.get(symbol)
        if position is None or not position.size_base:
            return False
        return looked_at_s is None or self._clock.monotonic_s() - looked_at_s >= POSITION_LOOK_S

    async def _advance(self, symbol: str, feed: MarketFeed | None = None) -> Moment:
        self._check_loaded()
        rules = self._feed.rules(symbol)
        self._state = lapsed(self._state, self._clock.now())
        market = await (feed or self._feed).market(symbol)
        self._looked_at_s[symbol] = self._clock.monotonic_s()
        moment = Moment(market, rules.quote_asset, self._clock.now())
        state = marked(lapsed(self._state, moment.at), market, moment.fee_asset, moment.at)
        self._state = self._matching.liquidated(self._matching.match_resting(state, moment), moment)
        return moment

    async def _advance_resting(self, symbol: str) -> None:
        """Only a resting order can have changed without being told, so only then is a market read."""
        self._check_loaded()
        self._feed.rules(symbol)
        self._state = lapsed(self._state, self._clock.now())
        if self._state.open_orders(symbol):
            await self._advance(symbol)
        await self._save_booked()

    def _check_loaded(self) -> None:
        if not self._loaded:
            raise InvariantBroken("The paper account was asked before it was prepared")

    async def _save_booked(self) -> None:
        if self._saved is None or _booked(self._state) != _booked(self._saved):
            await self._save()

    async def _save(self) -> None:
        """After a failed or cancelled save the next call saves again: memory is never behind what was executed."""
        state = self._state
        if self._loaded and state != self._saved:
            await self._store.save(_STATE.dump_json(state).decode(), self._clock.now())
            self._saved = state
        told, self._told = self._told, state
        self._news.tell(told, state)

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
    return state.ledger, state.last_order_id, state.orders, state.trades, state.guards, schedule
