"""The parts of the P&L as a CSV file: one line for each hedge and period, every digit."""

from __future__ import annotations

from collections.abc import Iterator

from bot.csv_table import csv_bytes
from bot.report import Book
from bot.report_json import amounts_of
from bot.status_json import time_text
from core.accounting.attribution import Parts
from core.accounting.periods import PeriodParts

# `hedge` is a part of the P&L already.
BEFORE = ("name", "quote", "period", "start", "end")
# What amounts have no price here, and what the program does not read.
AFTER = ("unpriced", "gas")


def parts_csv_of(book: Book) -> bytes:
    """An empty cell is unknown; a hedge of which too little was kept has one line of them. No totals: lines add up."""
    return csv_bytes((*BEFORE, *amounts_of(Parts()), *AFTER), _rows(book))


def _rows(book: Book) -> Iterator[tuple[str, ...]]:
    for hedge, statement in book.statements.items():
        if statement is None:
            yield hedge, *("" for _ in (*BEFORE[1:], *amounts_of(Parts()), *AFTER))
            continue
        for period in book.periods_of(statement):
            yield hedge, statement.assets.quote, *_cells(book, period)


def _cells(book: Book, period: PeriodParts) -> Iterator[str]:
    yield book.label_of(period)
    yield time_text(period.start)
    yield time_text(period.end)
    yield from (text or "" for text in amounts_of(period.parts).values())
    yield " ".join(f"{fee:f} {asset}" for asset, fee in period.parts.unpriced.items())
    yield ""
