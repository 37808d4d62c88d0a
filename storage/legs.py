"""The journal's position per symbol: a running sum per leg, kept in the transaction that books a fill or an adoption.

Every sum is signed as the net position is, also on the SHORT leg: a sell lowers it, negative is short.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from core.facts import PositionSide
from core.ports import LegPositions
from storage.columns import EXACT, number_text
from storage.database import Transaction

ZERO = Decimal(0)


def signed_quantity(side: str, quantity_base: Decimal) -> Decimal:
    """By how much a fill of that side moves the net position, in BASE."""
    return quantity_base if side == "BUY" else EXACT.minus(quantity_base)


async def add_to_leg(tx: Transaction, scope: str, symbol: str, leg: str, delta_base: Decimal) -> None:
    """In the caller's transaction; no digit is rounded."""
    row = await tx.row(
        "SELECT net_base FROM leg_totals WHERE scope = ? AND symbol = ? AND leg = ?", (scope, symbol, leg)
    )
    total = EXACT.add(Decimal(row["net_base"]) if row else ZERO, delta_base)
    await tx.execute(
        "INSERT INTO leg_totals (scope, symbol, leg, net_base) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (scope, symbol, leg) DO UPDATE SET net_base = excluded.net_base",
        (scope, symbol, leg, number_text(total)),
    )


def leg_positions(net_by_leg: Mapping[str, Decimal]) -> LegPositions:
    """A one-way position counts as the leg of its sign; a leg that was reduced past zero shows as empty, while
    `net_base` keeps the true sum.
    """
    both = net_by_leg.get(PositionSide.BOTH, ZERO)
    long = net_by_leg.get(PositionSide.LONG, ZERO)
    short = EXACT.minus(net_by_leg.get(PositionSide.SHORT, ZERO))
    return LegPositions(
        net_base=EXACT.add(both, EXACT.subtract(long, short)),
        long_base=EXACT.add(max(long, ZERO), max(both, ZERO)),
        short_base=EXACT.add(max(short, ZERO), max(EXACT.minus(both), ZERO)),
    )
