"""The venue's position against the journal's own sum: the same question at start, after trouble and at every read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum, auto

from core.clock import Clock
from core.events import Event, EventKind
from core.execution.bookkeeping import Bookkeeper
from core.execution.order_ids import parse_client_order_id
from core.facts import OrderReport, PerpAccount, PositionSide
from core.ports import EventLog, Journal, LegPositions, OrderState, PerpVenue

REPEAT_AFTER = timedelta(seconds=2)
SWEEP_EVERY_S = 300.0
FLAT = LegPositions(Decimal(0), Decimal(0), Decimal(0))


class Match(Enum):
    """DOUBTED: they differ, and one read more must say so too. MISMATCHED: they differ over two reads 2 s apart."""

    MATCHED = auto()
    DOUBTED = auto()
    MISMATCHED = auto()


@dataclass(frozen=True, slots=True)
class Comparison:
    match: Match
    venue: LegPositions
    journal: LegPositions

    @property
    def detail(self) -> str:
        """Both positions in BASE, for people: leg by leg where only the legs differ. Empty when they agree."""
        if self.match is Match.MATCHED:
            return ""
        if self.venue.net_base == self.journal.net_base:
            return f"exchange {_legs(self.venue)}, journal {_legs(self.journal)}"
        return f"exchange {_plain(self.venue.net_base)}, journal {_plain(self.journal.net_base)}"


class Reconciler:
    def __init__(
        self,
        *,
        hedge: str,
        symbol: str,
        venue: PerpVenue,
        journal: Journal,
        bookkeeper: Bookkeeper,
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._hedge = hedge
        self._symbol = symbol
        self._venue = venue
        self._journal = journal
        self._bookkeeper = bookkeeper
        self._events = events
        self._clock = clock
        self._differs: tuple[LegPositions, datetime] | None = None
        self._swept_at_s: float | None = None
        self._swept_connections = 0

    async def sweep(self, connections: int) -> None:
        """What may rest and what was traded, unless that was asked lately and no news were missed since.

        `connections` counts the times at which news had been missed. Raises what the venue's reads raise; then nothing
        new may be opened.
        """
        now_s = self._clock.monotonic_s()
        lately = self._swept_at_s is not None and now_s < self._swept_at_s + SWEEP_EVERY_S
        if lately and self._swept_connections == connections:
            return
        for report in await self._venue.open_orders(self._symbol):
            await self._take_charge(report)
        await self._bookkeeper.book_new_trades(self._symbol, self._hedge)
        self._swept_at_s, self._swept_connections = now_s, connections

    async def _take_charge(self, report: OrderReport) -> None:
        """Ours by name is ours to end: known, it is settled like any other; of a lost journal, it is taken back."""
        name = parse_client_order_id(report.client_order_id)
        if name is None or name.hedge != self._hedge:
            return
        order = await self._journal.order(report.client_order_id)
        if order is not None:
            if order.state in (OrderState.REFUSED, OrderState.ABSENT):
                await self._journal.record_report(report, self._clock.now(), booked=False)
            return
        await self._venue.cancel(self._symbol, report.client_order_id)
        data = {"client_order_id": report.client_order_id, "quantity_base": str(report.quantity_base)}
        await self._events.append(Event(EventKind.ORDER_TAKEN_BACK, self._hedge, self._clock.now(), data))

    async def compare(self, account: PerpAccount) -> Comparison:
        """Fetches trades before it believes in a difference. Raises what that read raises."""
        venue = venue_legs(account)
        if venue == await self._journal_legs():
            self._differs = None
            return Comparison(Match.MATCHED, venue, venue)
        await self._bookkeeper.book_new_trades(self._symbol, self._hedge)
        journal = await self._journal_legs()
        if venue == journal:
            self._differs = None
            return Comparison(Match.MATCHED, venue, journal)
        if self._differs is None or self._differs[0] != venue:
            self._differs = (venue, account.as_of)
        confirmed = account.as_of >= self._differs[1] + REPEAT_AFTER
        return Comparison(Match.MISMATCHED if confirmed else Match.DOUBTED, venue, journal)

    async def adopt(self, account: PerpAccount, leg: PositionSide, actor: str) -> Decimal:
        """Take the venue's word for a leg (BOTH: for each leg there is); the signed BASE added to the journal."""
        venue, journal = venue_legs(account), await self._journal_legs()
        deltas = _deltas_base(venue, journal, hedge_mode=account.hedge_mode)
        both = (PositionSide.LONG, PositionSide.SHORT)
        legs = both if leg is PositionSide.BOTH and account.hedge_mode else (leg,)
        for one in legs:
            if deltas[one]:
                await self._journal.adopt(self._symbol, one, deltas[one], actor=actor, at=self._clock.now())
        self._differs = None
        return sum((deltas[one] for one in legs), Decimal(0))

    async def _journal_legs(self) -> LegPositions:
        return await self._journal.positions(self._symbol) or FLAT


def venue_legs(account: PerpAccount) -> LegPositions:
    """In the journal's form, so that the two are compared digit for digit."""
    return LegPositions(account.position_base, account.long_base, account.short_base)


def _deltas_base(venue: LegPositions, journal: LegPositions, *, hedge_mode: bool) -> dict[PositionSide, Decimal]:
    """What the journal lacks of each leg, signed as it counts in the net position."""
    deltas = {
        PositionSide.LONG: venue.long_base - journal.long_base,
        PositionSide.SHORT: journal.short_base - venue.short_base,
        PositionSide.BOTH: venue.net_base - journal.net_base,
    }
    if hedge_mode:
        # A leg that the journal has below zero counts in its net sum alone (`LegPositions`).
        hidden = deltas[PositionSide.BOTH] - deltas[PositionSide.LONG] - deltas[PositionSide.SHORT]
        deltas[PositionSide.LONG if hidden > 0 else PositionSide.SHORT] += hidden
    return deltas


def _legs(legs: LegPositions) -> str:
    return f"LONG {_plain(legs.long_base)} and SHORT {_plain(legs.short_base)}"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"
