"""What the account earns and pays: kept for ever, as the venue forgets it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from sqlite3 import Row

from core.account_ports import Income
from storage.columns import number_text, time_of, time_text
from storage.database import Database


class SqliteIncome:
    """`core.account_ports.IncomeBook`."""

    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def book(self, rows: Sequence[Income], at: datetime) -> int:
        """One transaction. A row that is there already stays as it was booked first."""
        added = 0
        async with self._db.transaction() as tx:
            for row in rows:
                added += await tx.execute(
                    "INSERT INTO income (scope, kind, income_id, symbol, amount, asset, at, booked_at)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, kind, income_id) DO NOTHING",
                    (
                        self._scope,
                        row.kind,
                        row.income_id,
                        row.symbol,
                        number_text(row.amount),
                        row.asset,
                        time_text(row.at),
                        time_text(at),
                    ),
                )
        return added

    async def newest_at(self) -> datetime | None:
        """The greatest time of any kind of row, by the venue's clock."""
        row = await self._db.row("SELECT max(at) AS at FROM income WHERE scope = ?", (self._scope,))
        return None if row is None or row["at"] is None else time_of(row["at"])

    async def between(self, start: datetime, end: datetime, *, without: Collection[str] = ()) -> tuple[Income, ...]:
        """Read in pages, so that a year of rows holds nobody up."""
        places = ", ".join("?" * len(without))
        pages = self._db.pages(
            f"SELECT * FROM income WHERE scope = ? AND kind NOT IN ({places}) AND at < ? AND at >= ?"  # noqa: S608
            " AND (at, seq) > (?, ?) ORDER BY at, seq LIMIT ?",
            (self._scope, *without, time_text(end)),
            key=("at", "at", "seq"),
            before=(time_text(start), "", 0),
        )
        return tuple([_income(row) async for rows in pages for row in rows])


def _income(row: Row) -> Income:
    return Income(
        row["kind"], row["income_id"], row["symbol"], Decimal(row["amount"]), row["asset"], time_of(row["at"])
    )
