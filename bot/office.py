"""The operator's side of one database, put together: what is told, asked, answered, and kept for reports."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from bot.accounts import Accounts, kept_health
from bot.board import BoardContent
from bot.chat_settings.desk import Settings
from bot.daily_report import DailyReport
from bot.day_result import DayResult
from bot.live_config import LiveConfig
from bot.logs import LogRing
from bot.notifier import Notifier
from bot.operator import OperatorService
from bot.probes import database_items, freshness_items, memory_items
from bot.rendering.health import HealthItem
from bot.version import VERSION
from bot.views import Identity, Sources, Views, all_views
from bot.views.money import Money
from core.approval_desk import ApprovalDesk
from core.clock import Clock
from core.config import Config
from core.engine import Engine
from core.errors import Transient
from core.facts import Market
from core.outlook import Outlook
from core.series_keeping import SeriesKeeper
from core.status import HedgeStatus
from storage.store import Store


class EngineSlot:
    """`EngineOutlooks` for front ends that are there before the engine is, and outlive its making."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.engine: Engine | None = None

    def hedge_names(self) -> tuple[str, ...]:
        """The configured ones, so they are known before there is an engine."""
        return tuple(self._config.hedges)

    def statuses(self) -> tuple[HedgeStatus, ...]:
        """Empty before there is an engine."""
        return self.engine.statuses() if self.engine else ()

    def outlook(self, hedge: str) -> Outlook | None:
        """None before there is an engine."""
        return self.engine.outlook(hedge) if self.engine else None

    def wake(self, hedge: str | None = None) -> None:
        """Nothing before there is an engine, which begins by looking at everything."""
        if self.engine is not None:
            self.engine.wake(hedge)

    async def halt(self, words: Sequence[str], by: str) -> str:
        """Raises Transient before there is an engine."""
        if self.engine is None:
            raise Transient("lp-hedge is still starting, so nothing trades yet, and a halt cannot be written down")
        return await self.engine.halt(words, by)

    def stir(self, hedge: str) -> None:
        """Nothing before there is an engine."""
        if self.engine is not None:
            self.engine.stir(hedge)

    def is_concerned(self, hedge: str, market: Market) -> bool:
        """False before there is an engine."""
        return self.engine is not None and self.engine.is_concerned(hedge, market)


class Bell:
    """Rung when the outbox has something new; whoever delivers listens, once there is one."""

    def __init__(self) -> None:
        self._listener: Callable[[], None] = lambda: None

    def listen(self, listener: Callable[[], None]) -> None:
        """In place of whoever listened before."""
        self._listener = listener

    def ring(self) -> None:
        """Not kept for later: whoever comes to listen looks into the outbox first."""
        self._listener()


@dataclass(frozen=True, slots=True)
class Office:
    """The operator's side of one database: what is told, asked and answered.

    A front end listens to `bell` and adds itself to `probes`, which `/health` asks. Whoever runs the engine keeps
    `notifier`, `daily` and `series` running beside it: what fails in these never stops a hedge.
    """

    config: LiveConfig
    slot: EngineSlot
    bell: Bell
    probes: list[Callable[[], Sequence[HealthItem]]]
    notifier: Notifier
    desk: ApprovalDesk
    operator: OperatorService
    views: Views
    settings: Settings
    daily: DailyReport
    board: BoardContent
    series: SeriesKeeper

    def health(self) -> list[HealthItem]:
        """As `/health` shows it, but for what has to be waited for."""
        fresh = freshness_items(self.slot.statuses(), self.config.now.hedges)
        return [*fresh, *(item for probe in self.probes for item in probe())]


def open_office(
    config: Config,
    store: Store,
    clock: Clock,
    zone: tzinfo,
    *,
    logs: LogRing | None = None,
    people: Clock | None = None,
    shown_mode: str | None = None,
) -> Office:
    """`people`: the clock of those who answer, where the market's runs faster. `shown_mode`: what people are told that
    this is, where it is not the configuration's mode."""
    live, slot, bell = LiveConfig(config), EngineSlot(config), Bell()
    accounts = Accounts(store.series, store.journal, store.income, live)
    notifier = _notifier(store, live, bell, accounts, clock, zone)
    desk = ApprovalDesk(approvals=store.approvals, events=notifier, clock=clock, wake=slot.wake)
    settings = Settings(live=live, overrides=store.overrides, events=notifier, wake=slot.wake, clock=clock, zone=zone)
    sources = _sources(store, live, slot, accounts, settings, logs or LogRing())
    identity = Identity(VERSION, shown_mode or config.mode, zone, clock.now())
    views = all_views(sources, identity, clock)
    operator = OperatorService(
        engine=slot,
        desk=desk,
        commands=store.commands,
        confirmations=store.confirmations,
        offers=store.offers,
        audit=store.audit,
        settings=settings,
        views=views,
        clock=people or clock,
        zone=zone,
    )
    series = SeriesKeeper(engine=slot, series=store.series)
    sources.probes.append(partial(kept_health, series, clock))
    return Office(
        config=live,
        slot=slot,
        bell=bell,
        probes=sources.probes,
        notifier=notifier,
        desk=desk,
        operator=operator,
        views=views,
        settings=settings,
        daily=_daily(store, live, bell, Money(sources, identity, clock), clock, zone),
        board=BoardContent(slot, live, clock, zone, mode=identity.mode),
        series=series,
    )


def _notifier(store: Store, live: LiveConfig, bell: Bell, accounts: Accounts, clock: Clock, zone: tzinfo) -> Notifier:
    return Notifier(
        log=store.events,
        outbox=store.outbox,
        approvals=store.approvals,
        offers=store.offers,
        config=live,
        clock=clock,
        zone=zone,
        poke=bell.ring,
        day_result=DayResult(accounts, clock, zone),
    )


def _sources(
    store: Store, live: LiveConfig, slot: EngineSlot, accounts: Accounts, settings: Settings, logs: LogRing
) -> Sources:
    return Sources(
        engine=slot,
        approvals=store.approvals,
        events=store.events,
        fills=store.journal,
        outbox=store.outbox,
        commands=store.commands,
        income=store.income,
        accounts=accounts,
        config=live,
        settings=settings.all,
        probes=[partial(database_items, store.database.path), memory_items],
        logs=logs,
    )


def _daily(store: Store, live: LiveConfig, bell: Bell, money: Money, clock: Clock, zone: tzinfo) -> DailyReport:
    return DailyReport(
        write=money.daily,
        outbox=store.outbox,
        notes=store.meta,
        scope=store.scope,
        config=live,
        clock=clock,
        zone=zone,
        poke=bell.ring,
    )
