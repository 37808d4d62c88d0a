"""`report`: what the hedge did and what it paid, from the journal's fills and the account's income."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal

from bot.accounts import MOMENT, Accounts
from bot.fills_csv import Fill
from bot.income import funding_of_last_day
from bot.live_config import LiveConfig
from bot.periods import cuts_between
from bot.rendering.money import Period, Statements
from bot.rendering.status import NO_FUNDING, Funding
from bot.settings import Settings
from core.account_ports import Income
from core.accounting.attribution import Parts
from core.accounting.periods import PeriodParts, by_period
from core.accounting.statement import Statement
from core.clock import SystemClock
from core.facts import OrderSide, Trade
from storage.store import Store

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Totals:
    """One hedge over the period. `fees`: by asset, positive when paid. `realised_pnl_quote` before fees."""

    fills: int
    bought_base: Decimal
    sold_base: Decimal
    turnover_quote: Decimal
    realised_pnl_quote: Decimal
    fees: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Book:
    """Of one mode and account since a time, oldest first: fills by the time of the trade, `income` by the exchange's
    time of the row, of all programs that use the account. `statements`: what `/pnl` shows, in the zone of `period`;
    `by`: told by the day, week or month, with `cuts` where one ends and the next begins.
    """

    since: datetime
    fills: tuple[Fill, ...] = ()
    income: tuple[Income, ...] = ()
    statements: Statements = field(default_factory=dict)
    period: Period | None = None
    by: str | None = None
    cuts: tuple[datetime, ...] = ()

    def periods_of(self, statement: Statement) -> tuple[PeriodParts, ...]:
        """One, where the book is not told by periods."""
        return by_period(statement, self.cuts)

    def label_of(self, period: PeriodParts) -> str:
        """The operator's day on which it begins; of the first one, the day of the book's own start."""
        begins = (self.since, *self.cuts)[period.number]
        return begins.astimezone(self.period.zone if self.period else UTC).date().isoformat()


async def book_since(settings: Settings, since: datetime, *, by: str | None = None) -> Book:
    """An empty one when nothing was ever stored."""
    clock = SystemClock()
    store = await Store.open_existing(settings.database_path, scope=settings.scope, clock=clock)
    if store is None:
        return Book(since, by=by)
    period = Period(since, clock.now(), settings.zone)
    cuts = cuts_between(since, period.end, by, period.zone) if by else ()
    async with store:
        accounts = Accounts(store.series, store.journal, store.income, LiveConfig(settings.config))
        booked = await store.journal.fills_between(since, period.end + MOMENT)
        income = await store.income.between(since, period.end + MOMENT)
        statements = await accounts.statements(settings.config.hedges, since, period.end, cuts=cuts)
    return Book(since, tuple((each.hedge, each.trade) for each in booked), income, statements, period, by, cuts)


async def stored_funding(settings: Settings) -> Funding:
    """Of the last 24 hours, as far as it is booked."""
    clock = SystemClock()
    store = await Store.open_existing(settings.database_path, scope=settings.scope, clock=clock)
    if store is None:
        return NO_FUNDING
    async with store:
        return await funding_of_last_day(store.income, clock.now())


def totals_of(fills: Iterable[Fill]) -> dict[str, Totals]:
    """By hedge; a fill that is no hedge's counts under its symbol."""
    by_hedge: dict[str, list[Trade]] = {}
    for hedge, trade in fills:
        by_hedge.setdefault(hedge or trade.symbol, []).append(trade)
    return {hedge: _sum(trades) for hedge, trades in by_hedge.items()}


def _sum(trades: Sequence[Trade]) -> Totals:
    return Totals(
        fills=len(trades),
        bought_base=_quantity(trades, OrderSide.BUY),
        sold_base=_quantity(trades, OrderSide.SELL),
        turnover_quote=sum((trade.price * trade.quantity_base for trade in trades), ZERO),
        realised_pnl_quote=sum((trade.realised_pnl_quote for trade in trades), ZERO),
        fees=_fees(trades),
    )


def _quantity(trades: Sequence[Trade], side: OrderSide) -> Decimal:
    return sum((trade.quantity_base for trade in trades if trade.side is side), ZERO)


def _fees(trades: Sequence[Trade]) -> Mapping[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for trade in trades:
        fees[trade.fee_asset] = fees.get(trade.fee_asset, ZERO) + trade.fee
    return fees


def totals_by_quote(statements: Statements) -> dict[str, Parts]:
    """Of all hedges that have the QUOTE in common, as far as they are known."""
    found: dict[str, Parts] = {}
    for statement in statements.values():
        if statement is not None:
            quote = statement.assets.quote
            found[quote] = found.get(quote, Parts()) + statement.total
    return found
