"""Puts the engine together from adapters: the same for the live service, paper mode and the demo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from bot.live_config import LiveConfig
from bot.office import Office
from bot.probes import stream_items, task_items
from core.account_keeping import TURN_S as ACCOUNT_TURN_S
from core.account_keeping import AccountKeeper, BanWatch
from core.actions import Actions
from core.chain_watch import ChainWatch
from core.clock import Clock, network_s
from core.command_desk import CommandDesk
from core.config import Config, HedgeConfig
from core.engine import COMMANDS, Engine
from core.errors import ConfigurationError, Refused
from core.execution.bookkeeping import Bookkeeper
from core.execution.dead_man import DeadMansSwitch
from core.execution.executor import Executor
from core.execution.left_resting import take_back_unread
from core.execution.order_ids import PlanIds
from core.execution.outcome import OutcomeResolver
from core.execution.plans import PlanBook
from core.execution.reconcile import Reconciler
from core.facts import SymbolRules
from core.feeds import ChainFeed, VenueFeed
from core.following import Following
from core.grants import Grants
from core.hedge import Hedge
from core.hedging.margin import Claim
from core.hedging.policy import policy_from
from core.held_events import HeldEvents
from core.late_hedge import LateHedge, Opening
from core.observation import Observer
from core.ports import PerpVenue
from core.runner import HedgeRunner
from core.stops import Stops
from core.supervision import Task
from core.venue_watch import Streams, VenueWatch
from core.words_owed import tell_what_is_owed
from storage.store import Store

# A long account is read page by page, behind whatever trades.
ACCOUNT_ALLOWED_S = 900.0


async def build_engine(
    config: Config,
    *,
    chains: Mapping[str, ChainFeed],
    venue: PerpVenue,
    store: Store,
    office: Office,
    clock: Clock,
    began: datetime,
    watches: Sequence[ChainWatch] = (),
    streams: Streams | None = None,
    people: Clock | None = None,
) -> Engine:
    """`chains` by hedge; hedges may share one. `began`: since when trades can be ours. `watches` wake `office.slot`.
    `streams`: what the venue tells by itself. `people`: the clock of those who command, where the market's runs faster.

    A symbol that `venue` did not prepare is prepared later, by its hedge. Raises InvariantBroken when a stored memory
    cannot be read, ConfigurationError when a limit allows no order at all and nothing is held.
    """
    await office.settings.judge_by(partial(_require_possible, venue))
    await tell_what_is_owed(store.last_deeds, store.journal, office.notifier)
    claims: dict[str, Claim] = {}
    plan_ids, stops = PlanIds(), Stops(store.memory)
    bookkeeper = Bookkeeper(venue=venue, journal=store.journal, events=office.notifier, clock=clock, start=began)
    venue_watch = _venue_watch(streams, config, venue, bookkeeper, office, clock) if streams else None
    runners: dict[str, Hedge] = {}
    for name in config.hedges:
        parts = _HedgeParts(
            name, office.config, chains, venue, store, office, clock, bookkeeper, plan_ids, claims, stops, venue_watch
        )
        runners[name] = await parts.hedge()
    feeds = {name: chains[name] for name in config.hedges}
    following = Following(feeds=feeds, followed=store.followed, events=office.notifier, clock=clock)
    commands = CommandDesk(
        runners=runners, following=following, queue=store.commands, desk=office.desk, clock=clock, people=people
    )
    tasks = _beside(watches, venue=venue, store=store, office=office, clock=clock, began=began)
    if venue_watch is not None:
        tasks += [Task(name, loop) for name, loop in venue_watch.loops().items()]
        office.probes.append(partial(stream_items, venue_watch))
    engine = Engine(
        runners=runners,
        commands=commands,
        events=office.notifier,
        clock=clock,
        beside=tasks,
        stop_of=stops.of,
        evaluated=office.series.looked,
    )
    office.slot.engine = engine
    vital = (*config.hedges, COMMANDS)
    office.probes.append(lambda: task_items(engine.lives(), "running beside the hedges", vital=frozenset(vital)))
    return engine


def _require_possible(venue: PerpVenue, hedge: HedgeConfig) -> None:
    """Raises ConfigurationError when a limit allows no order at all, as far as the venue's rules are known."""
    try:
        rules = venue.rules(hedge.symbol)
    except Refused:
        return
    policy_from(hedge, rules)


def _venue_watch(
    streams: Streams, config: Config, venue: PerpVenue, bookkeeper: Bookkeeper, office: Office, clock: Clock
) -> VenueWatch:
    def is_known(symbol: str) -> bool:
        try:
            return bool(venue.rules(symbol))
        except Refused:
            return False

    return VenueWatch(
        streams=streams,
        hedges={hedge.symbol: name for name, hedge in config.hedges.items()},
        is_known=is_known,
        bookkeeper=bookkeeper,
        concerns=office.slot.is_concerned,
        wake=office.slot.stir,
        events=office.notifier,
        clock=clock,
    )


def _beside(
    watches: Sequence[ChainWatch], *, venue: PerpVenue, store: Store, office: Office, clock: Clock, began: datetime
) -> list[Task]:
    """What runs beside the hedges; none of it trades."""
    keeper = AccountKeeper(venue=venue, engine=office.slot, income=store.income, clock=clock, began=began)
    account_allowed_s = partial(network_s, clock, ACCOUNT_ALLOWED_S)
    bans = BanWatch(venue=venue, engine=office.slot, events=office.notifier, clock=clock)
    return [
        Task("account history", keeper.turn, every_s=ACCOUNT_TURN_S, allowed_s=account_allowed_s),
        Task("bans", bans.run),
        *(Task(f"news of {watch.chain}", watch.run) for watch in watches),
    ]


@dataclass(frozen=True, slots=True)
class _HedgeParts:
    name: str
    config: LiveConfig
    chains: Mapping[str, ChainFeed]
    venue: PerpVenue
    store: Store
    office: Office
    clock: Clock
    bookkeeper: Bookkeeper
    plan_ids: PlanIds
    claims: dict[str, Claim]
    stops: Stops
    venue_watch: VenueWatch | None

    async def hedge(self) -> Hedge:
        symbol = self._current().symbol
        try:
            self.venue.rules(symbol)
            return await self.runner()
        except Refused:
            return self._late(symbol)
        except ConfigurationError:
            if not await self.store.holds_position():
                raise
            return self._late(symbol)  # a short is not left alone over a mistake

    def _late(self, symbol: str) -> LateHedge:
        return LateHedge(
            self.name,
            config=self._current,
            opening=Opening(
                prepare=partial(self.venue.prepare, [symbol]),
                build=self.runner,
                take_back=partial(take_back_unread, self.venue, self.store.journal, symbol),
            ),
            desk=self.office.desk,
            chain=self.chains[self.name],
            memory_store=self.stops,
            events=self.office.notifier,
            clock=self.clock,
        )

    async def runner(self) -> HedgeRunner:
        """Raises ConfigurationError when no order could pass both the limits and the venue's rules."""
        hedge = self._current()
        rules = self.venue.rules(hedge.symbol)
        policy_from(hedge, rules)
        journal, events, clock = self.store.journal, HeldEvents(self.office.notifier), self.clock
        bookkeeper = self.bookkeeper
        resolver = OutcomeResolver(venue=self.venue, journal=journal, bookkeeper=bookkeeper, events=events, clock=clock)
        executor = Executor(venue=self.venue, journal=journal, bookkeeper=bookkeeper, events=events, clock=clock)
        reconciler = Reconciler(
            hedge=self.name,
            symbol=hedge.symbol,
            venue=self.venue,
            journal=journal,
            bookkeeper=bookkeeper,
            events=events,
            clock=clock,
        )
        plans = PlanBook(
            self.name,
            config=self._current,
            rules=rules,
            executor=executor,
            switch=DeadMansSwitch(self.venue, hedge.symbol, clock),
            journal=journal,
            events=events,
            clock=clock,
            plan_ids=self.plan_ids,
        )
        runner = HedgeRunner(
            self.name,
            config=self._current,
            rules=rules,
            observer=self._observer(resolver, reconciler),
            reconciler=reconciler,
            plans=plans,
            grants=Grants(self.name, desk=self.office.desk, events=events, step_base=rules.step_size),
            actions=lambda may_send: self._actions(plans, events, rules, may_send),
            journal=journal,
            memory_store=self.stops,
            events=events,
            claims=self.claims,
            clock=clock,
            leaps=self.office.desk.leaps,
        )
        await runner.start()
        return runner

    def _actions(
        self, plans: PlanBook, events: HeldEvents, rules: SymbolRules, may_send: Callable[[], bool]
    ) -> Actions:
        return Actions(
            self.name,
            plans=plans,
            desk=self.office.desk,
            approvals=self.store.approvals,
            events=events,
            rules=rules,
            may_send=may_send,
        )

    def _current(self) -> HedgeConfig:
        return self.config.hedge(self.name)

    def _observer(self, resolver: OutcomeResolver, reconciler: Reconciler) -> Observer:
        hedge = self._current()
        return Observer(
            hedge=self.name,
            symbol=hedge.symbol,
            chain=self.chains[self.name],
            venue=VenueFeed(self.venue, hedge.symbol, self.clock, self.venue_watch),
            resolver=resolver,
            reconciler=reconciler,
            rules=self.venue.rules(hedge.symbol),
            clock=self.clock,
            leaps=self.office.desk.leaps,
        )
