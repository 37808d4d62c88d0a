"""What the operator's day has brought so far, for whoever watches it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from decimal import Decimal, localcontext

from bot.accounts import CLOCK_ROOM, Accounts
from bot.daily_report import MIDNIGHT, due_at
from core.account_ports import Income
from core.accounting.books import EXACT
from core.accounting.statement import Statement
from core.clock import Clock
from core.ports import BookedFill

ZERO = Decimal(0)
# Old enough that no reading is added before it any more; what is booked late is noticed.
SETTLES_AFTER = timedelta(minutes=30)
Dealings = tuple[Sequence[BookedFill], Sequence[Income]]


@dataclass(frozen=True, slots=True)
class _Settled:
    """`net` of a hedge's day from its opening reading to that of `until`, as long as `dealings` is all of that time.

    No fill is near `until`: on which side of it one belongs is no question.
    """

    midnight: datetime
    opening: datetime
    until: datetime
    net: Decimal
    dealings: Dealings


class DayResult:
    """QUOTE since the operator's last midnight, the change of everything held, all hedges and their costs included.

    None while it is not known of every hedge. Asked every minute, so the settled hours are not counted anew.
    """

    def __init__(self, accounts: Accounts, clock: Clock, zone: tzinfo) -> None:
        self._accounts = accounts
        self._clock = clock
        self._zone = zone
        self._settled: dict[str, _Settled] = {}

    async def __call__(self) -> Decimal | None:
        now = self._clock.now()
        midnight = due_at(now.astimezone(self._zone).date(), MIDNIGHT, self._zone)
        total = ZERO
        for hedge in self._accounts.config.file.hedges:
            net = await self._net(hedge, midnight, now)
            if net is None:
                return None
            total += net
        return total

    async def _net(self, hedge: str, midnight: datetime, now: datetime) -> Decimal | None:
        settled = await self._still_settled(hedge, midnight)
        start, before = (midnight, ZERO) if settled is None else (settled.until, settled.net)
        statement = await self._accounts.statement(hedge, start, now)
        if statement is None:
            return None if settled is None else before
        await self._settle(statement, settled, midnight, now)
        with localcontext(EXACT):
            return before + statement.total.net

    async def _still_settled(self, hedge: str, midnight: datetime) -> _Settled | None:
        settled = self._settled.get(hedge)
        if settled is None or settled.midnight != midnight:
            return None
        return settled if await self._accounts.dealings(settled.opening, settled.until) == settled.dealings else None

    async def _settle(self, statement: Statement, settled: _Settled | None, midnight: datetime, now: datetime) -> None:
        """Up to the newest reading that is old enough and has no fill near it."""
        opening, before = (statement.start, ZERO) if settled is None else (settled.opening, settled.net)
        fills, _ = await self._accounts.dealings(opening, now)
        until = _newest_calm(statement, now - SETTLES_AFTER, fills)
        if until is None:
            return
        with localcontext(EXACT):
            net = sum((parts.net for at, parts in statement.steps if at <= until), before)
        dealings = await self._accounts.dealings(opening, until)
        self._settled[statement.hedge] = _Settled(midnight, opening, until, net, dealings)


def _newest_calm(statement: Statement, latest: datetime, fills: Sequence[BookedFill]) -> datetime | None:
    readings = (at for at, _ in reversed(statement.steps) if at <= latest)
    return next((at for at in readings if all(abs(fill.trade.at - at) > CLOCK_ROOM for fill in fills)), None)
