"""Carries a decision out: plans to the executor, questions to the desk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

from core.approval_desk import ApprovalDesk
from core.approval_ports import Approvals
from core.config import HedgeConfig
from core.errors import InvariantBroken
from core.execution.active_plan import ActivePlan
from core.execution.executor import STILL_OPEN, Step, StepEnd
from core.execution.legs import NET_LEGS
from core.execution.plans import NewPlan, PlanBook
from core.execution.terms import Moment, at_once_base
from core.facts import Market, OrderSide, SymbolRules
from core.feeds import VenueFacts
from core.hedging.kernel_types import Decision
from core.hedging.slippage import walk_book
from core.hedging.states import COMMANDED, COMMANDED_TEXTS, Action, Reason, State
from core.kernel_facts import Standing, side_of_steps
from core.observation import Observation
from core.ports import Approval, ApprovalState, EventLog, Plan, PlanState
from core.proposals import proposal


@dataclass(frozen=True, slots=True)
class Outcome:
    """What acting did: `step` of an order of `plan_id`, None when none was sent; what that plan executed in all."""

    step: Step | None = None
    plan_id: str = ""
    plan_executed_base: Decimal = Decimal(0)
    plan_ended: bool = False
    withdrawn: bool = False


NOTHING = Outcome()
NEVER_ASKED = frozenset({*COMMANDED_TEXTS, Reason.DELEVERAGE.text, NET_LEGS})


class Actions:
    """For one hedge. `may_send` is asked directly before a request leaves."""

    def __init__(
        self,
        hedge: str,
        *,
        plans: PlanBook,
        desk: ApprovalDesk,
        approvals: Approvals,
        events: EventLog,
        rules: SymbolRules,
        may_send: Callable[[], bool],
    ) -> None:
        self._hedge = hedge
        self._plans = plans
        self._desk = desk
        self._approvals = approvals
        self._events = events
        self._rules = rules
        self._may_send = may_send

    def needs_depth(self, decision: Decision, seen: Observation) -> bool:
        """What is to be traded, or asked for, is more than the book that was told."""
        if decision.action not in (Action.ADJUST, Action.CONTINUE, Action.SHRINK, Action.ASK) or seen.venue is None:
            return False
        wanted_base = decision.quantity_steps * self._rules.step_size or decision.gap_base
        side = OrderSide.BUY if wanted_base > 0 else OrderSide.SELL
        return wanted_base != 0 and walk_book(seen.venue.market, side, abs(wanted_base)) is None

    async def carry_out(
        self, decision: Decision, seen: Observation, standing: Standing, config: HedgeConfig
    ) -> Outcome:
        """At most one order or question. Whatever was decided, orders that rest for another plan are taken back first,
        and an approval whose need has gone is superseded."""
        await self._take_back_strays(seen, standing.active)
        if await self._overtaken(decision, seen, standing.approval):
            standing = replace(standing, approval=None)
            if decision.approved:
                return NOTHING
        return await self._act(decision, seen, standing, config)

    async def _act(self, decision: Decision, seen: Observation, standing: Standing, config: HedgeConfig) -> Outcome:
        match Action(decision.action):
            case Action.ADJUST:
                return await self._adjust(decision, seen, standing, config)
            case Action.CONTINUE | Action.SHRINK | Action.CANCEL:
                return await self._see_to(standing.active, decision, seen)
            case Action.ASK:
                return await self._ask(decision, seen, standing.approval, config)
            case Action.SUPERSEDE:
                return await self._supersede(standing.approval)
            case Action.HOLD | Action.KEEP_ASKING:
                return await self._rest(decision, standing)

    async def _take_back_strays(self, seen: Observation, active: ActivePlan | None) -> None:
        """An order may rest only for the plan under way."""
        for order in seen.resting:
            if active is None or order.plan_id != active.plan.plan_id:
                await self._plans.withdraw(order)

    async def _overtaken(self, decision: Decision, seen: Observation, approval: Approval | None) -> bool:
        """A yes that nothing was done for yet no longer counts once the need has turned or fallen under half."""
        if approval is None or approval.state is not ApprovalState.APPROVED or not seen.is_sound:
            return False
        needed = approval.side.sign * decision.wanted_steps * self._rules.step_size
        if decision.reason == Reason.WITHIN_BASIS or 2 * needed >= approval.quantity_base:
            return False
        return await self._desk.supersede(approval, "the need has changed")

    async def _adjust(self, decision: Decision, seen: Observation, standing: Standing, config: HedgeConfig) -> Outcome:
        venue = seen.venue
        if venue is None or self._plans.backing_off(reduce_only=decision.reduce_only):
            return NOTHING
        may_begin, granted = await self._word_for(decision, standing, venue, config)
        if not may_begin:
            return NOTHING
        reason = Reason(decision.reason).text
        new = NewPlan(
            side=side_of_steps(decision.quantity_steps),
            quantity_base=self._size_base(decision) * (2 if reason == NET_LEGS else 1),
            reduce_only=decision.reduce_only,
            reason=reason,
            gap_base=decision.gap_base,
            gap_quote=decision.gap_quote,
            band_quote=decision.band_quote,
            reference_price=venue.market.mid,
            approval_id=granted.approval_id if granted else None,
        )
        active = self._plans.begin(new)
        return await self._go_on(decision, seen, active, active.left_base)

    async def _word_for(
        self, decision: Decision, standing: Standing, venue: VenueFacts, config: HedgeConfig
    ) -> tuple[bool, Approval | None]:
        """(whether the plan may begin, the approval it begins under if it needs one)."""
        word = standing.approval if decision.approved else None
        if word is None:
            return True, None
        if decision.reason in COMMANDED:
            # It is closed before anything is traded, and lends neither its name nor its size.
            return await self._close_overtaken(word), None
        if self._size_base(decision) > standing.granted_left_base:
            raise InvariantBroken(f"more was planned under approval {word.approval_id} than it has left")
        return await self._may_begin(word, decision, venue, config), word

    def _size_base(self, decision: Decision) -> Decimal:
        return abs(decision.quantity_steps) * self._rules.step_size

    async def _close_overtaken(self, approval: Approval) -> bool:
        if approval.state is ApprovalState.EXECUTING:
            return await self._desk.finish(approval, "overtaken by a command", events=self._events)
        return await self._desk.supersede(approval, "overtaken by a command")

    async def _may_begin(self, granted: Approval, decision: Decision, venue: VenueFacts, config: HedgeConfig) -> bool:
        """At the tap: slippage of what is taken at once within limits, then the one compare-and-set."""
        if granted.state is ApprovalState.EXECUTING:
            return await self._is_executing(granted.approval_id)
        if too_dear := self._too_dear(decision, venue.market, config):
            await self._desk.fail(granted, too_dear, events=self._events)
            return False
        return await self._desk.start(granted)

    def _too_dear(self, decision: Decision, market: Market, config: HedgeConfig) -> str:
        """By how much the slippage is above its limit, a clause; empty when it is not."""
        limit_bps = config.slippage_limit_bps(urgent=decision.urgent)
        size_base = self._size_base(decision)
        at_once = at_once_base(size_base, market.mid, config, self._rules, urgent=decision.urgent)
        if not at_once or limit_bps <= 0:
            return ""
        fill = walk_book(market, side_of_steps(decision.quantity_steps), at_once)
        if fill is None:
            return f"slippage is above {limit_bps} bps now: the book is too thin"
        if fill.slippage_bps > limit_bps:
            return f"slippage is above {limit_bps} bps now: {fill.slippage_bps:.1f} bps"
        return ""

    async def _see_to(self, active: ActivePlan | None, decision: Decision, seen: Observation) -> Outcome:
        """The plan under way: on with all that is left of it, with less, or with nothing more."""
        if active is None:
            return NOTHING
        match decision.action:
            case Action.CANCEL:
                return await self._end(active, decision, seen)
            case Action.SHRINK:
                return await self._go_on(decision, seen, active, self._size_base(decision))
            case _:
                return await self._go_on(decision, seen, active, active.left_base)

    async def _go_on(self, decision: Decision, seen: Observation, active: ActivePlan, wanted_base: Decimal) -> Outcome:
        """`wanted_base`: what is left of the plan, or less."""
        if seen.venue is None:
            return NOTHING
        moment = Moment(seen.venue.market, seen.venue.account, seen.at, urgent=decision.urgent)
        if not await self._is_allowed(active, decision) or self._plans.is_over(active, wanted_base, moment):
            return await self._end(active, decision, seen)
        may_send = _always if _is_flattening(decision, active) else self._may_send
        step = await self._plans.advance(active, wanted_base, moment, may_send=may_send)
        if step is None:
            return NOTHING
        await self._use_approval(active.plan, step.executed_base)
        ended = await self._close_after(step, active, decision, seen)
        return Outcome(step, active.plan.plan_id, active.executed_base + step.executed_base, plan_ended=ended)

    async def _is_allowed(self, active: ActivePlan, decision: Decision) -> bool:
        """A plan that a person approved may go on only while that approval lives: asked now, not as it was seen.

        One that needed no word may not once the limit was lowered under what is left of it: that asks anew.
        """
        plan = active.plan
        if plan.approval_id is not None:
            return await self._is_executing(plan.approval_id)
        if decision.approval_quote < 0 or plan.reason in NEVER_ASKED:
            return True
        return active.left_base * plan.reference_price < decision.approval_quote

    async def _is_executing(self, approval_id: str) -> bool:
        found = await self._approvals.get(approval_id)
        return found is not None and found.state is ApprovalState.EXECUTING

    async def _use_approval(self, plan: Plan, executed_base: Decimal) -> None:
        if executed_base and plan.approval_id is not None:
            await self._approvals.use(plan.approval_id, executed_base)

    async def _close_after(self, step: Step, active: ActivePlan, decision: Decision, seen: Observation) -> bool:
        if step.end in STILL_OPEN:
            return False
        if active.left_base - step.executed_base < self._rules.step_size:
            await self._close(active, PlanState.DONE, decision, seen, step.moved_base)
            return True
        if step.end is StepEnd.REFUSED or self._plans.gave_up(active.plan):
            await self._close(active, PlanState.FAILED, decision, seen, step.moved_base)
            return True
        return False

    async def _end(self, active: ActivePlan, decision: Decision, seen: Observation) -> Outcome:
        """Without another order: what has executed is all that this plan does. What rests is taken back first."""
        if not active.orders:  # begun just now, and nothing came of it
            return NOTHING
        step = None if active.resting is None else await self._plans.withdraw(active.resting)
        executed, moved = (step.executed_base, step.moved_base) if step else (Decimal(0), Decimal(0))
        outcome = Outcome(step, active.plan.plan_id, active.executed_base + executed)
        if step is not None and step.end in STILL_OPEN:
            return outcome
        await self._close(active, self._ended_as(active, executed), decision, seen, moved)
        return replace(outcome, plan_ended=True)

    def _ended_as(self, active: ActivePlan, executed_base: Decimal) -> PlanState:
        """`executed_base`: since the plan was read."""
        traded = active.executed_base + executed_base > 0
        is_whole = active.left_base - executed_base < self._rules.step_size
        return PlanState.DONE if traded and is_whole else PlanState.CANCELLED

    async def _close(
        self, active: ActivePlan, state: PlanState, decision: Decision, seen: Observation, moved_base: Decimal
    ) -> None:
        before = seen.venue.account.position_base if seen.venue else Decimal(0)
        position = before + moved_base
        await self._plans.close(active.plan, state, position_base=position, target_base=decision.target_base)
        if active.plan.approval_id is not None:
            await self._settle_approval(active, state)

    async def _settle_approval(self, active: ActivePlan, state: PlanState) -> None:
        """A failed plan fails it; else what is left of it may still be used, in its time and while it is needed."""
        approval = await self._approvals.get(active.plan.approval_id or "")
        if approval is None or approval.state is not ApprovalState.EXECUTING:
            return
        if state is PlanState.FAILED:
            await self._desk.fail(approval, self._plans.trouble, events=self._events)
        elif approval.quantity_base - approval.used_base < self._rules.step_size:
            await self._desk.finish(approval, "", events=self._events)

    async def _ask(
        self, decision: Decision, seen: Observation, earlier: Approval | None, config: HedgeConfig
    ) -> Outcome:
        """A started approval that does not cover what is needed now gives way to the new question."""
        if earlier is not None and earlier.state is ApprovalState.EXECUTING:
            await self._desk.finish(earlier, "the need has changed", events=self._events)
        count = 1 + decision.memory.question.asked
        if not self._may_send():  # stopped since this was decided
            return NOTHING
        approval = proposal(self._desk.new_id(), self._hedge, decision, seen, config, self._rules, ask_count=count)
        if approval is not None:
            await self._desk.ask(approval)
        return NOTHING

    async def _supersede(self, approval: Approval | None) -> Outcome:
        if approval is None or approval.state is not ApprovalState.PENDING:
            return NOTHING
        return Outcome(withdrawn=await self._desk.supersede(approval, "the need has changed"))

    async def _rest(self, decision: Decision, standing: Standing) -> Outcome:
        """A started approval of which nothing is wanted any more, as good facts say, is done."""
        approval = standing.approval
        if approval is None or standing.active is not None or approval.state is not ApprovalState.EXECUTING:
            return NOTHING
        if not decision.wanted_steps and decision.state in (State.READY, State.DISABLED):
            await self._desk.finish(approval, "nothing more was needed", events=self._events)
        return NOTHING


def _is_flattening(decision: Decision, active: ActivePlan) -> bool:
    """The one deed that a halt does not stop; with two legs open, their netting is its first part."""
    if Reason.OPERATOR_FLATTEN in (decision.reason, Reason[active.plan.reason.upper()]):
        return True
    return decision.reason == Reason.NET_LEGS and decision.approved


def _always() -> bool:
    return True
