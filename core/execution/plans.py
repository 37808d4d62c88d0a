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
from core.execution.executor import Executor, Step, StepEnd
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
from core.facts import OrderSide, OrderType, SymbolRules, TimeInForce
from core.ports import EventLog, Journal, JournalOrder, OrderState, Plan, PlanState

AFTER_REFUSAL_S = 5.0
AFTER_CONFLICT_S = 1.0
AFTER_TROUBLE_S = 0.2
AFTER_NO_FILL_S = 2.0
# A quote is left where it is for so long, unless it must shrink.
REQUOTE_AFTER_S = 2.0
# What we cover or hold is not what the venue has now: read again, clipped, and tried once more at once.
CONFLICTS = frozenset({"-2022", "-4118"})


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
        if terms.time_in_force is TimeInForce.GTX and (trouble := await self._not_guarded()):
            step = self._noted(trouble, active.plan)
            return step if active.orders else None
        if not active.orders:
            await self._tell_opened(active.plan)
        await self._tell_if_over(active.plan, terms)
        attempt = len(active.orders) + 1
        self._ages.begins(client_order_id(OrderName(active.plan.hedge, active.plan.plan_id, attempt)))
        return self._noted(
            await self._executor.send(active.plan, terms, attempt=attempt, may_send=may_send), active.plan
        )

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
        quotes = [each for each in unsettled if each.request.time_in_force is TimeInForce.GTX and each.state in states]
        ends = [(await self._executor.withdraw(order)).end for order in quotes]
        return StepEnd.RESTS not in ends and StepEnd.UNKNOWN not in ends

    async def close(self, plan: Plan, state: PlanState, *, position_base: Decimal, target_base: Decimal) -> None:
        """End the plan; with fills it is a hedge executed. None of its orders may rest any more, but one whose outcome
        is unknown may be found resting yet: it stays guarded.

        A turn that is cancelled ends it and tells of it all the same, or nobody of this process would.
        """
        fills, orders = await self._journal.plan_fills(plan.plan_id), await self._journal.plan_orders(plan.plan_id)
        word = None
        if fills:
            stand = {"position_base": str(position_base), "target_base": str(target_base)}
            word = EventKind.HEDGE_EXECUTED, plan_words.executed(plan, fills) | stand | self._fallen_back(orders)
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
        request = order.request
        too_much = request.quantity_base - order.executed_base > left_base
        age_s = (moment.now - order.recorded_at).total_seconds()
        behind = request.price is not None and is_behind(request.price, request.side, moment.market)
        stale = age_s >= REQUOTE_AFTER_S and (behind or self._has_grown(active, order, left_base, moment))
        if way is not Way.QUOTE or too_much or stale:
            return await self.withdraw(order)
        self.trouble = f"{request.quantity_base - order.executed_base:f} rests at {request.price:f}"
        await self._not_guarded()
        return None

    def _has_grown(self, active: ActivePlan, order: JournalOrder, left_base: Decimal, moment: Moment) -> bool:
        """More slices are due by now than what rests."""
        terms = self._terms(active, left_base, Way.QUOTE, moment)
        rests_base = order.request.quantity_base - order.executed_base
        return isinstance(terms, OrderTerms) and terms.quantity_base >= 2 * rests_base

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
        back_off = self._back_offs[plan.reduce_only]
        self.trouble = step.detail
        self._crossed = self._crossed + 1 if step.end is StepEnd.WOULD_TAKE else 0
        match step.end:
            case StepEnd.FILLED | StepEnd.RESTS:
                back_off.progressed()
            case StepEnd.PARTLY_FILLED | StepEnd.UNFILLED:
                back_off.progressed(AFTER_NO_FILL_S)
            case StepEnd.RETRY_LATER:
                back_off.failed(AFTER_TROUBLE_S, asked_s=step.retry_after_s)
            case StepEnd.REFUSED:
                back_off.failed(AFTER_CONFLICT_S if step.code in CONFLICTS else AFTER_REFUSAL_S)
            case StepEnd.WOULD_TAKE if self._crossed > self._config().max_retries:
                back_off.progressed(AFTER_NO_FILL_S)
            case StepEnd.UNKNOWN | StepEnd.NOT_SENT | StepEnd.WOULD_TAKE | StepEnd.WITHDRAWN:
                pass
        return step

    def _fallen_back(self, orders: tuple[JournalOrder, ...]) -> dict[str, str]:
        """The BASE that was taken at the market after quoting, or asking for a price, had had its time."""
        way = self._config().order_type
        if way == "market":
            return {}
        quoting = way == "post_only"
        late = [o for o in orders if o.request.order_type is OrderType.MARKET or (quoting and not is_quote(o))]
        taken = sum((order.executed_base for order in late), Decimal(0))
        return {"fallback_base": str(taken)} if taken and len(late) < len(orders) else {}
