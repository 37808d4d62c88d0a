"""`report` for people at a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from textwrap import wrap

from bot.accounts import CLOSELY_FOR
from bot.income import Totals as IncomeTotals
from bot.income import totals_by_symbol
from bot.rendering.account_table import GAS, hedges_table, periods_table
from bot.rendering.markup import plain
from bot.rendering.money import Period, coverage, unpriced_fees
from bot.rendering.numbers import counted
from bot.report import Book, Totals, totals_by_quote, totals_of
from bot.status_json import number_text
from core.accounting.attribution import Parts
from core.accounting.statement import Statement

WIDTH_CHARS = 97
# Why the same day in a shorter report may have another LVR and another residual, with the same net.
HOURLY = "By hourly readings: LVR and residual of more than two days are coarser; each keeps the net as it is."
ALWAYS_SHOWN = ("FUNDING_FEE", "COMMISSION")


def report_text(book: Book) -> str:
    head = f"Since {book.since:%Y-%m-%d %H:%M} UTC: {counted(len(book.fills), 'fill')}."
    hedges = (_hedge_line(name, totals) for name, totals in totals_of(book.fills).items())
    pnl = ["", *_pnl_lines(book, book.period), ""] if book.period else []
    by_symbol = totals_by_symbol(book.income)
    income = (_income_line(symbol, totals) for symbol, totals in by_symbol.items() if symbol)
    return "\n".join([head, *hedges, *pnl, *_income_head(book), *_transfers(by_symbol), *income])


def _pnl_lines(book: Book, period: Period) -> Iterator[str]:
    """The tables, then what their figures are of."""
    known = {name: statement for name, statement in book.statements.items() if statement is not None}
    yield from _tables(book, known)
    for name, statement in book.statements.items():
        yield from _what_of(name, statement, period)
    if not known:
        return
    if period.end - period.start > CLOSELY_FOR:
        yield HOURLY
    yield GAS


def _tables(book: Book, known: Mapping[str, Statement]) -> Iterator[str]:
    """Of the hedges with one QUOTE a table and the periods."""
    for quote, total in totals_by_quote(known).items():
        its_own = {name: each for name, each in known.items() if each.assets.quote == quote}
        yield from _quote_lines(book, its_own, quote, total)


def _quote_lines(book: Book, known: Mapping[str, Statement], quote: str, total: Parts) -> Iterator[str]:
    everyone = {"all": total} if len(known) > 1 else {}
    yield from hedges_table({name: each.total for name, each in known.items()} | everyone, quote)
    if book.by is not None:
        yield from _period_lines(book, known, quote, total)


def _what_of(name: str, statement: Statement | None, period: Period) -> Iterator[str]:
    """Which time the figures are of, and what is missing in them."""
    if statement is None:
        yield f"{name}: nothing kept of this time yet, so its figures are unknown."
        return
    yield from wrap(plain(coverage(name, statement, period, named=True)), WIDTH_CHARS)
    yield from map(plain, unpriced_fees(statement.total))


def _period_lines(book: Book, known: Mapping[str, Statement], quote: str, total: Parts) -> Iterator[str]:
    everyone: dict[str, Parts] = {}
    for name, statement in known.items():
        told = [(book.label_of(each), each.parts) for each in book.periods_of(statement)]
        yield f"{name} by the {book.by}, in {quote}"
        yield from (*periods_table(told, statement.total), "")
        for label, parts in told:
            everyone[label] = everyone.get(label, Parts()) + parts
    if len(known) > 1:
        yield f"all by the {book.by}, in {quote}"
        yield from (*periods_table(sorted(everyone.items()), total), "")


def _income_head(book: Book) -> list[str]:
    """Why the account's commission may differ from the fills' fees."""
    if not book.income:
        return []
    newest = max(row.at for row in book.income)
    return [f"Account rows since then, by the exchange's time; the newest booked is of {newest:%Y-%m-%d %H:%M} UTC."]


def _transfers(by_symbol: Mapping[str, IncomeTotals]) -> list[str]:
    """Of the account itself, so of no hedge."""
    moved = by_symbol.get("", {}).get("TRANSFER")
    return [f"Put into the exchange's account less taken out, no result: {_amounts(moved)}"] if moved else []


def _hedge_line(name: str, totals: Totals) -> str:
    fees = ", ".join(f"{number_text(fee)} {asset}" for asset, fee in totals.fees.items())
    return (
        f"{name}: {counted(totals.fills, 'fill')}, bought {number_text(totals.bought_base)},"
        f" sold {number_text(totals.sold_base)}, turnover {totals.turnover_quote:.2f}, fees {fees},"
        f" realised {totals.realised_pnl_quote:.2f} before fees"
    )


def _income_line(symbol: str, totals: IncomeTotals) -> str:
    """Funding and commission first and in any case; the rest as the exchange calls it."""
    kinds = {**dict.fromkeys(ALWAYS_SHOWN), **totals}
    shown = (f"{kind.lower().replace('_', ' ')} {_amounts(totals.get(kind, {}))}" for kind in kinds)
    return f"{symbol} account: {', '.join(shown)}"


def _amounts(totals: Mapping[str, Decimal]) -> str:
    return " and ".join(f"{total:+f} {asset}" for asset, total in totals.items()) or "none"
