"""One fresh read of everything and the decision that would be taken, without a running service and without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from bot.chain_feeds import ChainFeeds
from bot.chat_settings.effective import effective
from bot.venues import perp_venue
from core.clock import Clock
from core.config import HedgeConfig
from core.errors import LpHedgeError, Refused
from core.execution.active_plan import ActivePlan, rests
from core.execution.reconcile import FLAT, Comparison, Match, venue_legs
from core.facts import Market, OrderSide
from core.feeds import ChainFeed, VenueFacts, VenueFeed
from core.halting import HALT, meant_by_halt
from core.hedge_memory import HOUR_MS, Remembered, from_json
from core.hedging import memory
from core.hedging.departed import without_grace
from core.hedging.freshness import AgeLimits, chain_problem, venue_problem
from core.hedging.kernel import decide
from core.hedging.lifecycle import LpView, observe
from core.hedging.pairing import wrong_perp
from core.hedging.policy import policy_from
from core.hedging.states import COMMANDED_TEXTS, Reason, Request
from core.kernel_facts import Standing, kernel_facts, milliseconds
from core.observation import Observation, life_rules
from core.ports import PerpVenue
from core.status import HedgeStatus
from core.status_view import Beside, hedge_status, waiting_id
from core.stops import shown_stopped, stop_of
from storage.store import Store

if TYPE_CHECKING:
    from bot.settings import Settings

NO_STANDING = Standing(
    active=None,
    approval=None,
    granted_left_base=Decimal(0),
    rebalances_last_hour=0,
    unapproved_sell_quote=Decimal(0),
    unapproved_buy_quote=Decimal(0),
    reserved_quote=Decimal(0),
    request=Request.NONE,
)


class PaperGlance:
    """The paper account as it is stored; what reading it would change is not written back."""

    def __init__(self, store: Store | None) -> None:
        self._store = store

    async def load(self) -> str | None:
        return await self._store.paper.load() if self._store else None

    async def save(self, account: str, at: datetime) -> None:
        """Looking is not trading."""


async def read_once(settings: Settings, clock: Clock) -> tuple[HedgeStatus, ...]:
    """Every hedge's status. A read that failed leaves its figures unknown and says why in `detail`."""
    async with AsyncExitStack() as stack:
        store = await Store.open_existing(settings.database_path, scope=settings.scope, clock=clock)
        if store is not None:
            await stack.enter_async_context(store)
            now = effective(settings.config, await store.overrides.all())
            settings = replace(settings, config=now.config)
        venue, _ = perp_venue(settings, PaperGlance(store), clock)
        stack.push_async_callback(venue.aclose)
        followed = await store.followed.by_hedge(settings.config.hedges) if store is not None else {}
        chains = ChainFeeds(settings, clock, followed)
        stack.push_async_callback(chains.aclose)
        symbols = [hedge.symbol for hedge in settings.config.hedges.values()]
        troubles, _ = await asyncio.gather(_prepared(venue, symbols), chains.prepare())
        glances = [
            Glance(name, tuple(settings.config.hedges), hedge, chains.by_hedge[name], venue, store, clock)
            for name, hedge in settings.config.hedges.items()
        ]
        return tuple(
            await asyncio.gather(*(glance.status(troubles.get(glance.config.symbol, "")) for glance in glances))
        )


async def _prepared(venue: PerpVenue, symbols: list[str]) -> Mapping[str, str]:
    """By symbol, a sentence why the venue cannot be used for it; one that is refused alone spoils no other."""
    try:
        await venue.prepare(symbols)
    except Refused as error:
        if len(symbols) > 1:
            return dict(zip(symbols, [(await _prepared(venue, [each])).get(each, "") for each in symbols], strict=True))
        return dict.fromkeys(symbols, str(error))
    except LpHedgeError as error:
        return dict.fromkeys(symbols, str(error))
    return {}


@dataclass(frozen=True, slots=True)
class Glance:
    """One hedge, looked at once. `names`: of all hedges."""

    name: str
    names: Sequence[str]
    config: HedgeConfig
    chain: ChainFeed
    venue: PerpVenue
    store: Store | None
    clock: Clock

    async def status(self, venue_trouble: str) -> HedgeStatus:
        remembered = await self._remembered()
        chain, venue = await asyncio.gather(self.chain.facts(self.name, max_age_s=0.5), self._venue(venue_trouble))
        now = self.clock.now()
        limits = AgeLimits(
            timedelta(seconds=self.config.max_chain_age_seconds), timedelta(seconds=self.config.max_price_age_seconds)
        )
        facts, trouble = venue
        both = "; ".join(each for each in (trouble, chain.trouble) if each)
        counted = life_rules(self.config, self.venue.rules(self.config.symbol) if facts else None)
        lp = observe(chain.value, remembered.life, counted, now)[0] if chain.value else None
        seen = await self._judged(lp, facts, limits, now, remembered.known_pair, both)
        standing = await self._standing(remembered, now)
        if facts is None:
            blind = hedge_status(self.name, self.config, seen, None, trouble=seen.detail, now=now)
            blind = replace(blind, reason=seen.venue_problem.text, approval_id=waiting_id(standing.approval))
            return shown_stopped(blind, stop_of(remembered.kernel))
        rules = self.venue.rules(self.config.symbol)
        policy = without_grace(policy_from(self.config, rules), remembered.life)
        decision = decide(kernel_facts(seen, standing, self.config, rules.step_size), policy, remembered.kernel)
        beside = Beside(decision.memory, remembered.life, rules, standing.active, standing.approval, None)
        return hedge_status(self.name, self.config, seen, decision, trouble="", now=now, beside=beside)

    async def _remembered(self) -> Remembered:
        """As the next decision will find it: a halt that waits to be read counts."""
        if self.store is None:
            return Remembered()
        text = await self.store.memory.load(self.name)
        remembered = from_json(text) if text else Remembered()
        waiting = await self.store.commands.pending()
        if any(row.name == HALT and self.name in meant_by_halt(row.args, self.names).hedges for row in waiting):
            return replace(remembered, kernel=memory.halted(remembered.kernel))
        return remembered

    async def _venue(self, trouble: str) -> tuple[VenueFacts | None, str]:
        if trouble:
            return None, trouble
        reading = await VenueFeed(self.venue, self.config.symbol, self.clock).read(max_age_s=0)
        return reading.value, reading.trouble or ""

    async def _judged(
        self,
        lp: LpView | None,
        facts: VenueFacts | None,
        limits: AgeLimits,
        now: datetime,
        known_pair: str,
        detail: str,
    ) -> Observation:
        comparison = await self._comparison(facts)
        reason, wrong = self._venue_problem(lp, facts, comparison, limits, now, known_pair)
        unsettled = await self.store.journal.unsettled_orders(self.config.symbol) if self.store else ()
        return Observation(
            at=now,
            lp=lp,
            venue=facts,
            chain_problem=chain_problem(lp.facts if lp else None, limits, now),
            venue_problem=reason,
            order_unknown=not all(rests(order) for order in unsettled),
            comparison=comparison,
            detail=wrong if reason is Reason.WRONG_SYMBOL else detail or wrong,
        )

    def _venue_problem(
        self,
        lp: LpView | None,
        facts: VenueFacts | None,
        comparison: Comparison | None,
        limits: AgeLimits,
        now: datetime,
        known_pair: str,
    ) -> tuple[Reason, str]:
        """The first that stands in the way, and a sentence about it where there is one."""
        if facts is None:
            return venue_problem(None, None, limits, now, not_before=None), ""
        reason = venue_problem(facts.account, facts.market, limits, now, not_before=None)
        if reason is not Reason.NONE:
            return reason, ""
        if comparison is not None and comparison.match is not Match.MATCHED:
            return Reason.POSITION_MISMATCH, comparison.detail
        wrong = self._wrong_symbol(lp, facts.market, known_pair)
        return (Reason.WRONG_SYMBOL, wrong) if wrong else (Reason.NONE, "")

    def _wrong_symbol(self, lp: LpView | None, market: Market, known_pair: str) -> str | None:
        """A sentence; None also where the pool was not read."""
        if lp is None:
            return None
        return wrong_perp(lp.facts, market, self.venue.rules(self.config.symbol), known_pair=known_pair)

    async def _comparison(self, facts: VenueFacts | None) -> Comparison | None:
        if facts is None:
            return None
        journal = (await self.store.journal.positions(self.config.symbol) if self.store else None) or FLAT
        venue = venue_legs(facts.account)
        return Comparison(Match.MATCHED if venue == journal else Match.MISMATCHED, venue, journal)

    async def _standing(self, remembered: Remembered, now: datetime) -> Standing:
        if self.store is None:
            return NO_STANDING
        journal = self.store.journal
        unapproved = await journal.unapproved_fills_quote(
            self.name, now - timedelta(hours=1), confirmed=COMMANDED_TEXTS
        )
        plan = await journal.active_plan(self.name)
        live = await self.store.approvals.live(self.name)
        approval = live[0] if live else None
        return Standing(
            active=ActivePlan(plan, await journal.plan_orders(plan.plan_id)) if plan else None,
            approval=approval,
            granted_left_base=approval.quantity_base - approval.used_base if approval else Decimal(0),
            rebalances_last_hour=remembered.rebalances_since(milliseconds(now) - HOUR_MS),
            unapproved_sell_quote=unapproved[OrderSide.SELL],
            unapproved_buy_quote=unapproved[OrderSide.BUY],
            reserved_quote=Decimal(0),
            request=Request.NONE,
        )
