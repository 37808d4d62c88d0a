"""`report`: what the hedge did and what it paid, from the journal's fills and the account's income."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from bot.accounts import MOMENT, Accounts
from bot.fills_csv import Fill, csv_of
from bot.income import Totals as IncomeTotals
from bot.income import funding_of_last_day, totals_by_symbol
from bot.live_config import LiveConfig
from bot.rendering.markup import plain
from bot.rendering.money import Period, Statements, pnl_text
from bot.rendering.status import NO_FUNDING, Funding
from bot.settings import Settings
from bot.status_json import number_text
from core.account_ports import Income
from core.accounting.statement import Statement
from core.clock import SystemClock
from core.errors import ConfigurationError
from core.facts import OrderSide, Trade
from storage.store import Store

ZERO = Decimal(0)
ALWAYS_SHOWN = ("FUNDING_FEE", "COMMISSION")


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
    time of the row, of all programs that use the account. `statements`: what `/pnl` shows, in the zone of `period`.
    """

    since: datetime
    fills: tuple[Fill, ...] = ()
    income: tuple[Income, ...] = ()
    statements: Statements = field(default_factory=dict)
    period: Period | None = None


async def book_since(settings: Settings, since: datetime) -> Book:
    """An empty one when nothing was ever stored."""
    clock = SystemClock()
    store = await Store.open_existing(settings.database_path, scope=settings.scope, clock=clock)
    if store is None:
        return Book(since)
    period = Period(since, clock.now(), settings.zone)
    async with store:
        accounts = Accounts(store.series, store.journal, store.income, LiveConfig(settings.config))
        booked = await store.journal.fills_between(since, period.end + MOMENT)
        income = await store.income.between(since, period.end + MOMENT)
        statements = {name: await accounts.statement(name, since, period.end) for name in settings.config.hedges}
    return Book(since, tuple((each.hedge, each.trade) for each in booked), income, statements, period)


async def stored_funding(settings: Settings) -> Funding:
    """Of the last 24 hours, as far as it is booked."""
    clock = SystemClock()
    store = await Store.open_existing(settings.database_path, scope=settings.scope, clock=clock)
    if store is None:
        return NO_FUNDING
    async with store:
        return await funding_of_last_day(store.income, clock.now())


def totals_of(fills: Iterable[Fill]) -> dict[str, Totals]:
    by_hedge: dict[str, list[Trade]] = {}
    for hedge, trade in fills:
        by_hedge.setdefault(hedge or trade.symbol, []).append(trade)
    return {hedge: _sum(trades) for hedge, trades in by_hedge.items()}


def _sum(trades: Sequence[Trade]) -> Totals:
    assets = dict.fromkeys(trade.fee_asset for trade in trades)
    return Totals(
        fills=len(trades),
        bought_base=_quantity(trades, OrderSide.BUY),
        sold_base=_quantity(trades, OrderSide.SELL),
        turnover_quote=sum((trade.price * trade.quantity_base for trade in trades), ZERO),
        realised_pnl_quote=sum((trade.realised_pnl_quote for trade in trades), ZERO),
        fees={asset: sum((trade.fee for trade in trades if trade.fee_asset == asset), ZERO) for asset in assets},
    )


def _quantity(trades: Sequence[Trade], side: OrderSide) -> Decimal:
    return sum((trade.quantity_base for trade in trades if trade.side is side), ZERO)


def report_text(book: Book) -> str:
    head = f"Since {book.since:%Y-%m-%d %H:%M} UTC: {len(book.fills)} fills."
    pnl = [plain(pnl_text(book.statements, book.period, "P&L, from reading to reading"))] if book.period else []
    hedges = (_hedge_line(name, totals) for name, totals in totals_of(book.fills).items())
    income = (_income_line(symbol, totals) for symbol, totals in totals_by_symbol(book.income).items() if symbol)
    return "\n".join([head, *hedges, *pnl, *_income_head(book), *income])


def _income_head(book: Book) -> list[str]:
    """Why the account's commission may differ from the fills' fees."""
    if not book.income:
        return []
    newest = max(row.at for row in book.income)
    return [f"Account rows since then, by the exchange's time; the newest booked is of {newest:%Y-%m-%d %H:%M} UTC."]


def report_json(book: Book, mode: str) -> str:
    """`income` by symbol, kind and asset: what the account received, less what it paid."""
    hedges = {
        name: {
            "fills": str(totals.fills),
            "bought_base": number_text(totals.bought_base),
            "sold_base": number_text(totals.sold_base),
            "turnover_quote": number_text(totals.turnover_quote),
            "realised_pnl_quote": number_text(totals.realised_pnl_quote),
            "fees": {asset: number_text(fee) for asset, fee in totals.fees.items()},
        }
        for name, totals in totals_of(book.fills).items()
    }
    income = {
        symbol: {kind: {asset: number_text(each) for asset, each in totals.items()} for kind, totals in kinds.items()}
        for symbol, kinds in totals_by_symbol(book.income).items()
        if symbol
    }
    pnl = {name: _pnl_json(statement) for name, statement in book.statements.items()}
    said = {"mode": mode, "since": _iso(book.since), "hedges": hedges, "income": income, "pnl": pnl}
    return json.dumps(said, indent=2)


def _pnl_json(statement: Statement | None) -> Mapping[str, object] | None:
    """None: too little was kept of that time. Amounts in QUOTE but `unpriced`, which is by asset."""
    if statement is None:
        return None
    total = statement.total
    names = (*(each.name for each in fields(total)), "net", "impermanent_loss", "wealth_change")
    values = {name: getattr(total, name) for name in names}
    amounts = {name: number_text(value) for name, value in values.items() if isinstance(value, Decimal)}
    unpriced = {asset: number_text(fee) for asset, fee in total.unpriced.items()}
    return {"start": _iso(statement.start), "end": _iso(statement.end), **amounts, "unpriced": unpriced}


def write_csv(fills: Sequence[Fill], target: Path) -> None:
    """Every fill, oldest first, with all digits. Raises ConfigurationError when the file cannot be written."""
    try:
        target.write_bytes(csv_of(fills))
    except OSError as error:
        raise ConfigurationError(f"{target} cannot be written: {error.strerror}.") from None


def _hedge_line(name: str, totals: Totals) -> str:
    fees = ", ".join(f"{number_text(fee)} {asset}" for asset, fee in totals.fees.items())
    return (
        f"{name}: {totals.fills} fills, bought {number_text(totals.bought_base)}, sold {number_text(totals.sold_base)},"
        f" turnover {totals.turnover_quote:.2f}, fees {fees}, realised {totals.realised_pnl_quote:.2f} before fees"
    )


def _income_line(symbol: str, totals: IncomeTotals) -> str:
    """Funding and commission first and in any case; the rest as the exchange calls it."""
    kinds = {**dict.fromkeys(ALWAYS_SHOWN), **totals}
    shown = (f"{kind.lower().replace('_', ' ')} {_amounts(totals.get(kind, {}))}" for kind in kinds)
    return f"{symbol} account: {', '.join(shown)}"


def _amounts(totals: Mapping[str, Decimal]) -> str:
    return " and ".join(f"{total:+f} {asset}" for asset, total in totals.items()) or "none"


def _iso(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
