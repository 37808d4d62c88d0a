"""What became of an order whose answer we do not have: found out by query, never by sending again.

Binance refuses a request older than its timestamp plus recvWindow, so a lost request cannot create an order later than
that. Absence is believed only when that time has passed, several queries spaced over seconds found nothing, and every
trade of the account has an order that the venue can name.

The time runs from the first query made here, by the monotonic clock: that is after the request left, however long its
sending took, and in a new process after the old one's end.
"""

from __future__ import annotations

from dataclasses import dataclass

from core.clock import Clock
from core.events import Event, EventKind
from core.execution.bookkeeping import Bookkeeper
from core.facts import OrderReport
from core.ports import EventLog, Journal, JournalOrder, OrderState, PerpVenue

LATEST_CREATION_S = 6.0  # recvWindow of at most 5 s, and a second for two clocks
ABSENT_QUERIES = 3
QUERY_SPACING_S = 2.0


@dataclass(slots=True)
class _Search:
    """`misses`: queries that found nothing, all made after the order could last have been created."""

    began_s: float
    misses: int = 0
    missed_at_s: float | None = None


class OutcomeResolver:
    def __init__(
        self, *, venue: PerpVenue, journal: Journal, bookkeeper: Bookkeeper, events: EventLog, clock: Clock
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._bookkeeper = bookkeeper
        self._events = events
        self._clock = clock
        self._searches: dict[str, _Search] = {}

    async def settle(self, symbol: str) -> tuple[JournalOrder, ...]:
        """Query every unsettled order of the symbol once; what is still unsettled comes back.

        Raises what the venue's queries raise; nothing is lost by that, the next call goes on.
        """
        waiting = await self._journal.unsettled_orders(symbol)
        for order in waiting:
            await self._settle_one(order)
        return await self._journal.unsettled_orders(symbol) if waiting else ()

    async def _settle_one(self, order: JournalOrder) -> None:
        order_id = order.request.client_order_id
        search = self._searches.setdefault(order_id, _Search(self._clock.monotonic_s()))
        report = await self._find(order)
        if report is None:
            if order.venue_order_id is None and self._is_missing(search):
                await self._conclude_absence(order, search)
            return
        settled = await self._bookkeeper.settle(report)
        if order.state is not OrderState.OPEN:
            await self._announce(order, f"the venue has it: {report.status.value}, {report.executed_base} executed")
        if settled:
            self._searches.pop(order_id)

    async def _find(self, order: JournalOrder) -> OrderReport | None:
        symbol = order.request.symbol
        report = await self._venue.find_order(symbol, order.request.client_order_id)
        if report is None and order.venue_order_id is not None:
            report = await self._venue.find_order_by_venue_id(symbol, order.venue_order_id)
        return report

    def _is_missing(self, search: _Search) -> bool:
        """Count one more query that found nothing; True when they are enough."""
        now_s = self._clock.monotonic_s()
        too_early = now_s < search.began_s + LATEST_CREATION_S
        if too_early or (search.missed_at_s is not None and now_s < search.missed_at_s + QUERY_SPACING_S):
            return False
        search.misses, search.missed_at_s = search.misses + 1, now_s
        return search.misses >= ABSENT_QUERIES

    async def _conclude_absence(self, order: JournalOrder, search: _Search) -> None:
        """Not while a trade may be this order's, nor when one just was."""
        order_id = order.request.client_order_id
        booked = await self._bookkeeper.book_new_trades(order.request.symbol, order.hedge)
        entry = await self._journal.order(order_id)
        if booked.unnamed or entry is None or entry.venue_order_id is not None:
            return
        detail = f"not found in {search.misses} queries"
        await self._journal.record_state(order_id, OrderState.ABSENT, detail, self._clock.now())
        self._searches.pop(order_id)
        await self._announce(order, "it never reached the venue")

    async def _announce(self, order: JournalOrder, detail: str) -> None:
        data = {"client_order_id": order.request.client_order_id, "detail": detail}
        await self._events.append(Event(EventKind.OUTCOME_RESOLVED, order.hedge, self._clock.now(), data))
