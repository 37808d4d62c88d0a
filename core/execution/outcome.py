"""What became of an order whose answer we do not have: found out by query, never by sending again.

Binance refuses a request older than its timestamp plus recvWindow, so a lost request cannot create an order later than
that. Absence is believed only when that time has passed, several queries spaced over seconds found nothing, and no
trade of a stranger appeared meanwhile (it could be this order's).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from core.clock import Clock
from core.events import Event, EventKind
from core.execution.bookkeeping import Bookkeeper
from core.ports import EventLog, Journal, JournalOrder, OrderState, PerpVenue, TradeOrigin

LATEST_CREATION = timedelta(seconds=6)  # recvWindow of at most 5 s, and a second for two clocks
ABSENT_QUERIES = 3
QUERY_SPACING = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class _Absence:
    """Queries that found nothing so far, all after the order could last have been created."""

    queries: int
    last_at: datetime | None


class OutcomeResolver:
    def __init__(
        self, *, venue: PerpVenue, journal: Journal, bookkeeper: Bookkeeper, events: EventLog, clock: Clock
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._bookkeeper = bookkeeper
        self._events = events
        self._clock = clock
        self._absences: dict[str, _Absence] = {}

    async def settle(self, symbol: str) -> tuple[JournalOrder, ...]:
        """Query every unsettled order of the symbol once; what is still unsettled comes back.

        Raises what the venue's queries raise; nothing is lost by that, the next call goes on.
        """
        for order in await self._journal.unsettled_orders(symbol):
            await self._settle_one(order)
        return await self._journal.unsettled_orders(symbol)

    async def _settle_one(self, order: JournalOrder) -> None:
        order_id = order.request.client_order_id
        report = await self._venue.find_order(order.request.symbol, order_id)
        if report is None:
            await self._count_absence(order)
            return
        self._absences.pop(order_id, None)
        await self._journal.record_report(report, self._clock.now())
        if order.state is not OrderState.OPEN:
            await self._announce(order, f"the venue has it: {report.status.value}, {report.executed_base} executed")

    async def _count_absence(self, order: JournalOrder) -> None:
        now = self._clock.now()
        seen = self._absences.get(order.request.client_order_id, _Absence(0, None))
        if now < order.recorded_at + LATEST_CREATION or (seen.last_at and now < seen.last_at + QUERY_SPACING):
            return
        seen = replace(seen, queries=seen.queries + 1, last_at=now)
        self._absences[order.request.client_order_id] = seen
        if seen.queries < ABSENT_QUERIES:
            return
        booked = await self._bookkeeper.book_new_trades(order.request.symbol, order.hedge)
        if _could_be(order, [trade.at for trade, origin in booked.foreign if origin is TradeOrigin.FOREIGN]):
            return
        await self._journal.record_state(
            order.request.client_order_id, OrderState.ABSENT, f"not found in {seen.queries} queries", now
        )
        self._absences.pop(order.request.client_order_id)
        await self._announce(order, "it never reached the venue")

    async def _announce(self, order: JournalOrder, detail: str) -> None:
        data = {"client_order_id": order.request.client_order_id, "detail": detail}
        await self._events.append(Event(EventKind.OUTCOME_RESOLVED, order.hedge, self._clock.now(), data))


def _could_be(order: JournalOrder, foreign_times: Sequence[datetime]) -> bool:
    return any(at >= order.recorded_at - timedelta(seconds=5) for at in foreign_times)
