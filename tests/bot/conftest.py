"""The operator's side over a real store and the real approval desk; the engine is a hand-written one."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import structlog

from bot.accounts import Accounts
from bot.chat_settings.desk import Settings
from bot.live_config import LiveConfig
from bot.logs import LogRing
from bot.notifier import Notifier
from bot.operator import Actor, OperatorService, PressResult, Reply
from bot.rendering.markup import plain
from bot.views import Identity, Sources, all_views
from core.approval_desk import ApprovalDesk
from core.clock import Clock, ManualClock
from core.config import Config
from core.outlook import Outlook
from core.ports import OutboxMessage
from core.status import HedgeStatus
from storage.store import Store
from tests.bot.samples import STATUS, T0, a_config

ANNA = Actor("tg:1", "Anna")
BEN = Actor("tg:2", "Ben")


class FakeEngine:
    """Statuses as set; counts wakes."""

    def __init__(self, *names: str) -> None:
        self.shown: tuple[HedgeStatus, ...] = tuple(replace(STATUS, name=name) for name in names)
        self.outlooks: dict[str, Outlook] = {}
        self.wakes: list[str | None] = []
        self.woken = asyncio.Event()

    def statuses(self) -> tuple[HedgeStatus, ...]:
        return self.shown

    def hedge_names(self) -> tuple[str, ...]:
        return tuple(status.name for status in self.shown)

    def outlook(self, hedge: str) -> Outlook | None:
        return self.outlooks.get(hedge)

    def wake(self, hedge: str | None = None) -> None:
        self.wakes.append(hedge)
        self.woken.set()

    async def halt(self, words: Sequence[str], by: str) -> str:
        raise AssertionError("a halt whose row was written needs no other")


@dataclass
class Desk:
    """Everything an operator's test needs in one hand."""

    store: Store
    clock: Clock
    engine: FakeEngine
    notifier: Notifier
    approvals: ApprovalDesk
    operator: OperatorService
    logs: LogRing
    settings: Settings
    live: LiveConfig
    accounts: Accounts

    async def say(self, text: str, *, actor: Actor = ANNA, key: str | None = None, age_s: float = 0.0) -> Reply:
        issued_at = self.clock.now() - timedelta(seconds=age_s)
        return await self.operator.submit(text, actor=actor, source="test", update_key=key, issued_at=issued_at)

    async def press(self, data: str, *, actor: Actor = ANNA) -> PressResult:
        return await self.operator.press(data, actor=actor, update_key=None, at=self.clock.now())

    async def queued(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(row.name, row.args) for row in await self.store.commands.pending()]

    async def messages(self) -> tuple[OutboxMessage, ...]:
        return await self.store.outbox.due(self.clock.now(), 1000)

    async def texts(self) -> list[str]:
        return [plain(message.text) for message in sorted(await self.messages(), key=lambda m: m.created_at)]


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, and structlog with it, put back as they were: what runs in this process may configure both."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    yield root
    structlog.reset_defaults()
    for handler in root.handlers:
        if handler not in before:
            handler.close()
    root.handlers[:] = before
    root.setLevel(level)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0, sleep_advances=True)


@pytest.fixture
async def store(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path / "lp_hedge.db", scope="paper:test", clock=clock) as opened:
        yield opened


def make_desk(store: Store, clock: Clock, *hedges: str, config: Config | None = None) -> Desk:
    engine = FakeEngine(*hedges)
    config = config or a_config(*hedges)
    live = LiveConfig(config)
    notifier = Notifier(
        log=store.events,
        outbox=store.outbox,
        approvals=store.approvals,
        offers=store.offers,
        config=live,
        clock=clock,
        zone=UTC,
    )
    approvals = ApprovalDesk(approvals=store.approvals, events=notifier, clock=clock, wake=engine.wake)
    logs = LogRing()
    settings = Settings(live=live, overrides=store.overrides, events=notifier, wake=engine.wake, clock=clock, zone=UTC)
    sources = Sources(
        engine=engine,
        approvals=store.approvals,
        events=store.events,
        fills=store.journal,
        outbox=store.outbox,
        commands=store.commands,
        income=store.income,
        accounts=(accounts := Accounts(store.series, store.journal, store.income, live)),
        config=live,
        settings=settings.all,
        logs=logs,
    )
    operator = OperatorService(
        engine=engine,
        desk=approvals,
        commands=store.commands,
        confirmations=store.confirmations,
        offers=store.offers,
        audit=store.audit,
        settings=settings,
        views=all_views(sources, Identity("1.2.3", "paper", UTC, T0), clock),
        clock=clock,
        zone=UTC,
    )
    return Desk(store, clock, engine, notifier, approvals, operator, logs, settings, live, accounts)


@pytest.fixture
def desk(store: Store, clock: ManualClock) -> Desk:
    """One hedge, bnb."""
    return make_desk(store, clock, "bnb")


@pytest.fixture
def two(store: Store, clock: ManualClock) -> Desk:
    """Two hedges, bnb and eth."""
    return make_desk(store, clock, "bnb", "eth")
