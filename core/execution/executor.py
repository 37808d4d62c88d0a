"""Carries a plan out, one order at a time: journal first, then the request, then what the venue's trades say.

An order that may not rest is seen to its end before `send` returns. One that rests (GTX) is placed and looked at again
with every evaluation; `withdraw` takes it back and sees it to its end too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum, auto

from core.clock import Clock
from core.errors import OutcomeUnknown, Refused, Transient
from core.events import Event, EventKind
from core.execution.bookkeeping import Bookkeeper
from core.execution.order_ids import OrderName, client_order_id
from core.execution.terms import OrderTerms
from core.facts import OrderReport, OrderRequest, OrderSide, OrderType, TimeInForce
from core.ports import EventLog, Journal, JournalOrder, OrderState, PerpVenue, Plan

FINAL_STATE_QUERIES = 5
QUERY_PAUSE_S = 0.4
# Binance's word for a post-only order that would have taken; nothing of it stays.
WOULD_TAKE = "-5022"


class StepEnd(Enum):
    """How one order of a plan ended.

    NOT_SENT: something (halt, facts grown old) forbade it at the last moment. RETRY_LATER: the venue accepted
    nothing. REFUSED: it said no for good. WOULD_TAKE: a post-only order met the book. RESTS: it is open, by intention.
    WITHDRAWN: it was taken back unfilled. UNKNOWN: its end, or its fills, must be found out first.
    """

    FILLED = auto()
    PARTLY_FILLED = auto()
    UNFILLED = auto()
    NOT_SENT = auto()
    RETRY_LATER = auto()
    REFUSED = auto()
    WOULD_TAKE = auto()
    RESTS = auto()
    WITHDRAWN = auto()
    UNKNOWN = auto()


# After which the order may be open at the venue.
STILL_OPEN = frozenset({StepEnd.UNKNOWN, StepEnd.RESTS})


@dataclass(frozen=True, slots=True)
class Step:
    """`executed_base`: by this order and not yet in the plan's sum when the step began."""

    end: StepEnd
    executed_base: Decimal
    detail: str = ""
    side: OrderSide | None = None
    code: str = ""
    retry_after_s: float | None = None

    @property
    def moved_base(self) -> Decimal:
        """What it changed the net position by."""
        return self.side.sign * self.executed_base if self.side else Decimal(0)


class Executor:
    def __init__(
        self, *, venue: PerpVenue, journal: Journal, bookkeeper: Bookkeeper, events: EventLog, clock: Clock
    ) -> None:
        self._venue = venue
        self._journal = journal
        self._bookkeeper = bookkeeper
        self._events = events
        self._clock = clock

    async def send(self, plan: Plan, terms: OrderTerms, *, attempt: int, may_send: Callable[[], bool]) -> Step:
        """Send one order of the plan and see it to its end; `attempt` counts the plan's orders from 1.

        `may_send` is asked after the intent is durable and directly before the request leaves. Cancelling this call
        between the two leaves an unsettled order in the journal, which the resolver settles by query.
        """
        request = order_request(plan, terms, attempt)
        await self._journal.record_intent(request, plan, attempt=attempt, at=self._clock.now())
        if not may_send():
            return await self._not_created(
                plan, request, StepEnd.NOT_SENT, "stopped, or its prices had grown old, before it was sent"
            )
        try:
            report = await self._venue.place(request, may_send=may_send)
        except Refused as refusal:
            return await self._refused(plan, request, refusal)
        except Transient as trouble:
            return await self._not_accepted(plan, request, trouble)
        except OutcomeUnknown as unknown:
            return await self._unknown(plan.hedge, request, str(unknown))
        return await self._accepted(plan.hedge, request, report, may_send)

    async def withdraw(self, order: JournalOrder) -> Step:
        """Cancel an order that rests. RESTS when that could not be done now; may be repeated, also side by side."""
        step = await self._take_back(order.hedge, order.request)
        return replace(step, executed_base=max(Decimal(0), step.executed_base - order.executed_base))

    async def _accepted(
        self, hedge: str, request: OrderRequest, report: OrderReport, may_send: Callable[[], bool]
    ) -> Step:
        """A quote is left open, unless it may not be sent any more by now; all else is seen to its end."""
        if request.time_in_force is not TimeInForce.GTX or report.status.is_final:
            return await self._follow(hedge, request, report)
        await self._journal.record_report(report, self._clock.now(), booked=False)
        if may_send():
            return Step(StepEnd.RESTS, report.executed_base, side=request.side)
        return await self._take_back(hedge, request)

    async def _take_back(self, hedge: str, request: OrderRequest) -> Step:
        try:
            report = await self._venue.cancel(request.symbol, request.client_order_id)
            if report is None:  # no longer open: filled, or cancelled by another
                report = await self._venue.find_order(request.symbol, request.client_order_id)
        except (Transient, Refused) as trouble:
            return Step(StepEnd.RESTS, Decimal(0), f"It could not be cancelled: {trouble}")
        if report is None:
            return await self._unknown(hedge, request, "It is neither open nor found.")
        step = await self._follow(hedge, request, report)
        if step.end is not StepEnd.UNFILLED:
            return step
        return replace(step, end=StepEnd.WITHDRAWN, detail="the quote was taken back")

    async def _follow(self, hedge: str, request: OrderRequest, report: OrderReport) -> Step:
        """To the final state and the booked fills; what cannot be seen to its end now is the resolver's."""
        try:
            for _ in range(FINAL_STATE_QUERIES):
                if await self._bookkeeper.settle(report):
                    return _ended(request, report)
                await self._clock.sleep(QUERY_PAUSE_S)
                report = await self._venue.find_order(request.symbol, request.client_order_id) or report
        except (Transient, Refused) as trouble:
            return await self._unknown(hedge, request, f"It was accepted, then: {trouble}")
        if not report.status.is_final:
            return await self._unknown(hedge, request, f"It is {report.status.value} still.")
        return Step(StepEnd.UNKNOWN, Decimal(0), f"{report.executed_base} executed, its trades are not all listed yet")

    async def _refused(self, plan: Plan, request: OrderRequest, refusal: Refused) -> Step:
        if refusal.code == WOULD_TAKE:
            return await self._not_created(plan, request, StepEnd.WOULD_TAKE, str(refusal), code=refusal.code)
        data = {"client_order_id": request.client_order_id, "code": refusal.code, "detail": str(refusal)}
        step = await self._not_created(plan, request, StepEnd.REFUSED, str(refusal), code=refusal.code)
        if step.end is StepEnd.REFUSED:
            await self._events.append(Event(EventKind.ORDER_REFUSED, plan.hedge, self._clock.now(), data))
        return step

    async def _not_accepted(self, plan: Plan, request: OrderRequest, trouble: Transient) -> Step:
        """No page of the venue promises that a throttled order was not created, so one query comes first."""
        try:
            report = await self._venue.find_order(request.symbol, request.client_order_id)
        except (Transient, Refused) as query_trouble:
            return await self._unknown(plan.hedge, request, f"{trouble}; its query failed too: {query_trouble}")
        if report is not None:
            return await self._follow(plan.hedge, request, report)
        step = await self._not_created(plan, request, StepEnd.RETRY_LATER, str(trouble))
        return replace(step, retry_after_s=trouble.retry_after_s)

    async def _not_created(
        self, plan: Plan, request: OrderRequest, end: StepEnd, detail: str, *, code: str = ""
    ) -> Step:
        """Unless the account's stream has told of it meanwhile: then it was created, whatever was answered."""
        if not await self._journal.record_state(request.client_order_id, OrderState.REFUSED, detail, self._clock.now()):
            return await self._unknown(plan.hedge, request, f"{detail}, and yet it was told of.")
        return Step(end, Decimal(0), detail=detail, code=code)

    async def _unknown(self, hedge: str, request: OrderRequest, detail: str) -> Step:
        await self._journal.record_state(request.client_order_id, OrderState.UNKNOWN, detail, self._clock.now())
        data = {"client_order_id": request.client_order_id, "detail": detail}
        await self._events.append(Event(EventKind.OUTCOME_UNKNOWN, hedge, self._clock.now(), data))
        return Step(StepEnd.UNKNOWN, Decimal(0), detail=detail)


def order_request(plan: Plan, terms: OrderTerms, attempt: int) -> OrderRequest:
    """A limit order when `terms` have a price, else a market order; its id tells hedge, plan and attempt."""
    return OrderRequest(
        client_order_id=client_order_id(OrderName(plan.hedge, plan.plan_id, attempt)),
        symbol=plan.symbol,
        side=terms.side,
        quantity_base=terms.quantity_base,
        order_type=OrderType.MARKET if terms.price is None else OrderType.LIMIT,
        reduce_only=terms.reduce_only,
        position_side=terms.position_side,
        price=terms.price,
        time_in_force=terms.time_in_force,
    )


def _ended(request: OrderRequest, report: OrderReport) -> Step:
    if report.executed_base >= request.quantity_base:
        return Step(StepEnd.FILLED, report.executed_base, side=request.side)
    end = StepEnd.PARTLY_FILLED if report.executed_base else StepEnd.UNFILLED
    detail = "the exchange filled nothing of the order and dropped it"
    if report.executed_base:
        detail = f"the exchange filled {report.executed_base:f} of {request.quantity_base:f} and dropped the rest"
    return Step(end, report.executed_base, detail=detail, side=request.side)
