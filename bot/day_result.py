"""What the operator's day has brought so far, for whoever watches it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import tzinfo
from decimal import Decimal

from bot.accounts import Accounts
from bot.daily_report import due_at
from core.clock import Clock

MIDNIGHT = "00:00"


@dataclass(frozen=True, slots=True)
class DayResult:
    """QUOTE since the operator's last midnight, the change of everything held, all hedges and their costs included.

    None while it is not known of every hedge.
    """

    accounts: Accounts
    clock: Clock
    zone: tzinfo

    async def __call__(self) -> Decimal | None:
        now = self.clock.now()
        midnight = due_at(now.astimezone(self.zone).date(), MIDNIGHT, self.zone)
        total = Decimal(0)
        for hedge in self.accounts.config.file.hedges:
            statement = await self.accounts.statement(hedge, midnight, now)
            if statement is None:
                return None
            total += statement.total.net
        return total
