"""Plans and the orders under them: the intent first, then what became of it."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from sqlite3 import Row

from core.errors import InvariantBroken
from core.facts import OrderReport, OrderRequest
from core.ports import JournalOrder, OrderState, Plan, PlanState
from storage.columns import maybe_number_text, number_text, time_text
from storage.database import Database, Transaction
from storage.journal_rows import order_of, plan_of
from storage.legs import add_to_leg, signed_quantity

ZERO_TEXT = "0"


class PlanBook:
    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def open_plan(self, plan: Plan) -> None:
        """Raises InvariantBroken when the hedge has an active plan, or the id was used."""
        async with self._db.transaction() as tx:
            await self._open(tx, plan)

    async def _open(self, tx: Transaction, plan: Plan) -> None:
        await tx.execute(
            "INSERT INTO plans (scope, plan_id, hedge, symbol, side, quantity_base, reduce_only, reason, gap_base,"
            " reference_price, approval_id, created_at, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._scope,
                plan.plan_id,
                plan.hedge,
                plan.symbol,
                plan.side,
                number_text(plan.quantity_base),
                int(plan.reduce_only),
                plan.reason,
                number_text(plan.gap_base),
                number_text(plan.reference_price),
                plan.approval_id,
                time_text(plan.created_at),
                plan.state,
            ),
        )

    async def _has(self, tx: Transaction, plan: Plan) -> bool:
        values = (self._scope, plan.plan_id)
        return await tx.row("SELECT 1 FROM plans WHERE scope = ? AND plan_id = ?", values) is not None

    async def close_plan(self, plan_id: str, state: PlanState, at: datetime) -> bool:
        """The first end of a plan stands: the same end again is fine and False, another raises InvariantBroken."""
        if state is PlanState.ACTIVE:
            raise InvariantBroken(f"plan {plan_id} was to be closed as active")
        async with self._db.transaction() as tx:
            changed = await tx.execute(
                "UPDATE plans SET state = ?, closed_at = ? WHERE scope = ? AND plan_id = ? AND state = 'active'",
                (state, time_text(at), self._scope, plan_id),
            )
            if changed:
                return True
            row = await tx.row("SELECT state FROM plans WHERE scope = ? AND plan_id = ?", (self._scope, plan_id))
            if row is None or row["state"] != state:
                found = "is not in the journal" if row is None else f"ended as {row['state']}"
                raise InvariantBroken(f"plan {plan_id} {found}, it cannot end as {state}")
        return False

    async def plan(self, plan_id: str) -> Plan | None:
        """In whatever state; None for an unknown id."""
        row = await self._db.row("SELECT * FROM plans WHERE scope = ? AND plan_id = ?", (self._scope, plan_id))
        return None if row is None else plan_of(row)

    async def active_plan(self, hedge: str) -> Plan | None:
        """A unique index keeps it the only one."""
        row = await self._db.row(
            "SELECT * FROM plans WHERE scope = ? AND hedge = ? AND state = 'active'", (self._scope, hedge)
        )
        return None if row is None else plan_of(row)


class OrderBook:
    """An order is settled once it is final, refused or absent; nothing said later reopens a final one.

    A refused or absent order of which the venue then *reports* takes the venue's word: what exists must be seen.
    """

    def __init__(self, database: Database, scope: str) -> None:
        self._db = database
        self._scope = scope

    async def _intend(
        self, tx: Transaction, order: OrderRequest, *, hedge: str, plan_id: str, attempt: int, at: datetime
    ) -> None:
        """Raises InvariantBroken when the id was ever used, in any scope, or has no plan."""
        await tx.execute(
            "INSERT INTO orders (client_order_id, scope, hedge, plan_id, attempt, symbol, side, position_side,"
            " quantity_base, order_type, price, time_in_force, reduce_only, state, executed_base, recorded_at,"
            " changed_at, detail) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '')",
            (
                order.client_order_id,
                self._scope,
                hedge,
                plan_id,
                attempt,
                order.symbol,
                order.side,
                order.position_side,
                number_text(order.quantity_base),
                order.order_type,
                maybe_number_text(order.price),
                order.time_in_force,
                int(order.reduce_only),
                OrderState.INTENT,
                ZERO_TEXT,
                time_text(at),
                time_text(at),
            ),
        )

    async def record_state(self, client_order_id: str, state: OrderState, detail: str, at: datetime) -> bool:
        """As the port says. Raises InvariantBroken for an unknown id."""
        async with self._db.transaction() as tx:
            row = await self._stored(tx, client_order_id)
            exists = row["venue_order_id"] is not None or Decimal(row["executed_base"]) > 0
            if exists and state in (OrderState.REFUSED, OrderState.ABSENT):
                return False
            if OrderState(row["state"]).is_settled:
                return True
            await tx.execute(
                "UPDATE orders SET state = ?, detail = ?, changed_at = ? WHERE client_order_id = ?",
                (state, detail, time_text(at), client_order_id),
            )
            return True

    async def record_report(self, report: OrderReport, at: datetime, *, booked: bool = True) -> None:
        """Raises InvariantBroken when the report is of another order than the one recorded under its id."""
        async with self._db.transaction() as tx:
            row = await self._stored(tx, report.client_order_id)
            await self._record(tx, row, report, at, final=report.status.is_final and booked)

    async def order(self, client_order_id: str) -> JournalOrder | None:
        """None also for another scope's."""
        row = await self._db.row(
            "SELECT * FROM orders WHERE scope = ? AND client_order_id = ?", (self._scope, client_order_id)
        )
        return None if row is None else order_of(row)

    async def plan_orders(self, plan_id: str) -> tuple[JournalOrder, ...]:
        """In the order of their intents."""
        rows = await self._db.rows(
            "SELECT * FROM orders WHERE scope = ? AND plan_id = ? ORDER BY seq", (self._scope, plan_id)
        )
        return tuple(order_of(row) for row in rows)

    async def unsettled_orders(self, symbol: str | None = None) -> tuple[JournalOrder, ...]:
        """Oldest first."""
        rows = await self._db.rows(
            "SELECT * FROM unsettled_orders WHERE scope = ? AND (? IS NULL OR symbol = ?) ORDER BY seq",
            (self._scope, symbol, symbol),
        )
        return tuple(order_of(row) for row in rows)

    async def own_venue_order_ids(self, symbol: str) -> dict[int, str]:
        """Grows with the journal: a third of a second at 200,000 orders."""
        rows = await self._db.rows(
            "SELECT venue_order_id, client_order_id FROM orders"
            " WHERE scope = ? AND symbol = ? AND venue_order_id IS NOT NULL",
            (self._scope, symbol),
        )
        return {row["venue_order_id"]: row["client_order_id"] for row in rows}

    async def _record(self, tx: Transaction, row: Row, report: OrderReport, at: datetime, *, final: bool) -> None:
        """What says nothing new leaves the row as it is, its time included."""
        _refuse_other_order(row, report)
        state = OrderState.FINAL if final or row["state"] == OrderState.FINAL else OrderState.OPEN
        executed = number_text(max(Decimal(row["executed_base"]), report.executed_base))
        if (state, report.venue_order_id, executed) == (row["state"], row["venue_order_id"], row["executed_base"]):
            return
        await tx.execute(
            "UPDATE orders SET state = ?, venue_order_id = ?, executed_base = ?, changed_at = ?"
            " WHERE client_order_id = ?",
            (state, report.venue_order_id, executed, time_text(at), report.client_order_id),
        )
        if row["venue_order_id"] is None:
            await self._claim_fills(tx, report)

    async def _stored(self, tx: Transaction, client_order_id: str) -> Row:
        row = await tx.row(
            "SELECT * FROM orders WHERE scope = ? AND client_order_id = ?", (self._scope, client_order_id)
        )
        if row is None:
            raise InvariantBroken(f"order {client_order_id} is not in the journal of {self._scope}")
        return row

    async def _claim_fills(self, tx: Transaction, report: OrderReport) -> None:
        """Fills booked as a stranger's before the venue's id of our order was known become ours."""
        for row in await tx.rows(
            "SELECT * FROM fills WHERE scope = ? AND symbol = ? AND venue_order_id = ? AND origin = 'foreign'",
            (self._scope, report.symbol, report.venue_order_id),
        ):
            delta_base = signed_quantity(row["side"], Decimal(row["quantity_base"]))
            await add_to_leg(tx, self._scope, report.symbol, row["position_side"], delta_base)
            await tx.execute("UPDATE fills SET origin = 'ours' WHERE seq = ?", (row["seq"],))


def _refuse_other_order(row: Row, report: OrderReport) -> None:
    known = (row["symbol"], row["side"], row["venue_order_id"] or report.venue_order_id)
    if known != (report.symbol, report.side, report.venue_order_id):
        raise InvariantBroken(
            f"the venue's report of {report.client_order_id} ({report.symbol} {report.side}, order"
            f" {report.venue_order_id}) is not of the order recorded under that id"
        )
