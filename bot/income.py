"""Sums over the booked income, for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from bot.rendering.status import Funding
from core.account_ports import Income, IncomeBook

DAY = timedelta(hours=24)
FUNDING = "FUNDING_FEE"
# As the rows of a moment that is still to come are none, the present one is included.
MOMENT = timedelta(microseconds=1)

Totals = Mapping[str, Mapping[str, Decimal]]  # kind -> asset -> received, less what was paid


async def funding_of_last_day(income: IncomeBook, now: datetime) -> Funding:
    """Signed QUOTE by symbol, positive when received. Absent where none was booked."""
    rows = await income.between(now - DAY, now + MOMENT)
    paid = [row for row in rows if row.kind == FUNDING]
    return {symbol: totals[FUNDING] for symbol, totals in totals_by_symbol(paid).items()}


def totals_by_symbol(rows: Iterable[Income]) -> Mapping[str, Totals]:
    """A transfer has no symbol and stands under ''."""
    found: dict[str, dict[str, dict[str, Decimal]]] = {}
    for row in rows:
        by_asset = found.setdefault(row.symbol, {}).setdefault(row.kind, {})
        by_asset[row.asset] = by_asset.get(row.asset, Decimal(0)) + row.amount
    return found
