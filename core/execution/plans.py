"""The plans of one hedge: opened, advanced one order per evaluation, closed. All of it is read back from the journal,
so that a restart goes on where the process died."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from core.clock import Clock
from core.config import HedgeConfig
from core.events import Event, EventKind
from core.execution.back_off import BackOff
from core.execution.bookkeeping import average_price
from core.execution.executor import Executor, OrderTerms, Step, StepEnd
from core.execution.order_ids import PlanIds
from core.facts import Market, OrderSide, SymbolRules, Trade
from core.hedging.slippage import walk_book
from core.ports import EventLog, Journal, JournalOrder, Plan, PlanState

BPS = Decimal(10_000)
# Where the configuration sets no slippage limit, a limit order still needs a price.
LIMIT_WITHOUT_CAP_BPS = Decimal(30)
AFTER_REFUSAL_S = 5.0
AFTER_TROUBLE_S = 0.2
AFTER_NO_FILL_S = 2.0


@dataclass(frozen=True, slots=True)
class ActivePlan:
    plan: Plan
    orders: tuple[JournalOrder, ...]

    @property
    def executed_base(self) -> Decimal:
        return sum((order.executed_base for order in self.orders), Decimal(0))

    @property
    def left_base(self) -> Decimal:
        return max(Decimal(0), self.plan.quantity_base - self.executed_base)

    @property
    def last_order_at(self) -> datetime | None:
        return self.orders[-1].recorded_at if self.orders else None


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
        journal: Journal,
        events: EventLog,
        clock: Clock,
        plan_ids: PlanIds,
    ) -> None:
        self._hedge = hedge
        self._config = config
        self._rules = rules
        self._executor = executor
        self._journal = journal
        self._events = events
        self._clock = clock
        self._plan_ids = plan_ids
        # Kept apart: what the venue says to a larger position must not delay a smaller one.
        self._back_offs = {reduce_only: BackOff(clock) for reduce_only in (False, True)}
        self.trouble = ""

    def backing_off(self, *, reduce_only: bool) -> bool:
        return self._back_offs[reduce_only].waiting

    async def active(self) -> ActivePlan | None:
        plan = await self._journal.active_plan(self._hedge)
        return ActivePlan(plan, await self._journal.plan_orders(plan.plan_id)) if plan else None

    async def open(self, new: NewPlan) -> ActivePlan:
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
        await self._journal.open_plan(plan)
        data = {
            "plan_id": plan.plan_id,
            "side": plan.side.value,
            "quantity_base": str(plan.quantity_base),
            "gap_base": str(new.gap_base),
            "gap_quote": str(new.gap_quote),
            "band_quote": str(new.band_quote),
            "price": str(new.reference_price),
            "reason": new.reason,
        }
        await self._events.append(Event(EventKind.PLAN_OPENED, self._hedge, now, data))
        return ActivePlan(plan, ())

    def is_spent(self, active: ActivePlan, left_base: Decimal, market: Market) -> bool:
        """What is left is too small ever to be sent."""
        return left_base < self._smallest_base(active, market)

    async def advance(
        self, active: ActivePlan, left_base: Decimal, market: Market, *, urgent: bool, may_send: Callable[[], bool]
    ) -> Step | None:
        """Send the next order of the plan, None when none is due yet or what is left is below the smallest one."""
        if self.backing_off(reduce_only=active.plan.reduce_only) or self._is_between_slices(active, urgent=urgent):
            return None
        terms = self._terms(active, min(left_base, active.left_base), market, urgent=urgent)
        if terms is None:
            return None
        step = await self._executor.send(active.plan, terms, may_send=may_send)
        self._note(step, self._back_offs[active.plan.reduce_only])
        return step

    async def close(self, plan: Plan, state: PlanState, *, position_base: Decimal, target_base: Decimal) -> None:
        """End the plan; with fills it is a hedge executed."""
        await self._journal.close_plan(plan.plan_id, state, self._clock.now())
        fills = await self._journal.plan_fills(plan.plan_id)
        if fills:
            data = self._executed(plan, fills, position_base=position_base, target_base=target_base)
            await self._events.append(Event(EventKind.HEDGE_EXECUTED, self._hedge, self._clock.now(), data))
        elif state is PlanState.FAILED:
            data = {"plan_id": plan.plan_id, "detail": self.trouble}
            await self._events.append(Event(EventKind.PLAN_FAILED, self._hedge, self._clock.now(), data))

    def gave_up(self, plan: Plan) -> bool:
        return self._back_offs[plan.reduce_only].failures > self._config().max_retries

    def _note(self, step: Step, back_off: BackOff) -> None:
        self.trouble = step.detail
        match step.end:
            case StepEnd.FILLED:
                back_off.progressed()
            case StepEnd.PARTLY_FILLED:
                back_off.progressed(AFTER_NO_FILL_S)
            case StepEnd.UNFILLED:
                back_off.failed(AFTER_NO_FILL_S)
            case StepEnd.RETRY_LATER:
                back_off.failed(AFTER_TROUBLE_S, asked_s=step.retry_after_s)
            case StepEnd.REFUSED:
                back_off.failed(AFTER_REFUSAL_S)
            case StepEnd.UNKNOWN | StepEnd.NOT_SENT:
                pass

    def _is_between_slices(self, active: ActivePlan, *, urgent: bool) -> bool:
        if active.last_order_at is None or not self._is_twap(active.plan, urgent=urgent):
            return False
        return self._clock.now() < active.last_order_at + timedelta(seconds=self._config().twap_interval_seconds)

    def _smallest_base(self, active: ActivePlan, market: Market) -> Decimal:
        """A reduction is exempt from the least notional; a first order that is too small is the venue's to refuse."""
        smallest = max(self._rules.market_min_quantity, self._rules.min_quantity, self._step_base)
        if active.plan.reduce_only or not active.orders:
            return smallest
        lots = self._rules.min_notional_quote / min(market.best_bid, market.mark_price) / self._step_base
        return max(smallest, lots.to_integral_value(ROUND_CEILING) * self._step_base)

    @property
    def _step_base(self) -> Decimal:
        return max(self._rules.step_size, self._rules.market_step_size)

    def _terms(self, active: ActivePlan, left_base: Decimal, market: Market, *, urgent: bool) -> OrderTerms | None:
        plan, most = active.plan, min(left_base, self._rules.market_max_quantity)
        quantity = min(most, self._slice_base(plan, urgent=urgent))
        if left_base - quantity < self._smallest_base(active, market):
            quantity = most  # the rest would be too small for an order of its own
        quantity -= quantity % self._step_base
        if self.is_spent(active, quantity, market):
            return None
        config = self._config()
        limit_bps = config.urgent_slippage_bps if urgent else config.max_slippage_bps
        fill = walk_book(market, plan.side, quantity)
        over = limit_bps > 0 and (fill is None or fill.slippage_bps > limit_bps)
        price = None
        if over or config.order_type == "limit":
            price = self._price_cap(plan.side, market, limit_bps or LIMIT_WITHOUT_CAP_BPS)
        return OrderTerms(side=plan.side, quantity_base=quantity, reduce_only=plan.reduce_only, price=price)

    def _slice_base(self, plan: Plan, *, urgent: bool) -> Decimal:
        """Of a time-weighted plan one slice, never below what the venue takes; otherwise the whole."""
        if not self._is_twap(plan, urgent=urgent):
            return plan.quantity_base
        config = self._config()
        slices = max(1, config.twap_duration_seconds // config.twap_interval_seconds)
        smallest = self._rules.min_notional_quote / plan.reference_price + self._rules.step_size
        return max(plan.quantity_base / slices, smallest)

    def _is_twap(self, plan: Plan, *, urgent: bool) -> bool:
        over = self._config().twap_over_quote
        return not urgent and over > 0 and plan.quantity_base * plan.reference_price >= over

    def _price_cap(self, side: OrderSide, market: Market, limit_bps: Decimal) -> Decimal:
        """The worst price accepted, rounded to the tick towards the mid."""
        ticks = market.mid * (1 + side.sign * limit_bps / BPS) / self._rules.tick_size
        rounding = ROUND_FLOOR if side is OrderSide.BUY else ROUND_CEILING
        return ticks.to_integral_value(rounding) * self._rules.tick_size

    def _executed(
        self, plan: Plan, fills: tuple[Trade, ...], *, position_base: Decimal, target_base: Decimal
    ) -> dict[str, str]:
        quantity = sum((fill.quantity_base for fill in fills), Decimal(0))
        price = average_price(fills) or Decimal(0)
        in_quote = all(fill.fee_asset == self._rules.quote_asset for fill in fills)
        slippage = -plan.side.sign * (plan.reference_price - price) / plan.reference_price * BPS
        data = {
            "plan_id": plan.plan_id,
            "side": plan.side.value,
            "quantity_base": str(quantity),
            "average_price": str(price),
            "slippage_bps": str(slippage),
            "position_base": str(position_base),
            "target_base": str(target_base),
            "reason": plan.reason,
        }
        if in_quote:
            data["fee_quote"] = str(sum((fill.fee for fill in fills), Decimal(0)))
        return data | ({"approval_id": plan.approval_id} if plan.approval_id else {})
