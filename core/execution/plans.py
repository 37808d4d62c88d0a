"""The plans of one hedge: opened, advanced one order per evaluation, closed. All of it is read back from the journal,
so that a restart goes on where the process died."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from core.clock import Clock
from core.config import HedgeConfig
from core.errors import Refused, Transient
from core.events import Event, EventKind
from core.execution import plan_words
from core.execution.active_plan import ActivePlan, is_quote
from core.execution.ages import Ages
from core.execution.back_off import BackOff
from core.execution.dead_man import DeadMansSwitch
from core.execution.executor import STILL_OPEN, Executor, Step, StepEnd
from core.execution.order_ids import OrderName, PlanIds, client_order_id
from core.execution.terms import (
    Moment,
    OrderTerms,
    Pause,
    Way,
    is_behind,
    next_terms,
    smallest_base,
    way_of,
)
from core.facts import OrderSide, SymbolRules, TimeInForce
from core.ports import EventLog, Journal, JournalOrder, OrderState, Plan, PlanState

AFTER_REFUSAL_S = 5.0
AFTER_TROUBLE_S = 0.2
AFTER_NO_FILL_S = 2.0
# A quote is left where it is for so long, unless it must shrink.
REQUOTE_AFTER_S = 2.0
# What we cover or hold is not what the venue has now: read again, clipped, and tried once more at once.
AFTER_CONFLICT_S = {"-2022": 1.0, "-4118": 1.0}


@dataclass(frozen=True, slots=True)
class NewPlan:
    """What a decision asks for: `quantity_base` positive, already capped; `gap_base` signed, before caps."""

    side: OrderSide
    quantity_base: Decimal
    reduce_only: bool
    reason: str
    gap_base: Decimal
    gap_quote: Decimal
    band_quote: Decimal
    reference_price: Decimal
    approval_id: str | None


class PlanBook:
    def __init__(
        self,
        hedge: str,
        *,
        config: Callable[[], HedgeConfig],
        rules: SymbolRules,
        executor: Executor,
        switch: DeadMansSwitch,
        journal: Journal,
        events: EventLog,
        clock: Clock,
        plan_ids: PlanIds,
    ) -> None:
        self._hedge = hedge
        self._config = config
        self._rules = rules
        self._executor = executor
        self._switch = switch
        self._journal = journal
        self._events = events
        self._clock = clock
        self._plan_ids = plan_ids
        self._ages = Ages(clock)
        # Kept apart: what the venue says to a larger position must not delay a smaller one.
        self._back_offs = {reduce_only: BackOff(clock) for reduce_only in (False, True)}
        self._crossed = 0
        self._new: NewPlan | None = None
        self._told_over = ""
        self.trouble = ""

    def backing_off(self, *, reduce_only: bool) -> bool:
        """Whether the venue is left alone for now with orders of this kind."""
        return self._back_offs[reduce_only].waiting

    async def active(self) -> ActivePlan | None:
        """Read from the journal each time, with the times that `Ages` makes of its own; None between plans."""
        plan = await self._journal.active_plan(self._hedge)
        if plan is None:
            return None
        return self._ages.restated(ActivePlan(plan, await self._journal.plan_orders(plan.plan_id)))

    def begin(self, new: NewPlan) -> ActivePlan:
        """It is in the journal once its first order is."""
        now = self._clock.now()
        plan = Plan(
            plan_id=self._plan_ids.next(now),
            hedge=self._hedge,
            symbol=self._rules.symbol,
            side=new.side,
            quantity_base=new.quantity_base,
            reduce_only=new.reduce_only,
            reason=new.reason,
            gap_base=new.gap_base,
            reference_price=new.reference_price,
            approval_id=new.approval_id,
            created_at=now,
        )
        self._crossed = 0
        self._new = new
        self._ages.begins(plan.plan_id)
        return ActivePlan(plan, ())

    def is_over(self, active: ActivePlan, left_base: Decimal, moment: Moment) -> bool:
        """Nothing more will be sent: what is left is too small, or quoting has had its time."""
        if left_base < smallest_base(active, moment.market, self._rules):
            return True
        way = self._way(active, moment)
        return way is Way.OVER or self._terms(active, left_base, way, moment) is Pause.TOO_SMALL

    async def advance(
        self, active: ActivePlan, left_base: Decimal, moment: Moment, *, may_send: Callable[[], bool]
    ) -> Step | None:
        """Send the plan's next order, or look after the one that rests. None when there was nothing to do."""
        way = self._way(active, moment)
        if active.resting is not None:
            return await self._tend(active, active.resting, left_base, way, moment)
        if self.backing_off(reduce_only=active.plan.reduce_only):
            return None
        terms = self._terms(active, left_base, way, moment)
        if isinstance(terms, Pause):
            return None
        return await self._send(active, terms, may_send)

    async def withdraw(self, order: JournalOrder) -> Step:
        """Take back an order that rests. RESTS: not now."""
        step = await self._executor.withdraw(order)
        self.trouble = step.detail
        return step

    async def withdraw_all(self, *, leaving: bool = False) -> bool:
        """Whatever of this hedge may rest, at once and beside whatever else goes on; False when some may rest still.

        `leaving`: nothing else goes on any more, so that also a quote on its way is nobody else's.
        """
        states = (OrderState.OPEN, OrderState.UNKNOWN, *((OrderState.INTENT,) if leaving else ()))
        unsettled = await self._journal.unsettled_orders(self._rules.symbol)
        quotes = [each for each in unsettled if is_quote(each) and each.state in states]
        ends = [(await self._executor.withdraw(order)).end for order in quotes]
        return STILL_OPEN.isdisjoint(ends)

    async def close(self, plan: Plan, state: PlanState, *, position_base: Decimal, target_base: Decimal) -> None:
        """End the plan; with fills it is a hedge executed. None of its orders may rest any more, but one whose outcome
        is unknown may be found resting yet: it stays guarded.

        A turn that is cancelled ends it and tells of it all the same, or nobody of this process would.
        """
        fills, orders = await self._journal.plan_fills(plan.plan_id), await self._journal.plan_orders(plan.plan_id)
        word = None
        if fills:
            stand = {"position_base": str(position_base), "target_base": str(target_base)}
            late = plan_words.fallen_back(self._config().order_type, orders)
            word = EventKind.HEDGE_EXECUTED, plan_words.executed(plan, fills) | stand | late
        elif state is PlanState.FAILED:
            word = EventKind.PLAN_FAILED, plan_words.failed(plan, self.trouble)
        await asyncio.shield(self._end(plan, state, word))
        if not await self._journal.unsettled_orders(plan.symbol):
            await self._switch.stand_down()

    async def _end(self, plan: Plan, state: PlanState, word: tuple[EventKind, dict[str, str]] | None) -> None:
        now = self._clock.now()
        if await self._journal.close_plan(plan.plan_id, state, now) and word is not None:
            await self._events.append(Event(word[0], self._hedge, now, word[1]))

    def gave_up(self, plan: Plan) -> bool:
        """The venue failed its kind of order more than `max_retries` times in a row."""
        return self._back_offs[plan.reduce_only].failures > self._config().max_retries

    def _way(self, active: ActivePlan, moment: Moment) -> Way:
        return way_of(active, self._config(), moment, crossed=self._crossed)

    def _terms(self, active: ActivePlan, left_base: Decimal, way: Way, moment: Moment) -> OrderTerms | Pause:
        return next_terms(active, left_base, way, moment, self._config(), self._rules)

    async def _tend(
        self, active: ActivePlan, order: JournalOrder, left_base: Decimal, way: Way, moment: Moment
    ) -> Step | None:
        """Keep it while it is wanted, at the touch and has time; else take it back, to quote anew or to cross."""
        rests_base = order.request.quantity_base - order.executed_base
        if way is not Way.QUOTE or rests_base > left_base or self._is_stale(active, order, left_base, moment):
            return await self.withdraw(order)
        self.trouble = f"{rests_base:f} rests at {order.request.price:f}"
        await self._not_guarded()
        return None

    def _is_stale(self, active: ActivePlan, order: JournalOrder, left_base: Decimal, moment: Moment) -> bool:
        request = order.request
        if (moment.now - order.recorded_at).total_seconds() < REQUOTE_AFTER_S:
            return False
        behind = request.price is not None and is_behind(request.price, request.side, moment.market)
        return behind or self._has_grown(active, order, left_base, moment)

    def _has_grown(self, active: ActivePlan, order: JournalOrder, left_base: Decimal, moment: Moment) -> bool:
        """More slices are due by now than what rests."""
        terms = self._terms(active, left_base, Way.QUOTE, moment)
        rests_base = order.request.quantity_base - order.executed_base
        return isinstance(terms, OrderTerms) and terms.quantity_base >= 2 * rests_base

    async def _send(self, active: ActivePlan, terms: OrderTerms, may_send: Callable[[], bool]) -> Step | None:
        """None: a plan of which nothing is in the journal yet, and whose first quote could not be guarded."""
        plan = active.plan
        if terms.time_in_force is TimeInForce.GTX and (trouble := await self._not_guarded()):
            step = self._noted(trouble, plan)
            return step if active.orders else None
        if not active.orders:
            await self._tell_opened(plan)
        await self._tell_if_over(plan, terms)
        attempt = len(active.orders) + 1
        self._ages.begins(client_order_id(OrderName(plan.hedge, plan.plan_id, attempt)))
        return self._noted(await self._executor.send(plan, terms, attempt=attempt, may_send=may_send), plan)

    async def _not_guarded(self) -> Step | None:
        try:
            await self._switch.arm()
        except (Transient, Refused) as error:
            return Step(StepEnd.RETRY_LATER, Decimal(0), f"nothing may rest unguarded: {error}")
        return None

    async def _tell_opened(self, plan: Plan) -> None:
        data = plan_words.opened(plan)
        if self._new is not None:
            data |= {"gap_quote": str(self._new.gap_quote), "band_quote": str(self._new.band_quote)}
        await self._events.append(Event(EventKind.PLAN_OPENED, self._hedge, plan.created_at, data))

    async def _tell_if_over(self, plan: Plan, terms: OrderTerms) -> None:
        """Once a plan: the book costs more than it may, so that only what is there within the limit is taken."""
        if terms.over_bps is None or self._told_over == plan.plan_id:
            return
        self._told_over = plan.plan_id
        data = {
            "plan_id": plan.plan_id,
            "side": terms.side.value,
            "quantity_base": str(terms.quantity_base),
            "price_cap": str(terms.price),
            "expected_bps": f"{terms.over_bps:.1f}" if terms.over_bps.is_finite() else "",
        }
        await self._events.append(Event(EventKind.SLIPPAGE_EXCEEDED, self._hedge, self._clock.now(), data))

    def _noted(self, step: Step, plan: Plan) -> Step:
        self.trouble = step.detail
        self._crossed = self._crossed + 1 if step.end is StepEnd.WOULD_TAKE else 0
        self._back_off_after(step, self._back_offs[plan.reduce_only])
        return step

    def _back_off_after(self, step: Step, back_off: BackOff) -> None:
        """An order that was not sent or was taken back, and one whose end is not known, change nothing."""
        match step.end:
            case StepEnd.FILLED | StepEnd.RESTS:
                back_off.progressed()
            case StepEnd.PARTLY_FILLED | StepEnd.UNFILLED:
                back_off.progressed(AFTER_NO_FILL_S)
            case StepEnd.WOULD_TAKE if self._crossed > self._config().max_retries:
                back_off.progressed(AFTER_NO_FILL_S)
            case StepEnd.RETRY_LATER:
                back_off.failed(AFTER_TROUBLE_S, asked_s=step.retry_after_s)
            case StepEnd.REFUSED:
                back_off.failed(AFTER_CONFLICT_S.get(step.code, AFTER_REFUSAL_S))
