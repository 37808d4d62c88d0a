"""One look at the world: chain and venue read together, each judged, and what may not be believed named."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.clock import Clock, Leaps, NewLeaps
from core.config import HedgeConfig
from core.errors import Refused, Transient
from core.execution.outcome import OutcomeResolver, Unsettled
from core.execution.reconcile import Comparison, Match, Reconciler
from core.facts import LpFacts, SymbolRules
from core.feeds import ChainFeed, Reading, VenueFacts, VenueFeed
from core.hedging.estimate import estimated_at
from core.hedging.freshness import AgeLimits, chain_problem, dislocated_since, is_dislocated, venue_problem
from core.hedging.life_memory import LifeMemory
from core.hedging.lifecycle import LifeRules, LpView, observe
from core.hedging.pairing import pair_key, wrong_perp
from core.hedging.plausibility import Doubt, doubt_lp
from core.hedging.states import LpState, Reason
from core.ports import JournalOrder

# Hedges of one chain that evaluate at the same time share a read this young.
SHARED_READ_S = 0.5
# Waited for the chain: a third of the age at which a price is too old, at most.
CHAIN_PATIENCE_S = 3.0
ESTIMATE_FOR_S = 3600.0
NO_MARK = (Reason.NO_PRICE, Reason.STALE_VENUE)


@dataclass(frozen=True, slots=True)
class Observation:
    """`lp`, `venue`: the last that were believed, None before the first. A problem makes its figures display only.

    `detail`: a sentence about the gravest problem, empty when there is none. `estimated`: the chain is blind and the
    last confirmed liquidity is valued at the perp's mark instead. `resting`: our orders that are open by intention.
    """

    at: datetime
    lp: LpView | None
    venue: VenueFacts | None
    chain_problem: Reason
    venue_problem: Reason
    order_unknown: bool
    comparison: Comparison | None
    detail: str
    estimated: bool = False
    resting: tuple[JournalOrder, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether every figure may be acted on."""
        return not self.order_unknown and self.is_believed

    @property
    def is_believed(self) -> bool:
        """Both sides, as they were read; an order may be in doubt still."""
        return self.chain_problem is Reason.NONE and self.venue_problem is Reason.NONE


class Observer:
    """Reads for one hedge and remembers what it believed."""

    def __init__(
        self,
        *,
        hedge: str,
        symbol: str,
        chain: ChainFeed,
        venue: VenueFeed,
        resolver: OutcomeResolver,
        reconciler: Reconciler,
        rules: SymbolRules,
        clock: Clock,
        leaps: Leaps,
    ) -> None:
        self._hedge = hedge
        self._symbol = symbol
        self._chain = chain
        self._venue = venue
        self._resolver = resolver
        self._reconciler = reconciler
        self._rules = rules
        self._clock = clock
        self._leaps = NewLeaps(leaps)
        self.life = LifeMemory()
        self.known_pair = ""
        self._lp: LpView | None = None
        self._lp_at_s = 0.0  # when the block was made that it was believed at, by monotonic time
        self._doubt: Doubt | None = None
        self._dislocated_since: datetime | None = None
        self._orders_ended_at: datetime | None = None

    def orders_ended(self) -> None:
        """An order of ours ended now: a position read before this moment no longer counts."""
        self._orders_ended_at = self._clock.now()
        self._venue.forget_account()

    def restate(self) -> None:
        """What is remembered with a time moves along with a wall clock that was set."""
        if leapt := self._leaps.take():
            self.life = self.life.moved(leapt)
            self._dislocated_since = self._dislocated_since and self._dislocated_since + leapt

    async def look(self, config: HedgeConfig) -> Observation:
        """Orders in doubt are asked about first. A read that fails raises nothing: it is a problem in the answer."""
        orders, in_doubt = await self._settle()
        patience_s = min(CHAIN_PATIENCE_S, config.max_price_age_seconds / 3)
        chain, venue = await asyncio.gather(
            self._chain.facts(self._hedge, max_age_s=SHARED_READ_S, patience_s=patience_s),
            self._venue.read(max_age_s=config.max_price_age_seconds / 3),
        )
        self.restate()
        now = self._clock.now()
        limits = AgeLimits(
            timedelta(seconds=config.max_chain_age_seconds), timedelta(seconds=config.max_price_age_seconds)
        )
        chain_reason, chain_detail = self._judge_chain(chain, config, limits, now)
        venue_reason, venue_detail, comparison = await self._judge_venue(venue, limits, now, in_flight=bool(in_doubt))
        seen = Observation(
            at=now,
            lp=self._lp,
            venue=venue.value,
            chain_problem=chain_reason,
            venue_problem=venue_reason,
            order_unknown=bool(in_doubt),
            comparison=comparison,
            detail=in_doubt or venue_detail or chain_detail,
            resting=orders.resting,
        )
        if chain_reason is Reason.NONE and chain_detail:
            return self._estimated(seen)
        return self._paired(seen, chain.value)

    def _estimated(self, seen: Observation) -> Observation:
        """Of a chain that is blind and may be estimated."""
        estimate = self._estimate(seen.venue, seen.venue_problem)
        if estimate is None:
            return replace(seen, chain_problem=Reason.STALE_CHAIN)
        return replace(seen, lp=estimate, estimated=True)

    def _estimate(self, venue: VenueFacts | None, problem: Reason) -> LpView | None:
        """None where the venue has a problem itself: then its mark is nothing to estimate by.

        A mark that has just left its index does not wait for its minute: nothing else guards an estimate.
        """
        if self._lp is None or venue is None or problem in NO_MARK or self._dislocated_since is not None:
            return None
        return estimated_at(self._lp, venue.market.mark_price)

    def _paired(self, seen: Observation, lp: LpFacts | None) -> Observation:
        """Until once they were seen to be of one asset; then prices that part are the market's."""
        if lp is None or seen.venue is None or not seen.is_believed:
            return seen
        if wrong := wrong_perp(lp, seen.venue.market, self._rules, known_pair=self.known_pair):
            return replace(seen, venue_problem=Reason.WRONG_SYMBOL, detail=seen.detail or wrong)
        self.known_pair = pair_key(lp, self._rules)
        return seen

    async def deepened(self, seen: Observation) -> Observation:
        """With the whole visible book, for an order larger than the part of it that is told."""
        return replace(seen, venue=await self._venue.deepened(seen.venue)) if seen.venue else seen

    async def _settle(self) -> tuple[Unsettled, str]:
        """(what is not settled, a sentence about what is in doubt, empty when nothing is)."""
        try:
            orders = await self._resolver.settle(self._symbol)
        except (Transient, Refused) as error:
            return Unsettled(), str(error) or "it cannot be asked about now"
        if orders.executed:
            self.orders_ended()
        return orders, (orders.in_doubt[0].detail or "not final yet") if orders.in_doubt else ""

    def _judge_chain(
        self, reading: Reading[LpFacts], config: HedgeConfig, limits: AgeLimits, now: datetime
    ) -> tuple[Reason, str]:
        """(NONE, a sentence): the chain is blind and may be estimated."""
        facts = reading.value
        is_old = reading.age_s > limits.chain.total_seconds()
        problem = Reason.STALE_CHAIN if is_old else chain_problem(facts, limits, now)
        if facts is None or problem is not Reason.NONE:
            return self._judge_blind_chain(problem, reading.trouble, config)
        # Of the moment it was read: the same read seen again later, while newer ones fail, confirms nothing.
        self._doubt = doubt_lp(
            facts,
            self.life,
            self._doubt,
            max_jump_pct=config.max_jump_pct,
            wallet_counts=config.include_wallet_base,
            now=facts.as_of,
        )
        if self._doubt is not None:
            return Reason.IMPLAUSIBLE_READ, self._doubt.why
        self._lp, self.life = observe(facts, self.life, life_rules(config, self._rules), now)
        self._lp_at_s = self._clock.monotonic_s() - (now - facts.block.time).total_seconds()
        return Reason.NONE, ""

    def _judge_blind_chain(self, problem: Reason, trouble: str | None, config: HedgeConfig) -> tuple[Reason, str]:
        """`on_chain_blind = "estimate"`: for an hour, and only from liquidity that was neither in doubt nor moving."""
        confirmed = self._lp if config.on_chain_blind == "estimate" and self._doubt is None else None
        if confirmed is None or not self._may_estimate(confirmed):
            return problem, trouble or "the newest block read is too old"
        return Reason.NONE, f"chain blind, figures estimated from block {confirmed.facts.block.number}"

    def _may_estimate(self, confirmed: LpView) -> bool:
        settled = confirmed.state not in (LpState.OPENING, LpState.CLOSING)
        is_young = self._clock.monotonic_s() - self._lp_at_s <= ESTIMATE_FOR_S
        return settled and is_young

    async def _judge_venue(
        self, reading: Reading[VenueFacts], limits: AgeLimits, now: datetime, *, in_flight: bool
    ) -> tuple[Reason, str, Comparison | None]:
        facts, problem = reading.value, self._venue_problem(reading, limits, now)
        if facts is None or problem is not Reason.NONE:
            return problem, reading.trouble or "the newest reading of the exchange is too old", None
        self._dislocated_since = dislocated_since(facts.market, self._dislocated_since, now)
        if in_flight:
            self._venue.forget_account()
            return Reason.NONE, "", None
        return await self._judge_position(facts, now)

    def _venue_problem(self, reading: Reading[VenueFacts], limits: AgeLimits, now: datetime) -> Reason:
        if reading.age_s > limits.price.total_seconds():
            return Reason.STALE_VENUE
        account, market = (reading.value.account, reading.value.market) if reading.value else (None, None)
        return venue_problem(account, market, limits, now, not_before=self._not_before(reading, now))

    def _not_before(self, reading: Reading[VenueFacts], now: datetime) -> datetime | None:
        """The end of our last order. From the future, after the clock was set back, it says nothing; but then only an
        account that was just asked for is believed, as `orders_ended` made sure that it was."""
        ended_at = self._orders_ended_at
        return None if ended_at is not None and ended_at > now and reading.trouble is None else ended_at

    async def _judge_position(self, facts: VenueFacts, now: datetime) -> tuple[Reason, str, Comparison | None]:
        """Against the journal, into which the trades that it lacks are fetched first."""
        try:
            await self._reconciler.sweep(self._venue.connections)
            comparison = await self._reconciler.compare(facts.account)
        except (Transient, Refused) as error:
            return Reason.STALE_VENUE, str(error), None
        if comparison.match is not Match.MATCHED:
            self._venue.forget_account()  # one reading does not confirm itself
        return *self._venue_reason(facts, comparison, now), comparison

    def _venue_reason(self, facts: VenueFacts, comparison: Comparison, now: datetime) -> tuple[Reason, str]:
        match comparison.match:
            case Match.MISMATCHED:
                return Reason.POSITION_MISMATCH, comparison.detail
            case Match.DOUBTED:
                return Reason.IMPLAUSIBLE_READ, comparison.detail
        if is_dislocated(self._dislocated_since, now):
            market = facts.market
            return Reason.VENUE_DISLOCATED, f"mark {market.mark_price}, index {market.index_price}"
        return Reason.NONE, ""


def life_rules(config: HedgeConfig, rules: SymbolRules | None = None) -> LifeRules:
    """What is too little to count: where the configuration sets no minimum, what the venue would not trade."""
    venue_minimum = rules.min_notional_quote if rules else Decimal(0)
    return LifeRules(
        grace=timedelta(seconds=config.no_lp_grace_seconds),
        wallet_counts=config.include_wallet_base,
        fees_count=config.include_fees,
        dust_quote=config.min_notional_quote or venue_minimum,
    )
