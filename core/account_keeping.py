"""The account's own history: what it was paid and has paid.

Nothing is decided by it. What fails is tried again at the next turn, and hedging never waits for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

import structlog

from core.account_ports import Ban, IncomeBook
from core.clock import Clock
from core.errors import LpHedgeError, Refused, Transient
from core.events import Event, EventKind
from core.ports import EventLog, PerpVenue
from core.status import HedgeStatus

TURN_S = 60.0
INCOME_EVERY = timedelta(minutes=10)
# The venue writes its rows down some time after the payment.
FUNDING_IS_LISTED_AFTER = timedelta(seconds=60)
# As much again is read of what was read before: a row may appear after others of a later time.
READ_AGAIN = timedelta(minutes=30)
TELL_AGAIN_S = 1.0
# Requests that were under way together are each told of the same ban, by the second.
PROLONGED = timedelta(seconds=10)

log = structlog.get_logger(__name__)


class Statuses(Protocol):
    def statuses(self) -> tuple[HedgeStatus, ...]:
        """One of each hedge, as last evaluated: asks nothing of the venue."""
        ...


class AccountKeeper:
    """`began`: since when the income of this account is of interest, where none was booked yet."""

    def __init__(
        self,
        *,
        venue: PerpVenue,
        engine: Statuses,
        income: IncomeBook,
        clock: Clock,
        began: datetime,
    ) -> None:
        self._venue = venue
        self._engine = engine
        self._income = income
        self._clock = clock
        self._began = began
        self._next_funding: dict[str, datetime] = {}
        self._fundings: set[datetime] = set()
        self._read_at: datetime | None = None
        self._trouble = ""

    async def turn(self) -> None:
        """Reads the income when it is due."""
        try:
            self._note_fundings(self._engine.statuses())
            if self._is_due():
                await self._read_income()
        except (Transient, Refused) as error:
            self._say(error)
        else:
            self._trouble = ""

    def _note_fundings(self, statuses: Sequence[HedgeStatus]) -> None:
        """By what the hedges read themselves: this asks the venue for nothing."""
        for perp in (status.perp for status in statuses):
            at = perp.next_funding_time
            if at is not None and self._next_funding.get(perp.symbol) != at:
                self._next_funding[perp.symbol] = at
                self._fundings.add(at)

    def _is_due(self) -> bool:
        now = self._clock.now()
        if self._read_at is None or not self._read_at <= now < self._read_at + INCOME_EVERY:
            return True
        return any(at + FUNDING_IS_LISTED_AFTER <= now for at in self._fundings)

    async def _read_income(self) -> None:
        """Part by part, each booked before the next is asked for: nothing is read in vain when a later one fails."""
        asked_at = self._clock.now()
        since = await self._read_from()
        while rows := await self._venue.income(since=since):
            if added := await self._income.book(rows, self._clock.now()):
                log.info("income booked", rows=added, until=rows[-1].at.isoformat())
            if rows[-1].at <= since:
                break
            since = rows[-1].at
        self._read_at = asked_at
        self._fundings = {at for at in self._fundings if at + FUNDING_IS_LISTED_AFTER > asked_at}

    async def _read_from(self) -> datetime:
        newest = await self._income.newest_at()
        return self._began if newest is None else max(self._began, newest - READ_AGAIN)

    def _say(self, error: LpHedgeError) -> None:
        """Once, not at every turn of a long trouble."""
        if str(error) != self._trouble:
            log.warning("the account's history waits", why=str(error))
        self._trouble = str(error)


class BanWatch:
    """Tells at once that the venue answers nothing any more: until then the position is unwatched."""

    def __init__(self, *, venue: PerpVenue, engine: Statuses, events: EventLog, clock: Clock) -> None:
        self._venue = venue
        self._engine = engine
        self._events = events
        self._clock = clock

    async def run(self) -> None:
        """Until cancelled."""
        told: Ban | None = None
        while True:
            ban = await self._venue.next_ban()
            if told is None or ban.until > told.until + PROLONGED:
                await self._tell(ban)
                told = ban

    async def _tell(self, ban: Ban) -> None:
        """Tried until the database takes it: what is not said now is not said again."""
        data = {"detail": ban.detail, "until": ban.until.isoformat(), "positions": self._positions()}
        while True:
            try:
                return await self._events.append(Event(EventKind.VENUE_BANNED, None, self._clock.now(), data))
            except Transient as error:
                log.warning("a ban could not be told", ban=ban.detail, why=str(error))
                await self._clock.sleep(TELL_AGAIN_S)

    def _positions(self) -> str:
        """As they were last read; empty when none was or all are flat."""
        perps = [status.perp for status in self._engine.statuses()]
        return ", ".join(f"{perp.symbol} {_plain(perp.position_base)}" for perp in perps if perp.position_base)


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
