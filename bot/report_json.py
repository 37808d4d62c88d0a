"""`report --json`: every digit for machines. Amounts are text; null is unknown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal

from bot.income import Totals, totals_by_symbol
from bot.report import Book, totals_by_quote, totals_of
from bot.status_json import number_text, time_text
from core.accounting.attribution import Parts
from core.accounting.periods import PeriodParts
from core.accounting.statement import Statement

DERIVED = ("residual", "unrealised", "net", "impermanent_loss", "wealth_change")
TOLD_OTHERWISE = frozenset({"trades", "unwatched", "unpriced"})


def report_json(book: Book, mode: str) -> str:
    """`income` by symbol, kind and asset: what the account received, less what it paid; `transfers` by asset.

    `pnl` by hedge, `total` by QUOTE over all hedges, `periods` by hedge, oldest first, adding up to `pnl`.
    """
    income = totals_by_symbol(book.income)
    said = {
        "mode": mode,
        "since": time_text(book.since),
        "hedges": _hedges(book),
        "income": _income(income),
        "transfers": _texts(income.get("", {}).get("TRANSFER", {})),
        "pnl": {name: _pnl(statement) for name, statement in book.statements.items()},
        "total": {quote: _parts(total) for quote, total in totals_by_quote(book.statements).items()},
    }
    if book.by is not None:
        said["periods"] = {name: _periods(book, statement) for name, statement in book.statements.items()}
    return json.dumps(said, indent=2)


def amounts_of(parts: Parts) -> dict[str, str | None]:
    """In QUOTE by name; `trades` a count, `unwatched_s` seconds. None is unknown."""
    names = (*(each.name for each in fields(parts) if each.name not in TOLD_OTHERWISE), *DERIVED)
    values: Iterable[tuple[str, Decimal | None]] = ((name, getattr(parts, name)) for name in names)
    amounts = {name: None if value is None else number_text(value) for name, value in values}
    return {**amounts, "trades": str(parts.trades), "unwatched_s": f"{parts.unwatched.total_seconds():.0f}"}


def _hedges(book: Book) -> Mapping[str, object]:
    return {
        name: {
            "fills": str(totals.fills),
            "bought_base": number_text(totals.bought_base),
            "sold_base": number_text(totals.sold_base),
            "turnover_quote": number_text(totals.turnover_quote),
            "realised_pnl_quote": number_text(totals.realised_pnl_quote),
            "fees": _texts(totals.fees),
        }
        for name, totals in totals_of(book.fills).items()
    }


def _income(by_symbol: Mapping[str, Totals]) -> Mapping[str, object]:
    return {
        symbol: {kind: _texts(totals) for kind, totals in kinds.items()}
        for symbol, kinds in by_symbol.items()
        if symbol
    }


def _pnl(statement: Statement | None) -> Mapping[str, object] | None:
    """None: too little was kept of that time."""
    if statement is None:
        return None
    return {**_span(statement), **_parts(statement.total)}


def _periods(book: Book, statement: Statement | None) -> list[Mapping[str, object]] | None:
    if statement is None:
        return None
    return [{"period": book.label_of(each), **_span(each), **_parts(each.parts)} for each in book.periods_of(statement)]


def _span(of: Statement | PeriodParts) -> Mapping[str, object]:
    return {"start": time_text(of.start), "end": time_text(of.end)}


def _parts(parts: Parts) -> Mapping[str, object]:
    """`unpriced` by asset. The program reads no gas, so what was paid of it is unknown."""
    return {**amounts_of(parts), "unpriced": _texts(parts.unpriced), "gas": None}


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {asset: number_text(each) for asset, each in amounts.items()}
