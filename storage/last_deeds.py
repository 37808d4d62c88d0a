"""Of plans, questions and trades the newest, with the kinds of events that were written of them."""

from __future__ import annotations

from sqlite3 import Row

from core.events import EventKind
from core.last_deeds import LastApproval, LastPlan, UntoldTrade
from core.ports import TradeOrigin
from storage.approvals import approval_of
from storage.columns import time_of
from storage.database import Database
from storage.journal_rows import plan_of, trade_of

# One turn ends one at most and begins another.
NEWEST_OF_A_HEDGE = 2
# What was told of so few is not further back, whatever else was told meanwhile.
WORDS_OF_THEM = 20
# One fetch of what was traded, and more.
NEWEST_FILLS = 200
OF_PLANS = (EventKind.PLAN_OPENED, EventKind.HEDGE_EXECUTED, EventKind.PLAN_FAILED)
OF_APPROVALS = tuple(kind for kind in EventKind if kind.value.startswith("approval_"))
NEWEST = (
    "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY hedge ORDER BY seq DESC) AS age FROM {table}"
    " WHERE scope = ?) WHERE age <= ? ORDER BY seq"
)


class SqliteLastDeeds:
    """`core.last_deeds.LastDeeds`."""

    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def plans(self) -> tuple[LastPlan, ...]:
        """Oldest first."""
        return tuple([await self._last_plan(row) for row in await self._newest("plans")])

    async def approvals(self) -> tuple[LastApproval, ...]:
        """Oldest first."""
        return tuple([await self._last_approval(row) for row in await self._newest("approvals")])

    async def untold_trades(self) -> tuple[UntoldTrade, ...]:
        """Among the newest fills, those that are not ours; oldest first. The venue's numbers are of one symbol."""
        rows = await self._db.rows(
            "SELECT fill.*, coalesce((SELECT plans.hedge FROM plans WHERE plans.scope = fill.scope"
            " AND plans.symbol = fill.symbol ORDER BY plans.seq DESC LIMIT 1), '') AS its_hedge"
            " FROM (SELECT * FROM fills WHERE scope = ? ORDER BY seq DESC LIMIT ?) AS fill"
            " WHERE origin <> 'ours' ORDER BY seq",
            (self._scope, NEWEST_FILLS),
        )
        if not rows:
            return ()
        told = await self._db.rows(
            "SELECT json_extract(data, '$.symbol') AS symbol, json_extract(data, '$.trade_id') AS trade_id"
            " FROM events WHERE scope = ? AND kind = ? ORDER BY seq DESC LIMIT ?",
            (self._scope, EventKind.FOREIGN_TRADE, 2 * NEWEST_FILLS),
        )
        known = {(row["symbol"], row["trade_id"]) for row in told}
        return tuple(_untold(row) for row in rows if (row["symbol"], str(row["trade_id"])) not in known)

    async def _newest(self, table: str) -> list[Row]:
        return await self._db.rows(NEWEST.format(table=table), (self._scope, NEWEST_OF_A_HEDGE))

    async def _last_plan(self, row: Row) -> LastPlan:
        told = await self._told(row["hedge"], OF_PLANS, "plan_id", row["plan_id"])
        closed_at = None if row["closed_at"] is None else time_of(row["closed_at"])
        return LastPlan(plan_of(row), closed_at, row["age"] == 1, told)

    async def _last_approval(self, row: Row) -> LastApproval:
        told = await self._told(row["hedge"], OF_APPROVALS, "approval_id", row["approval_id"])
        return LastApproval(approval_of(row), time_of(row["changed_at"]), told)

    async def _told(self, hedge: str, kinds: tuple[EventKind, ...], key: str, wanted: str) -> frozenset[EventKind]:
        rows = await self._db.rows(
            f"SELECT kind, json_extract(data, '$.{key}') AS its FROM events WHERE scope = ? AND hedge = ?"  # noqa: S608
            f" AND kind IN ({', '.join('?' * len(kinds))}) ORDER BY seq DESC LIMIT ?",
            (self._scope, hedge, *kinds, WORDS_OF_THEM),
        )
        return frozenset(EventKind(row["kind"]) for row in rows if row["its"] == wanted)


def _untold(row: Row) -> UntoldTrade:
    return UntoldTrade(row["its_hedge"], TradeOrigin(row["origin"]), trade_of(row), time_of(row["booked_at"]))
