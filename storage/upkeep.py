"""`db backup` and `db check`: a consistent copy while the service runs, and the journal audited against itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from core.errors import ConfigurationError, InvariantBroken
from storage.columns import EXACT
from storage.database import Database, open_database
from storage.legs import ZERO, signed_quantity


@dataclass(frozen=True, slots=True)
class Finding:
    """`check`: which examination; `detail`: one sentence with the figures. `is_fault` False: worth knowing only."""

    check: str
    detail: str
    is_fault: bool = True


async def back_up(path: Path, target: Path, *, now: datetime) -> None:
    """Copies `path`, of whatever schema, to `target`, which appears whole or not at all, mode 0600.

    Raises ConfigurationError when `target` exists or cannot be written, or `path` is no database of ours.
    """
    async with open_database(path, now=now, read_only=True, of_any_age=True) as database:
        if _exists(target):
            raise ConfigurationError(f"{target} exists already: name another file for the backup")
        await database.backup_to(target)


async def check_database(path: Path, *, now: datetime) -> tuple[Finding, ...]:
    """Everything found wrong or unfinished; empty when all is well. Changes nothing, sees one moment of a service."""
    async with open_database(path, now=now, read_only=True) as database, database.snapshot():
        damage = await _damage(database)
        return damage or tuple([finding async for finding in _disagreements(database)])


async def _damage(database: Database) -> tuple[Finding, ...]:
    """Where the file itself is broken its figures say nothing."""
    try:
        lines = [str(row[0]) for row in await database.rows("PRAGMA integrity_check(20)")]
    except InvariantBroken as error:  # damage that ends the examination itself
        lines = [str(error)]
    return tuple(Finding("file", f"The file is damaged: {line}.") for line in lines if line != "ok")


async def _disagreements(database: Database) -> AsyncIterator[Finding]:
    for row in await database.rows("PRAGMA foreign_key_check"):
        yield Finding("file", f"A row of {row['table']} refers to a row of {row['parent']} that is not there.")
    for examination in (_orders, _plans, _approvals, _positions, _strangers):
        async for finding in examination(database):
            yield finding


async def _orders(database: Database) -> AsyncIterator[Finding]:
    fills = await _fills_by(database, "client_order_id")
    for row in await database.rows("SELECT * FROM orders ORDER BY seq"):
        name = f"Order {row['client_order_id']} of {row['scope']}"
        executed, filled = Decimal(row["executed_base"]), fills.get((row["scope"], row["client_order_id"]), ZERO)
        if executed > Decimal(row["quantity_base"]):
            yield Finding("orders", f"{name} executed {executed} of only {row['quantity_base']}.")
        # Its fills may come later than the order's own word, but not after its end.
        disagree = filled != executed if row["state"] == "final" else filled > executed
        if disagree:
            yield Finding("orders", f"{name} executed {executed}, its fills sum to {filled}.")
        if row["state"] in ("intent", "unknown"):
            yield Finding("orders", f"{name} is {row['state']} since {row['changed_at']}.", is_fault=False)


async def _plans(database: Database) -> AsyncIterator[Finding]:
    rows = await database.rows(
        "SELECT plans.*, count(orders.seq) AS orders, count(waiting.seq) AS waiting FROM plans"
        " LEFT JOIN orders ON orders.scope = plans.scope AND orders.plan_id = plans.plan_id"
        " LEFT JOIN unsettled_orders AS waiting ON waiting.seq = orders.seq"
        " GROUP BY plans.seq ORDER BY plans.seq"
    )
    for row in rows:
        name = f"Plan {row['plan_id']} of {row['scope']}"
        if row["state"] == "active" and not row["orders"]:
            yield Finding("plans", f"{name} is active since {row['created_at']} without an order.", is_fault=False)
        if row["state"] != "active" and row["waiting"]:
            yield Finding("plans", f"{name} is {row['state']} with {row['waiting']} orders not settled.")


async def _approvals(database: Database) -> AsyncIterator[Finding]:
    fills = await _fills_by(database, "approval_id")
    for row in await database.rows("SELECT * FROM approvals ORDER BY seq"):
        name = f"Approval {row['approval_id']} of {row['scope']}"
        used, filled = Decimal(row["used_base"]), fills.get((row["scope"], row["approval_id"]), ZERO)
        if max(used, filled) > Decimal(row["quantity_base"]):
            yield Finding(
                "approvals", f"{name} is for {row['quantity_base']}, {max(used, filled)} was filled under it."
            )
        if used != filled:  # fewer were counted: a crash came between, and readers of the approval take the larger
            detail = f"{name} counts {used} as used, the fills under it sum to {filled}."
            yield Finding("approvals", detail, is_fault=used > filled)
        if filled and row["state"] in ("pending", "rejected"):
            yield Finding("approvals", f"{name} is {row['state']}, yet {filled} was filled under it.")


async def _positions(database: Database) -> AsyncIterator[Finding]:
    sums: dict[tuple[str, str, str], Decimal] = {}
    for row in await database.rows(
        "SELECT scope, symbol, position_side AS leg, side, quantity_base FROM fills WHERE origin IN ('ours', 'adl')"
        " UNION ALL SELECT scope, symbol, leg, 'BUY', delta_base FROM adoptions"
    ):
        leg = (row["scope"], row["symbol"], row["leg"])
        sums[leg] = EXACT.add(sums.get(leg, ZERO), signed_quantity(row["side"], Decimal(row["quantity_base"])))
    totals = {
        (row["scope"], row["symbol"], row["leg"]): Decimal(row["net_base"])
        for row in await database.rows("SELECT * FROM leg_totals")
    }
    for leg in sorted(sums.keys() | totals.keys()):
        if totals.get(leg, ZERO) != sums.get(leg, ZERO):
            kept, summed = totals.get(leg, ZERO), sums.get(leg, ZERO)
            yield Finding("positions", f"The position kept for {'/'.join(leg)} is {kept}, its fills sum to {summed}.")


async def _strangers(database: Database) -> AsyncIterator[Finding]:
    for row in await database.rows("SELECT * FROM attributed_fills WHERE origin = 'ours' AND hedge IS NULL"):
        yield Finding(
            "fills", f"Trade {row['trade_id']} of {row['symbol']} counts as ours, but no order of ours made it."
        )


async def _fills_by(database: Database, key: str) -> dict[tuple[str, str], Decimal]:
    """Filled BASE by (scope, client_order_id or approval_id)."""
    sums: dict[tuple[str, str], Decimal] = {}
    for row in await database.rows(
        "SELECT fill.scope, fill.quantity_base, fill.client_order_id, plans.approval_id FROM attributed_fills AS fill"
        " JOIN plans ON plans.scope = fill.scope AND plans.plan_id = fill.plan_id"
    ):
        if row[key] is not None:
            name = (row["scope"], row[key])
            sums[name] = EXACT.add(sums.get(name, ZERO), Decimal(row["quantity_base"]))
    return sums


def _exists(path: Path) -> bool:
    return path.exists()
