"""What the account earns and pays, and how it stood: kept for ever, as the venue forgets it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from decimal import Decimal
from sqlite3 import Row

from core.account_ports import AccountSample, Income
from storage.columns import maybe_number, maybe_number_text, number_text, time_of, time_text
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


class SqliteAccountSamples:
    """`core.account_ports.AccountSamples`."""

    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def append(self, sample: AccountSample) -> None:
        """The first sample of a moment stands."""
        await self._db.write(
            "INSERT INTO account_samples (scope, symbol, at, position_base, mark_price, margin_balance_quote,"
            " maintenance_margin_quote, available_quote, liquidation_price, funding_rate, next_funding_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, symbol, at) DO NOTHING",
            (
                self._scope,
                sample.symbol,
                time_text(sample.at),
                number_text(sample.position_base),
                number_text(sample.mark_price),
                number_text(sample.margin_balance_quote),
                number_text(sample.maintenance_margin_quote),
                number_text(sample.available_quote),
                maybe_number_text(sample.liquidation_price),
                number_text(sample.funding_rate),
                time_text(sample.next_funding_at),
            ),
        )

    async def between(self, symbol: str, start: datetime, end: datetime) -> tuple[AccountSample, ...]:
        """Read at once: one a minute is no more than 1,440 a day."""
        rows = await self._db.rows(
            "SELECT * FROM account_samples WHERE scope = ? AND symbol = ? AND at >= ? AND at < ? ORDER BY at",
            (self._scope, symbol, time_text(start), time_text(end)),
        )
        return tuple(
            AccountSample(
                symbol=row["symbol"],
                at=time_of(row["at"]),
                position_base=Decimal(row["position_base"]),
                mark_price=Decimal(row["mark_price"]),
                margin_balance_quote=Decimal(row["margin_balance_quote"]),
                maintenance_margin_quote=Decimal(row["maintenance_margin_quote"]),
                available_quote=Decimal(row["available_quote"]),
                liquidation_price=maybe_number(row["liquidation_price"]),
                funding_rate=Decimal(row["funding_rate"]),
                next_funding_at=time_of(row["next_funding_at"]),
            )
            for row in rows
        )


def _income(row: Row) -> Income:
    return Income(
        row["kind"], row["income_id"], row["symbol"], Decimal(row["amount"]), row["asset"], time_of(row["at"])
    )
