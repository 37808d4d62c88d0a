"""What was earned and what it cost: P&L by its parts, the daily report, and the fills as a file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

from bot.accounts import MOMENT
from bot.fills_csv import csv_of
from bot.rendering.daily import report_text
from bot.rendering.markup import esc
from bot.rendering.money import Period, Statements, pnl_text
from bot.rendering.numbers import quote_of
from bot.replies import Attachment, Reply
from bot.views.pnl_photo import pnl_photo
from bot.views.sources import Identity, Show, Sources
from core.accounting.statement import watched
from core.clock import Clock
from core.ports import ApprovalState

DAY = timedelta(days=1)
EXPORT_DAYS = 30
MOST_DAYS = 3660


class Money:
    def __init__(self, sources: Sources, identity: Identity, clock: Clock) -> None:
        self._from = sources
        self._identity = identity
        self._clock = clock

    def shows(self) -> Mapping[str, Show]:
        return {"pnl": self.pnl, "report": self.report, "export": self.export}

    async def pnl(self, args: tuple[str, ...]) -> Reply:
        """Of the last N days, one unless said otherwise."""
        days = _days(args, 1)
        if days is None:
            return _not_days("pnl", args)
        period = self._last(days)
        title = "P&L of the last 24 hours" if days == 1 else f"P&L of the last {days} days"
        statements = await self._statements(period)
        known = [statement for statement in statements.values() if statement is not None]
        photo = await pnl_photo(self._from.charts, known, title=title, zone=period.zone)
        return Reply(pnl_text(statements, period, title), True, attachment=photo)

    async def report(self, _args: tuple[str, ...]) -> Reply:
        """The daily one, of the last 24 hours instead of a day of the calendar."""
        period = self._last(1)
        return Reply(await self.daily(period.start, period.end), True)

    async def daily(self, start: datetime, end: datetime) -> str:
        """The report of any time, in Telegram's HTML."""
        period = Period(start, end, self._identity.zone)
        live, hedges = await self._from.approvals.live(), self._from.config.file.hedges
        read = {name: await self._from.accounts.snapshots(name, start, end) for name in hedges}
        return report_text(
            {name: await self._from.accounts.statement_from(name, read[name], start, end) for name in hedges},
            {name: (watched(read[name]), quote_of(hedge.symbol)) for name, hedge in hedges.items()},
            self._from.engine.statuses(),
            waiting=sum(approval.state is ApprovalState.PENDING for approval in live),
            period=period,
        )

    async def export(self, args: tuple[str, ...]) -> Reply:
        """Every fill of the last N days as CSV; no file when there is none."""
        days = _days(args, EXPORT_DAYS)
        if days is None:
            return _not_days("export", args)
        period = self._last(days)
        booked = await self._from.accounts.fills.fills_between(period.start, period.end + MOMENT)
        of_days = "day" if days == 1 else f"{days} days"
        if not booked:
            return Reply(f"No fills in the last {of_days}, so there is no file.", True)
        name = f"fills_{period.start:%Y%m%d}_{period.end:%Y%m%d}.csv"
        # A year of them takes longer than anything else may wait.
        content = await asyncio.to_thread(csv_of, [(fill.hedge, fill.trade) for fill in booked])
        fills = "1 fill" if len(booked) == 1 else f"{len(booked)} fills"
        return Reply(f"{fills} of the last {of_days}.", True, attachment=Attachment(name, content))

    def _last(self, days: int) -> Period:
        now = self._clock.now()
        return Period(now - days * DAY, now, self._identity.zone)

    async def _statements(self, period: Period) -> Statements:
        return await self._from.accounts.statements(self._from.config.file.hedges, period.start, period.end)


def _days(args: tuple[str, ...], default: int) -> int | None:
    """None for what is no whole number of days in bounds."""
    if not args:
        return default
    text = args[0].lower().removesuffix("d")
    if not (text.isascii() and text.isdigit()) or len(text) > 4:
        return None
    return int(text) if 1 <= int(text) <= MOST_DAYS else None


def _not_days(command: str, args: tuple[str, ...]) -> Reply:
    return Reply(f"{esc(args[0])} is no number of days from 1 to {MOST_DAYS}: /{command} 7, for instance.", True)
