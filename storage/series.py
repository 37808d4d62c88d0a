"""The series of snapshots behind P&L and charts, and beside it what each hedge was made of since when."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from decimal import Decimal
from sqlite3 import Row

from core.account_ports import Exposure, HeldLiquidity, Snapshot
from storage.columns import mapping_of, mapping_text, maybe_number, maybe_number_text, time_of, time_text
from storage.database import Database, Transaction

AMOUNTS = (
    "price",
    "net_base",
    "perp_base",
    "gap_base",
    "gap_quote",
    "residual_base",
    "mark_price",
    "lp_base",
    "lp_quote",
    "fee_base",
    "fee_quote",
)
MOMENT = timedelta(microseconds=1)
COLUMNS = ", ".join(("scope", "hedge", "at", *AMOUNTS, "figures", "landmark"))
PLACES = ", ".join("?" * (3 + len(AMOUNTS) + 2))


class SqliteSeries:
    """`core.account_ports.SeriesBook`."""

    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def append(self, snapshot: Snapshot) -> None:
        async with self._db.transaction() as tx:
            await tx.execute(
                f"INSERT INTO series ({COLUMNS}) VALUES ({PLACES}) ON CONFLICT (scope, hedge, at)"  # noqa: S608
                " DO UPDATE SET landmark = max(landmark, excluded.landmark)",
                (
                    self._scope,
                    snapshot.hedge,
                    time_text(snapshot.at),
                    *(maybe_number_text(getattr(snapshot, name)) for name in AMOUNTS),
                    mapping_text({name: str(value) for name, value in snapshot.figures.items()}),
                    int(snapshot.landmark),
                ),
            )
            if snapshot.symbol is not None and snapshot.held is not None:
                await self._hold(tx, snapshot, snapshot.symbol, held_text(snapshot.held))

    async def between(
        self, hedge: str, start: datetime, end: datetime, *, landmarks_only: bool = False
    ) -> tuple[Snapshot, ...]:
        span = (self._scope, hedge, time_text(start), time_text(end))
        held = await self._db.rows(
            "SELECT * FROM holdings WHERE scope = ?1 AND hedge = ?2 AND at < ?4 AND at >= coalesce((SELECT max(at)"
            " FROM holdings WHERE scope = ?1 AND hedge = ?2 AND at <= ?3), ?3) ORDER BY at",
            span,
        )
        # Word for word as the index of landmarks says it, which is used then only.
        chosen = " AND landmark = 1" if landmarks_only else ""
        pages = self._db.pages(
            "SELECT * FROM series WHERE scope = ? AND hedge = ? AND at < ? AND at >= ? AND at > ?"  # noqa: S608
            f"{chosen} ORDER BY at LIMIT ?",
            (self._scope, hedge, time_text(end)),
            key=("at", "at"),
            before=(time_text(start), ""),
        )
        known = _HeldOverTime(held)
        return tuple([known.joined(row) async for rows in pages for row in rows])

    async def exposures(self, hedge: str, start: datetime, end: datetime) -> tuple[Exposure, ...]:
        rows = await self._db.rows(
            "SELECT at, price, net_base, perp_base, gap_base, residual_base, json_extract(figures, '$.band_quote')"
            " FROM series"
            " WHERE scope = ? AND hedge = ? AND at >= ? AND at < ? ORDER BY at",
            (self._scope, hedge, time_text(start), time_text(end)),
        )
        return tuple(Exposure(time_of(at), *map(maybe_number, amounts)) for at, *amounts in rows)

    async def newest(self, hedge: str, until: datetime) -> Snapshot | None:
        row = await self._db.row(
            "SELECT max(at) AS at FROM series WHERE scope = ? AND hedge = ? AND at <= ?",
            (self._scope, hedge, time_text(until)),
        )
        if row is None or row["at"] is None:
            return None
        at = time_of(row["at"])
        (snapshot,) = await self.between(hedge, at, at + MOMENT)
        return snapshot

    async def _hold(self, tx: Transaction, snapshot: Snapshot, symbol: str, positions: str) -> None:
        """Written only where it differs from what was held before."""
        at = time_text(snapshot.at)
        before = await tx.row(
            "SELECT symbol, positions FROM holdings WHERE scope = ? AND hedge = ? AND at <= ? ORDER BY at DESC LIMIT 1",
            (self._scope, snapshot.hedge, at),
        )
        if before is None or (before["symbol"], before["positions"]) != (symbol, positions):
            await tx.execute(
                "INSERT INTO holdings (scope, hedge, at, symbol, positions) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (scope, hedge, at) DO NOTHING",
                (self._scope, snapshot.hedge, at, symbol, positions),
            )


class _HeldOverTime:
    """Gives each row the newest holdings not later than itself; asked in the order of time."""

    def __init__(self, holdings: Sequence[Row]) -> None:
        self._later = [(row["at"], row["symbol"], _held_of(row["positions"])) for row in reversed(holdings)]
        self._symbol: str | None = None
        self._held: tuple[HeldLiquidity, ...] | None = None

    def joined(self, row: Row) -> Snapshot:
        while self._later and self._later[-1][0] <= row["at"]:
            _, self._symbol, self._held = self._later.pop()
        return _snapshot_of(row, self._symbol, self._held)


def _snapshot_of(row: Row, symbol: str | None, held: tuple[HeldLiquidity, ...] | None) -> Snapshot:
    return Snapshot(
        hedge=row["hedge"],
        at=time_of(row["at"]),
        **{name: maybe_number(row[name]) for name in AMOUNTS},
        figures={name: Decimal(value) for name, value in mapping_of(row["figures"]).items()},
        symbol=symbol,
        held=held,
        landmark=bool(row["landmark"]),
    )


def held_text(held: Sequence[HeldLiquidity]) -> str:
    """Whole numbers as text, as JSON readers may take wide ones for floats."""
    return json.dumps([{key: v if isinstance(v, bool) else str(v) for key, v in asdict(each).items()} for each in held])


def _held_of(text: str) -> tuple[HeldLiquidity, ...]:
    return tuple(
        HeldLiquidity(
            position_id=int(each["position_id"]),
            base_is_token0=bool(each["base_is_token0"]),
            base_decimals=int(each["base_decimals"]),
            quote_decimals=int(each["quote_decimals"]),
            tick_lower=int(each["tick_lower"]),
            tick_upper=int(each["tick_upper"]),
            liquidity=int(each["liquidity"]),
            parked_base=Decimal(each["parked_base"]),
            parked_quote=Decimal(each["parked_quote"]),
        )
        for each in json.loads(text)
    )
