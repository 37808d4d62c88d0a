"""One hedge: look, decide, act, remember; and what the operator may do to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import structlog

from core.actions import Actions, Outcome
from core.cancellation import all_of
from core.clock import Clock, Leaps, NewLeaps
from core.config import HedgeConfig
from core.departing import Word, answer_departed
from core.errors import Refused
from core.events import Event, EventKind
from core.execution.executor import Step, StepEnd
from core.execution.plans import PlanBook
from core.execution.reconcile import Reconciler
from core.facts import Market, OrderSide, PerpAccount, PositionSide, SymbolRules
from core.grants import Grants
from core.hedge_memory import HOUR_MS, Remembered, from_json, to_json
from core.hedging import memory
from core.hedging.afterwards import withdrawn
from core.hedging.departed import released, without_grace
from core.hedging.kernel import decide
from core.hedging.kernel_types import Decision, Memory
from core.hedging.life_memory import LifeMemory
from core.hedging.margin import Claim, reserved_before
from core.hedging.policy import policy_from
from core.hedging.states import COMMANDED_TEXTS, Action, LpState, Reason, Request, State, transition
from core.hedging.stirring import PART_OF_BAND
from core.held_events import HeldEvents
from core.kernel_facts import Standing, kernel_facts, milliseconds
from core.observation import Observation, Observer
from core.outlook import Outlook
from core.ports import Approval, HedgeMemory, Journal
from core.status import HedgeStatus
from core.status_view import Beside, hedge_status
from core.watch import Watch
from core.wishes import LIVES, Wish, Wishes, has_nothing_to_do

UNSURE = (Reason.IMPLAUSIBLE_READ, Reason.STALE_CHAIN, Reason.STALE_VENUE, Reason.LP_MOVING)
UNSURE_PAUSE_S = 2.0
# A reduction to zero does not ask what the right price or asset is.
CLOSING_GOES_ON = (Reason.NONE, Reason.VENUE_DISLOCATED, Reason.WRONG_SYMBOL)
BUSY_PAUSE_S = 1.0
SHORT_OF_WHOLE = (StepEnd.PARTLY_FILLED, StepEnd.UNFILLED, StepEnd.RETRY_LATER, StepEnd.REFUSED)

log = structlog.get_logger(__name__)


class HedgeRunner:
    def __init__(
        self,
        name: str,
        *,
        config: Callable[[], HedgeConfig],
        rules: SymbolRules,
        observer: Observer,
        reconciler: Reconciler,
        plans: PlanBook,
        grants: Grants,
        actions: Callable[[Callable[[], bool]], Actions],
        journal: Journal,
        memory_store: HedgeMemory,
        events: HeldEvents,
        claims: MutableMapping[str, Claim],
        clock: Clock,
        leaps: Leaps,
    ) -> None:
        self.name = name
        self._config = config
        self._rules = rules
        self._observer = observer
        self._reconciler = reconciler
        self._plans = plans
        self._grants = grants
        self._actions = actions(self._may_send)
        self._journal = journal
        self._store = memory_store
        self._events = events
        self._watch = Watch(name, events)
        self._claims = claims
        self._clock = clock
        self._leaps = NewLeaps(leaps)
        self._remembered = Remembered()
        self._saved: Remembered | None = None
        self._wishes = Wishes(name, events, clock)
        self._seen: Observation | None = None
        self._decision: Decision | None = None
        self._standing_then: Standing | None = None
        self._announced = ""
        self._evaluating = asyncio.Lock()
        self._taking_back: asyncio.Task[bool] | None = None
        self.evaluated_at_s: float | None = None

    async def start(self) -> None:
        """Remember. Raises InvariantBroken when what is stored is no memory."""
        if text := await self._store.load(self.name):
            self._remembered = from_json(text)
            self._observer.life = self._remembered.life
            self._observer.known_pair = self._remembered.known_pair
            life = self._remembered.life
            self._watch.remember(life.departed_base, {each: seen.owner for each, seen in life.positions.items()})
            self._saved = self._remembered
            self._announced = self._stopped()
            if self._remembered.flattening:
                self._wishes.make(Request.FLATTEN, None)

    async def evaluate(self) -> None:
        """One look, one decision, at most one order."""
        async with self._evaluating, self._events.held():
            config = self._config()
            seen = await self._look(config)
            await self._wishes.look_at_the_time(self._decision, seen.at)
            wish = self._wishes.wish
            off = "" if config.enabled or config.close_on_disable else "switched off"
            word = await self._grants.refresh(config, seen.at, stopped=self._stopped() or off)
            standing = await self._standing(word.live, wish, seen)
            if standing.active is not None:  # fills that no step of this process brought home
                self._count(standing.active.plan.plan_id, standing.active.executed_base)
            policy = without_grace(policy_from(config, self._rules), self._observer.life)
            # From here to the decision nothing is awaited: a halt that came meanwhile is in this memory.
            mind = self._grants.taken_in(self._remembered.kernel, word, config, seen.at)
            decision = decide(kernel_facts(seen, standing, config, policy.step_base), policy, mind)
            self._take_in(decision, seen, standing)
            await self._watch.note(decision, seen, config)  # before what is done about it, as it will be read
            # What is remembered is written down after the deed: the journal alone must be ahead of it.
            if self._actions.needs_depth(decision, seen):
                seen = await self._observer.deepened(seen)
            outcome = await self._actions.carry_out(decision, seen, standing, config)
            await self._note(outcome, decision, wish)
            self.evaluated_at_s = self._clock.monotonic_s()

    def is_moved_by(self, market: Market) -> bool:
        """Whether the exposure at this mark differs from that of the last look by a quarter of the band."""
        seen, decision = self._seen, self._decision
        if seen is None or seen.venue is None or seen.lp is None or decision is None:
            return False
        mark = market.mark_price
        moved_base = abs(seen.lp.net_base_at(mark) - seen.lp.net_base_at(seen.venue.market.mark_price))
        return moved_base > 0 and moved_base * mark >= PART_OF_BAND * decision.band_quote

    def status(self) -> HedgeStatus:
        """From the last look and decision; reads nothing."""
        return hedge_status(
            self.name,
            self._config(),
            self._seen,
            self._decision,
            trouble=self._plans.trouble,
            now=self._clock.now(),
            beside=self._beside(),
        )

    def _beside(self) -> Beside:
        standing, look_at = self._standing_then, None
        if self.evaluated_at_s is not None:
            in_s = self.evaluated_at_s + self.pause_s() - self._clock.monotonic_s()
            look_at = self._clock.now() + timedelta(seconds=in_s)
        active, approval = (standing.active, standing.approval) if standing else (None, None)
        return Beside(self._remembered.kernel, self._observer.life, self._rules, active, approval, look_at)

    def outlook(self) -> Outlook | None:
        """As last believed; either side may be missing."""
        seen = self._seen
        if seen is None or (seen.lp is None and seen.venue is None):
            return None
        account, market = (seen.venue.account, seen.venue.market) if seen.venue else (None, None)
        return Outlook(self.name, self._config(), seen.lp, account, market)

    def pause_s(self) -> float:
        """Until the next evaluation is due by itself."""
        poll_s = float(self._config().poll_seconds)
        decision, seen = self._decision, self._seen
        if decision is None or seen is None or self._is_busy(decision, seen):
            return min(poll_s, BUSY_PAUSE_S)
        return min(poll_s, UNSURE_PAUSE_S) if decision.reason in UNSURE else poll_s

    def _is_busy(self, decision: Decision, seen: Observation) -> bool:
        at_work = decision.state == State.ADJUSTING or seen.order_unknown or bool(seen.resting)
        return at_work or self._wishes.wish is not None

    async def halt(self, by: str = "", *, why: str = "") -> None:
        """What rests is taken back at once, whatever an evaluation is busy with."""
        try:
            await self._set_mode(memory.halted, EventKind.HALTED, {"why": why} if why else {"by": by})
        finally:
            self._take_back()

    async def pause(self, by: str) -> None:
        """As `halt`."""
        try:
            await self._set_mode(memory.paused, EventKind.PAUSED, {"by": by})
        finally:
            self._take_back()

    async def resume(self, by: str) -> None:
        """Whatever command waits is dropped."""
        await self._set_mode(memory.resumed, EventKind.RESUMED, {"by": by})

    async def take_back(self) -> bool:
        """Also a quote that is on its way."""
        return await self._plans.withdraw_all(leaving=True)

    async def hedge(self, by: str, most_base: Decimal | None = None) -> str:
        """To the target now; `most_base`: by no more than that signed trade. Raises Refused, also for lack of a gap."""
        self._require_on()
        if idle := await self._why_idle(most_base):
            raise Refused(f"{self.name}: nothing to trade. {idle.explanation}", code="idle")
        self._require_on()  # a halt may have come meanwhile
        self._wishes.make(Request.HEDGE, most_base)
        log.info("hedge commanded", hedge=self.name, by=by, most_base=most_base)
        if self._seen is None or self._seen.is_sound or self._decision is None:
            return f"Hedging {self.name} now."
        why = Reason(self._decision.reason).explanation
        return f"{self.name} cannot trade at this moment and waits up to {LIVES.seconds} s: {why}"

    def _require_on(self) -> None:
        if self._stopped():
            raise Refused(f"{self.name} is {self._stopped()}: /resume first.", code="halted")
        if not self._config().enabled and not self._config().close_on_disable:
            raise Refused(f"{self.name} is switched off in the configuration (enabled = false).", code="disabled")

    async def _why_idle(self, most_base: Decimal | None) -> Reason | None:
        """Why a /hedge would trade nothing though every fact allows it, by a look of its own.

        None: it would trade, or waits for facts, or comes amid an evaluation, whose end it does not wait for.
        """
        if self._standing_then is None or self._evaluating.locked():
            return None
        async with self._evaluating, self._events.held():
            config = self._config()
            seen = await self._look(config)
            await self._watch.note_chain(seen)
            active, wish = await self._plans.active(), Request.HEDGE
            standing = replace(self._standing_then, active=active, request=wish, request_most_base=most_base)
            policy = without_grace(policy_from(config, self._rules), self._observer.life)
            facts = kernel_facts(seen, standing, config, policy.step_base)
            decision = decide(facts, policy, self._remembered.kernel)
        return Reason(decision.reason) if has_nothing_to_do(decision) else None

    async def flatten(self, by: str) -> str:
        """To zero, and halted from then on."""
        await self.halt(by)
        self._wishes.make(Request.FLATTEN, None)
        self._remembered = replace(self._remembered, flattening=True)
        await self._save()
        seen = self._seen
        if seen is None or not (seen.order_unknown or seen.venue_problem not in CLOSING_GOES_ON):
            return f"Flattening {self.name} now."
        why = Reason.OUTCOME_UNKNOWN if seen.order_unknown else seen.venue_problem
        return (
            f"{self.name} is halted but cannot be closed at this moment: {why.explanation}"
            " It is closed as soon as it can be; /resume takes that back."
        )

    async def adopt(self, leg: PositionSide, by: str) -> str:
        """Raises Refused while the venue cannot be read, or a single reading differs: nothing is adopted on a doubt."""
        async with self._evaluating:
            seen = await self._observer.look(self._config())
            await self._watch.note_chain(seen)
            account = _confirmed_account(seen)
            if leg is not PositionSide.BOTH and not account.hedge_mode:
                raise Refused(f"The account is in one-way mode, without a {leg} leg: /adopt {self.name}.", code="leg")
            delta = await self._adopt(account, leg, by)
        if not delta:
            return f"{self.name}: exchange and journal agree already."
        return f"{self.name}: {delta:+f} {self._rules.base_asset} adopted."

    async def answer_departed(self, word: Word, by: str, most_base: Decimal | None = None) -> str:
        """Also while stopped: it only changes what counts."""
        async with self._evaluating:
            answered = answer_departed(word, self.name, self._rules.base_asset, self._observer.life, most_base)
            await self._remember_life(answered.life)
            await self._events.append(answered.event(by, self._clock.now()))
        return answered.text + (self._why_held() if word is Word.CLOSE else "")

    async def position_followed(self) -> None:
        """After the evaluation under way, if there is one."""
        async with self._evaluating:
            self._restate()
            ends_at = self._clock.now() + timedelta(seconds=self._config().no_lp_grace_seconds)
            await self._remember_life(released(self._observer.life, ends_at))

    def _why_held(self) -> str:
        """What keeps the short where it is though less counts; nothing when it is free to go down."""
        if self._stopped():
            return f" It is {self._stopped()}: nothing is traded until /resume."
        lp = self._seen.lp if self._seen else None
        if lp is None or lp.state not in (LpState.NONE, LpState.CLOSING) or self._config().close_when_no_lp:
            return ""
        return " Without liquidity it is held (close_when_no_lp = false): /flatten closes it."

    async def _look(self, config: HedgeConfig) -> Observation:
        """With `adopt_external = "auto"` a confirmed difference is adopted, and looked at once more."""
        seen = await self._observer.look(config)
        if config.adopt_external == "auto" and seen.venue and seen.venue_problem == Reason.POSITION_MISMATCH:
            await self._adopt(seen.venue.account, PositionSide.BOTH, "adopt_external")
            seen = await self._observer.look(config)
        self._restate()
        return seen

    def _restate(self) -> None:
        """What is remembered with a time moves along with a wall clock that was set: nothing waits an hour longer for
        it, or not at all."""
        self._observer.restate()
        if leapt := self._leaps.take():
            self._remembered = self._remembered.moved(leapt)

    async def _adopt(self, account: PerpAccount, leg: PositionSide, by: str) -> Decimal:
        """The signed BASE added to the journal."""
        delta = await self._reconciler.adopt(account, leg, by)
        if delta:
            data = {"leg": leg.value, "delta_base": str(delta), "by": by}
            await self._events.append(Event(EventKind.POSITION_ADOPTED, self.name, self._clock.now(), data))
        return delta

    async def _set_mode(self, change: Callable[[Memory], Memory], kind: EventKind, said: Mapping[str, str]) -> None:
        """The switch is thrown before anything is awaited: an order about to leave sees it. Once more is no event.

        What counts from now on is told also where it cannot be kept.
        """
        self._remember_kernel(change(self._remembered.kernel))
        stopped, now = self._stopped(), self._clock.now()
        if not stopped:
            self._wishes.take_back()
        self._remembered = replace(self._remembered, flattening=self._wishes.is_flattening)
        kept_and_told = [self._save()]
        if stopped != self._announced:
            self._announced = stopped
            kept_and_told.append(self._events.log.append(Event(kind, self.name, now, said)))
        await all_of(kept_and_told)
        if stopped:  # now, not at the next look: a tap that comes before it must not count after a /resume
            await self._grants.refresh(self._config(), now, stopped=stopped)
            await self._wishes.stopped(Reason.HALTED if stopped == "halted" else Reason.PAUSED, now)

    def _take_back(self) -> None:
        """Beside the command, so that a slow venue delays no other hedge's halt. What fails, the next look repeats."""
        self._taking_back = asyncio.create_task(self._plans.withdraw_all())
        self._taking_back.add_done_callback(self._taken_back)

    def _taken_back(self, task: asyncio.Task[bool]) -> None:
        if not task.cancelled() and (error := task.exception()):
            log.warning("what rests could not be taken back at once", hedge=self.name, error=str(error))

    def _stopped(self) -> str:
        return memory.stopped(self._remembered.kernel)

    def _may_send(self) -> bool:
        return not self._stopped() and self._is_recent()

    def _is_recent(self) -> bool:
        """Asked again at the last moment: requests that came after the look may have taken long. Facts from later
        than now were read before the clock was set back."""
        if self._seen is None or self._seen.venue is None:
            return False
        account, market = self._seen.venue.account, self._seen.venue.market
        oldest = timedelta(seconds=self._config().max_price_age_seconds)
        now = self._clock.now()
        return all(abs(now - facts.as_of) <= oldest for facts in (account, market))

    async def _standing(self, approval: Approval | None, wish: Wish | None, seen: Observation) -> Standing:
        now = seen.at
        unapproved = await self._journal.unapproved_fills_quote(
            self.name, now - timedelta(hours=1), confirmed=COMMANDED_TEXTS
        )
        left = approval.quantity_base - approval.used_base if approval else Decimal(0)
        return Standing(
            active=await self._plans.active(),
            approval=approval,
            granted_left_base=left,
            rebalances_last_hour=self._remembered.rebalances_since(milliseconds(now) - HOUR_MS),
            unapproved_sell_quote=unapproved[OrderSide.SELL],
            unapproved_buy_quote=unapproved[OrderSide.BUY],
            reserved_quote=reserved_before(self.name, tuple(self._claims.values())),
            request=wish.request if wish else Request.NONE,
            request_most_base=wish.most_base if wish else None,
        )

    def _take_in(self, decision: Decision, seen: Observation, standing: Standing) -> None:
        before = State(self._remembered.kernel.state)
        transition(before, State(decision.state))
        if self._decision is None or (self._decision.state, self._decision.reason) != (decision.state, decision.reason):
            log.info(
                "decision",
                hedge=self.name,
                state=State(decision.state).text,
                reason=Reason(decision.reason).text,
                gap_quote=f"{decision.gap_quote:.2f}",
                band_quote=f"{decision.band_quote:.2f}",
                detail=seen.detail,
            )
        self._decision, self._seen, self._standing_then = decision, seen, standing
        self._remembered = replace(
            self._remembered,
            kernel=decision.memory,
            life=self._observer.life,
            known_pair=self._observer.known_pair,
        )
        self._stake_claim(decision, seen, standing)

    def _stake_claim(self, decision: Decision, seen: Observation, standing: Standing) -> None:
        """Tell the account's other hedges what margin an increase, under way or held back for margin, will take."""
        size_base, at_work = self._increase(decision, standing)
        if not size_base or seen.venue is None:
            self._claims.pop(self.name, None)
            return
        margin_quote = size_base * seen.venue.market.mid * seen.venue.account.initial_rate
        gap_in_bands = decision.gap_quote / decision.band_quote if decision.band_quote else decision.gap_quote
        self._claims[self.name] = Claim(self.name, margin_quote, gap_in_bands, at_work=at_work)

    def _increase(self, decision: Decision, standing: Standing) -> tuple[Decimal, bool]:
        """(its size in BASE, zero for none; whether it is under way)."""
        if decision.action == Action.ADJUST and not decision.reduce_only:
            return abs(decision.quantity_steps) * self._rules.step_size, True
        if standing.active is not None and not standing.active.plan.reduce_only:
            return standing.active.left_base, True
        if decision.reason == Reason.LOW_MARGIN:
            return abs(decision.wanted_steps) * self._rules.step_size, False
        return Decimal(0), False

    async def _note(self, outcome: Outcome, decision: Decision, wish: Wish | None) -> None:
        if outcome.plan_ended:
            self._claims.pop(self.name, None)
        if outcome.withdrawn:
            self._remember_kernel(withdrawn(self._remembered.kernel))
        if outcome.step is not None:
            self._note_step(outcome.step, outcome, decision)
        began = outcome.step is not None
        flat = not began and self._is_surely_flat()
        await self._wishes.settle(wish, decision, began=began, flat=flat, now=self._clock.now())
        self._remembered = replace(self._remembered, flattening=self._wishes.is_flattening)
        await self._save()

    def _note_step(self, step: Step, outcome: Outcome, decision: Decision) -> None:
        if step.end is not StepEnd.RESTS or step.executed_base:
            self._observer.orders_ended()
        self._count(outcome.plan_id, outcome.plan_executed_base)
        self._remember_kernel(memory.overruled(self._remembered.kernel, decision))
        if step.end in SHORT_OF_WHOLE:
            log.warning("order not filled whole", hedge=self.name, end=step.end.name, detail=step.detail)

    def _is_surely_flat(self) -> bool:
        """As the last look says, if that look can be believed; what is under a lot cannot be closed."""
        seen = self._seen
        if seen is None or seen.venue is None or seen.order_unknown or seen.venue_problem not in CLOSING_GOES_ON:
            return False
        account = seen.venue.account
        return max(account.long_base, account.short_base) < max(self._rules.step_size, self._rules.market_step_size)

    def _count(self, plan_id: str, executed_base: Decimal) -> None:
        self._restate()
        self._remembered = self._remembered.with_fills(plan_id, executed_base, milliseconds(self._clock.now()))

    async def _remember_life(self, life: LifeMemory) -> None:
        self._observer.life = life
        self._remembered = replace(self._remembered, life=life)
        await self._save()

    def _remember_kernel(self, kernel: Memory) -> None:
        self._remembered = replace(self._remembered, kernel=kernel)

    async def _save(self) -> None:
        remembered = self._remembered
        if remembered != self._saved:
            await self._store.save(self.name, to_json(remembered), self._clock.now())
            self._saved = remembered


def _confirmed_account(seen: Observation) -> PerpAccount:
    """Raises Refused for one that cannot be believed yet."""
    if seen.venue is None or seen.venue_problem in (Reason.STALE_VENUE, Reason.NO_PRICE) or seen.order_unknown:
        raise Refused(f"The exchange's position cannot be read now: {seen.detail}.", code="unread")
    if seen.venue_problem is Reason.IMPLAUSIBLE_READ:
        raise Refused(f"{seen.detail}: send /adopt again in a few seconds.", code="unconfirmed")
    return seen.venue.account
