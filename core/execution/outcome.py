"""What became of an order whose answer we do not have: found out by query, never by sending again.

Binance refuses a request older than its timestamp plus recvWindow, so a lost request cannot create an order later than
that. Absence is believed only when that time has passed, several queries spaced over seconds found nothing, and every
trade of the account has an order that the venue can name.

The time runs from the first query made here, by the monotonic clock: that is after the request left, however long its
sending took, and in a new process after the old one's end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from core.clock import Clock
from core.events import Event, EventKind
from core.execution.active_plan import rests
from core.execution.bookkeeping import Bookkeeper, executed_base
from core.facts import OrderReport, OrderStatus
from core.ports import EventLog, Journal, JournalOrder, OrderState, PerpVenue

LATEST_EFFECT_S = 6.0  # of a request that got no answer: recvWindow of at most 5 s, and a second for two clocks
ABSENT_QUERIES = 3
QUERY_SPACING_S = 2.0
# Binance forgets orders that ended unfilled after three days: then what the trade list has is all there was.
FORGOTTEN_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Unsettled:
    """`in_doubt`: their end must be found out before anything else. `resting`: just seen open, by intention.
    `executed`: something was filled that the journal did not know of."""

    in_doubt: tuple[JournalOrder, ...] = ()
    resting: tuple[JournalOrder, ...] = ()
    executed: bool = False


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
        self._searches: dict[str, Mapping[str, _Search]] = {}  # by symbol, then by order

    async def settle(self, symbol: str) -> Unsettled:
        """Query every unsettled order of the symbol once; what is still unsettled comes back.

        Raises what the venue's queries raise; nothing is lost by that, the next call goes on.
        """
        waiting = await self._journal.unsettled_orders(symbol)
        # Those that other news settled meanwhile need no search any more.
        began, now_s = self._searches.get(symbol, {}), self._clock.monotonic_s()
        searches = {_id(order): began.get(_id(order), _Search(now_s)) for order in waiting}
        self._searches[symbol] = searches
        if not waiting:
            return Unsettled()
        reports = [await self._settle_one(order, searches[_id(order)]) for order in waiting]
        left = await self._journal.unsettled_orders(symbol)
        resting = _seen_resting(left, reports)
        in_doubt = tuple(order for order in left if order not in resting)
        return Unsettled(in_doubt, resting, executed=any(map(_has_executed, waiting, reports)))

    async def _settle_one(self, order: JournalOrder, search: _Search) -> OrderReport | None:
        """What the venue says of it now."""
        report = await self._find(order)
        if report is None:
            if self._is_missing(search):
                await self._conclude(order, search)
            return None
        search.misses = 0
        await self._bookkeeper.settle(report)
        if order.state is not OrderState.OPEN:
            await self._announce(order, f"the venue has it: {report.status.value}, {report.executed_base} executed")
        return report

    async def _find(self, order: JournalOrder) -> OrderReport | None:
        symbol = order.request.symbol
        report = await self._venue.find_order(symbol, order.request.client_order_id)
        if report is None and order.venue_order_id is not None:
            report = await self._venue.find_order_by_venue_id(symbol, order.venue_order_id)
        return report

    def _is_missing(self, search: _Search) -> bool:
        """Count one more query that found nothing; True when they are enough."""
        now_s = self._clock.monotonic_s()
        too_early = now_s < search.began_s + LATEST_EFFECT_S
        if too_early or (search.missed_at_s is not None and now_s < search.missed_at_s + QUERY_SPACING_S):
            return False
        search.misses, search.missed_at_s = search.misses + 1, now_s
        return search.misses >= ABSENT_QUERIES

    async def _conclude(self, order: JournalOrder, search: _Search) -> None:
        """Not while a trade may be this order's, nor when one just was."""
        unnamed = await self._bookkeeper.book_new_trades(order.request.symbol, order.hedge)
        entry = await self._journal.order(_id(order))
        if unnamed or entry is None:
            return
        if entry.venue_order_id is None:
            detail = f"not found in {search.misses} queries"
            if await self._journal.record_state(_id(order), OrderState.ABSENT, detail, self._clock.now()):
                await self._announce(order, "it never reached the venue")
        elif self._clock.now() - order.recorded_at > FORGOTTEN_AFTER:
            await self._conclude_forgotten(entry, entry.venue_order_id)

    async def _conclude_forgotten(self, order: JournalOrder, venue_order_id: int) -> None:
        """The venue had it and has it no more: it ended with what the trade list says."""
        request = order.request
        fills = await self._journal.plan_fills(order.plan_id)
        booked = executed_base([fill for fill in fills if fill.venue_order_id == venue_order_id])
        ended = OrderReport(
            client_order_id=request.client_order_id,
            venue_order_id=venue_order_id,
            symbol=request.symbol,
            side=request.side,
            status=OrderStatus.EXPIRED,
            quantity_base=request.quantity_base,
            executed_base=max(order.executed_base, booked),
            updated_at=self._clock.now(),
        )
        if await self._bookkeeper.settle(ended):
            await self._announce(order, f"the venue no longer has it: {ended.executed_base} executed")

    async def _announce(self, order: JournalOrder, detail: str) -> None:
        data = {"client_order_id": order.request.client_order_id, "detail": detail}
        await self._events.append(Event(EventKind.OUTCOME_RESOLVED, order.hedge, self._clock.now(), data))


def _seen_resting(unsettled: Iterable[JournalOrder], reports: Iterable[OrderReport | None]) -> tuple[JournalOrder, ...]:
    seen_open = _seen_open(reports)
    return tuple(order for order in unsettled if rests(order) and _id(order) in seen_open)


def _seen_open(reports: Iterable[OrderReport | None]) -> set[str]:
    """The ids of the orders that the venue has open now."""
    return {report.client_order_id for report in reports if report and not report.status.is_final}


def _has_executed(before: JournalOrder, now: OrderReport | None) -> bool:
    return now is not None and now.executed_base > before.executed_base


def _id(order: JournalOrder) -> str:
    return order.request.client_order_id
