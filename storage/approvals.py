"""Proposals to a person: every change of state is one compare-and-set."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from sqlite3 import Row

from core.errors import InvariantBroken
from core.facts import OrderSide
from core.ports import Approval, ApprovalState
from core.traded import ApprovedFill
from storage.columns import EXACT, mapping_of, mapping_text, number_text, time_of, time_text
from storage.database import Database
from storage.journal_rows import trade_of

LIVE_STATES = (ApprovalState.PENDING, ApprovalState.APPROVED, ApprovalState.EXECUTING)
WITH_EXECUTED = (
    "SELECT given.*, (SELECT group_concat(orders.executed_base, ' ') FROM plans"
    " JOIN orders ON orders.scope = plans.scope AND orders.plan_id = plans.plan_id"
    " WHERE plans.scope = given.scope AND plans.approval_id = given.approval_id) AS executed"
)


class SqliteApprovals:
    """`core.approval_ports.Approvals`. `used_base` comes back as what was counted or, when that is more, what the
    orders under the approval executed by the journal: a crash between a fill and its count cannot make an approval
    last longer.
    """

    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def propose(self, approval: Approval) -> bool:
        """Raises InvariantBroken when the id was used before."""
        async with self._db.transaction() as tx:
            live = await tx.row(
                "SELECT 1 FROM live_approvals WHERE scope = ? AND hedge = ?", (self._scope, approval.hedge)
            )
            if live is not None:
                return False
            await tx.execute(
                "INSERT INTO approvals (scope, approval_id, hedge, symbol, side, quantity_base, notional_quote, reason,"
                " shown, created_at, expires_at, state, ask_count, used_base, decided_at, decided_by, note, changed_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    self._scope,
                    approval.approval_id,
                    approval.hedge,
                    approval.symbol,
                    approval.side,
                    number_text(approval.quantity_base),
                    number_text(approval.notional_quote),
                    approval.reason,
                    mapping_text(approval.shown),
                    time_text(approval.created_at),
                    time_text(approval.expires_at),
                    approval.state,
                    approval.ask_count,
                    number_text(approval.used_base),
                    None if approval.decided_at is None else time_text(approval.decided_at),
                    approval.decided_by,
                    approval.note,
                    time_text(approval.created_at),
                ),
            )
        return True

    async def get(self, approval_id: str) -> Approval | None:
        """None also for another scope's."""
        row = await self._db.row(
            f"{WITH_EXECUTED} FROM approvals AS given WHERE scope = ? AND approval_id = ?", (self._scope, approval_id)
        )
        return None if row is None else _as_it_stands(row)

    async def live(self, hedge: str | None = None) -> tuple[Approval, ...]:
        """By an index of these alone, however many there were before."""
        rows = await self._db.rows(
            f"{WITH_EXECUTED} FROM live_approvals AS given WHERE scope = ? AND (? IS NULL OR hedge = ?) ORDER BY seq",
            (self._scope, hedge, hedge),
        )
        return tuple(_as_it_stands(row) for row in rows)

    async def latest(self, hedge: str) -> Approval | None:
        """By the order of proposing, not by a clock."""
        row = await self._db.row(
            f"{WITH_EXECUTED} FROM approvals AS given WHERE scope = ? AND hedge = ? ORDER BY seq DESC LIMIT 1",
            (self._scope, hedge),
        )
        return None if row is None else _as_it_stands(row)

    async def decide(
        self,
        approval_id: str,
        *,
        approve: bool,
        by: str,
        note: str | None,
        now: datetime,
        leapt: timedelta = timedelta(0),
    ) -> tuple[bool, Approval | None]:
        """One UPDATE compares and sets; at `expires_at` itself it is too late."""
        state = ApprovalState.APPROVED if approve else ApprovalState.REJECTED
        at = time_text(now)
        won = await self._db.write(
            "UPDATE approvals SET state = ?, decided_at = ?, decided_by = ?, note = ?, changed_at = ?"
            " WHERE scope = ? AND approval_id = ? AND state = 'pending' AND expires_at > ?",
            (state, at, by, note, at, self._scope, approval_id, time_text(now - leapt)),
        )
        return won == 1, await self.get(approval_id)

    async def move(
        self, approval_id: str, *, frm: ApprovalState, to: ApprovalState, now: datetime, note: str | None = None
    ) -> bool:
        """Keeps the earlier note when none is given. Raises InvariantBroken for a way back: out of a state that is an
        end, or into pending.
        """
        if frm not in LIVE_STATES or to is ApprovalState.PENDING:
            raise InvariantBroken(f"approval {approval_id} cannot go from {frm} to {to}")
        moved = await self._db.write(
            "UPDATE approvals SET state = ?, note = coalesce(?, note), changed_at = ?"
            " WHERE scope = ? AND approval_id = ? AND state = ?",
            (to, note, time_text(now), self._scope, approval_id, frm),
        )
        return moved == 1

    async def annotate(self, approval_id: str, note: str, now: datetime) -> bool:
        """One UPDATE, so that of two reasons at once one stands."""
        noted = await self._db.write(
            "UPDATE approvals SET note = ?, changed_at = ?"
            " WHERE scope = ? AND approval_id = ? AND state = 'rejected' AND note IS NULL",
            (note, time_text(now), self._scope, approval_id),
        )
        return noted == 1

    async def fills(self, approval_id: str) -> tuple[ApprovedFill, ...]:
        """From its few plans over their orders, so that the number of all fills does not matter."""
        rows = await self._db.rows(
            "SELECT fills.*, plans.plan_id, plans.reference_price FROM plans"
            " CROSS JOIN orders ON orders.scope = plans.scope AND orders.plan_id = plans.plan_id"
            " CROSS JOIN fills ON fills.scope = orders.scope AND fills.symbol = orders.symbol"
            " AND fills.venue_order_id = orders.venue_order_id"
            " WHERE plans.scope = ? AND plans.approval_id = ? ORDER BY fills.at, fills.trade_id",
            (self._scope, approval_id),
        )
        return tuple(ApprovedFill(row["plan_id"], Decimal(row["reference_price"]), trade_of(row)) for row in rows)

    async def use(self, approval_id: str, filled_base: Decimal) -> None:
        """Counts in any state that followed a yes, as a fill may be booked late. Raises InvariantBroken for an
        approval that was never given, a negative quantity, or more in all than was approved.
        """
        async with self._db.transaction() as tx:
            row = await tx.row(
                "SELECT * FROM approvals WHERE scope = ? AND approval_id = ?", (self._scope, approval_id)
            )
            if row is None or row["state"] in (ApprovalState.PENDING, ApprovalState.REJECTED):
                raise InvariantBroken(f"approval {approval_id} was never given, {filled_base} cannot be used of it")
            used = EXACT.add(Decimal(row["used_base"]), filled_base)
            if filled_base < 0 or used > Decimal(row["quantity_base"]):
                raise InvariantBroken(
                    f"approval {approval_id} is for {row['quantity_base']}, using {filled_base} would make it {used}"
                )
            await tx.execute(
                "UPDATE approvals SET used_base = ? WHERE scope = ? AND approval_id = ?",
                (number_text(used), self._scope, approval_id),
            )


def _as_it_stands(row: Row) -> Approval:
    approval, executed = approval_of(row), Decimal(0)
    for part in (row["executed"] or "").split():
        executed = EXACT.add(executed, Decimal(part))
    return replace(approval, used_base=max(approval.used_base, executed))


def approval_of(row: Row) -> Approval:
    decided_at = row["decided_at"]
    return Approval(
        approval_id=row["approval_id"],
        hedge=row["hedge"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        quantity_base=Decimal(row["quantity_base"]),
        notional_quote=Decimal(row["notional_quote"]),
        reason=row["reason"],
        shown=mapping_of(row["shown"]),
        created_at=time_of(row["created_at"]),
        expires_at=time_of(row["expires_at"]),
        state=ApprovalState(row["state"]),
        ask_count=row["ask_count"],
        used_base=Decimal(row["used_base"]),
        decided_at=None if decided_at is None else time_of(decided_at),
        decided_by=row["decided_by"],
        note=row["note"],
    )
