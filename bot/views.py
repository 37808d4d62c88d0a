"""The read-only answers: each gathers what the running program already knows and renders it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Protocol

from bot.income import funding_of_last_day
from bot.rendering.listings import (
    HealthItem,
    Setting,
    age_item,
    config_text,
    greeting_text,
    health_text,
    help_text,
    history_text,
    pending_text,
    positions_text,
)
from bot.rendering.markup import bold, esc
from bot.rendering.numbers import span
from bot.rendering.status import status_text
from bot.replies import Button, Reply, approval_buttons
from core.account_ports import IncomeBook
from core.clock import Clock
from core.config import Config, Frozen, HedgeConfig
from core.facts import Trade
from core.ports import Approvals, ApprovalState, EngineView, EventLog, Outbox
from storage.overrides import Override

HISTORY_LINES = 15
MOST_HISTORY_LINES = 100
BACKLOG_LIMIT = 20
REFRESH = ((Button("🔄 Refresh", "view:status"),),)


class RecentFills(Protocol):
    async def recent_fills(self, limit: int) -> tuple[tuple[str, Trade], ...]:
        """(hedge, fill), newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Identity:
    """Which program this is; `zone` is the operator's timezone."""

    version: str
    mode: str
    zone: tzinfo
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Sources:
    """What the views read. `settings` gives the effective values now; `probes` what else is to be alive."""

    engine: EngineView
    approvals: Approvals
    events: EventLog
    fills: RecentFills
    outbox: Outbox
    income: IncomeBook
    config: Config
    settings: Callable[[], Awaitable[Sequence[Setting]]]
    probes: Sequence[Callable[[], Sequence[HealthItem]]] = ()


class Views:
    def __init__(self, sources: Sources, identity: Identity, clock: Clock) -> None:
        self._from = sources
        self._identity = identity
        self._clock = clock
        self._shows: dict[str, Callable[[tuple[str, ...]], Awaitable[Reply]]] = {
            "status": self._status,
            "pending": self._pending,
            "positions": self._positions,
            "history": self._history,
            "config": self._config,
            "health": self._health,
            "version": self._version,
            "help": self._help,
            "start": self._start,
        }

    def names(self) -> frozenset[str]:
        return frozenset(self._shows)

    async def show(self, name: str, args: tuple[str, ...] = ()) -> Reply:
        return await self._shows[name](args)

    async def _status(self, _args: tuple[str, ...]) -> Reply:
        now = self._clock.now()
        text = status_text(
            self._from.engine.statuses(),
            mode=self._identity.mode,
            now=now,
            zone=self._identity.zone,
            funding=await funding_of_last_day(self._from.income, now),
        )
        return Reply(text, True, REFRESH)

    async def _pending(self, _args: tuple[str, ...]) -> Reply:
        live = await self._from.approvals.live()
        waiting = [approval for approval in live if approval.state is ApprovalState.PENDING]
        rows = tuple(row for approval in waiting for row in _named_buttons(approval.approval_id, len(waiting) > 1))
        return Reply(pending_text(live, now=self._clock.now(), zone=self._identity.zone), True, rows)

    async def _positions(self, _args: tuple[str, ...]) -> Reply:
        return Reply(positions_text(self._from.engine.statuses()), True)

    async def _history(self, args: tuple[str, ...]) -> Reply:
        wanted = int(args[0]) if args and args[0].isascii() and args[0].isdigit() else HISTORY_LINES
        limit = max(1, min(MOST_HISTORY_LINES, wanted))
        events = await self._from.events.recent(hedge=None, limit=limit)
        fills = await self._from.fills.recent_fills(min(limit, HISTORY_LINES))
        return Reply(history_text(events, fills, self._identity.zone), True)

    async def _config(self, args: tuple[str, ...]) -> Reply:
        hedge = args[0].lower() if args else None
        if hedge is not None and hedge not in self._from.config.hedges:
            return Reply(f"I know no hedge {esc(hedge)}; there is {esc(', '.join(self._from.config.hedges))}.", True)
        return Reply(config_text(await self._from.settings(), hedge), True)

    async def _health(self, _args: tuple[str, ...]) -> Reply:
        running = span((self._clock.now() - self._identity.started_at).total_seconds())
        backlog = await self._from.outbox.backlog()
        items = [HealthItem("program", True, f"running for {running}"), *self._freshness()]
        items.append(HealthItem("messages waiting to be sent", backlog <= BACKLOG_LIMIT, str(backlog)))
        items.extend(item for probe in self._from.probes for item in probe())
        return Reply(health_text(items), True)

    def _freshness(self) -> list[HealthItem]:
        items: list[HealthItem] = []
        for status in self._from.engine.statuses():
            if (hedge := self._from.config.hedges.get(status.name)) is not None:
                items.append(age_item(f"{status.name} chain", status.chain_age_s, hedge.max_chain_age_seconds))
                items.append(age_item(f"{status.name} exchange", status.venue_age_s, _venue_limit_s(hedge)))
        return items

    async def _version(self, _args: tuple[str, ...]) -> Reply:
        return Reply(f"{bold(f'lp-hedge {self._identity.version}')} · {esc(self._identity.mode.upper())}", True)

    async def _help(self, _args: tuple[str, ...]) -> Reply:
        return Reply(help_text(), True)

    async def _start(self, _args: tuple[str, ...]) -> Reply:
        names = self._from.engine.hedge_names()
        return Reply(greeting_text(self._identity.version, self._identity.mode, names), True)


class ChatChanges(Protocol):
    async def all(self) -> tuple[Override, ...]: ...


class EffectiveSettings:
    """The file's values, and over them what was changed from chat."""

    def __init__(self, config: Config, changes: ChatChanges) -> None:
        self._config = config
        self._changes = changes

    async def __call__(self) -> tuple[Setting, ...]:
        changed = {_full_key(change): change.value for change in await self._changes.all()}
        return tuple(
            Setting(s.key, changed[s.key], "chat") if s.key in changed else s for s in file_settings(self._config)
        )


def _full_key(change: Override) -> str:
    return f"hedges.{change.hedge}.{change.key}" if change.hedge else change.key


def file_settings(config: Config) -> tuple[Setting, ...]:
    """Every value of the file's models with where it came from; an unset one says what holds instead."""
    found: list[Setting] = [*_settings_of(config, "", skip=("hedges", "paper", "alerts", "chains"))]
    for name, section in (("paper", config.paper), ("alerts", config.alerts)):
        found.extend(_settings_of(section, f"{name}."))
    for name, chain in config.chains.items():
        found.extend(_settings_of(chain, f"chains.{name}."))
    for name, hedge in config.hedges.items():
        found.extend(_settings_of(hedge, f"hedges.{name}."))
    return tuple(found)


def _settings_of(model: Frozen, prefix: str, skip: Sequence[str] = ()) -> list[Setting]:
    return [
        Setting(f"{prefix}{key}", _shown_value(model, key), "file" if key in model.model_fields_set else "default")
        for key in type(model).model_fields
        if key not in skip
    ]


def _shown_value(model: Frozen, key: str) -> str:
    if isinstance(model, HedgeConfig):
        match key:
            case "delta_band_quote":
                return str(model.band_quote)
            case "delta_band_pct":
                return str(model.band_pct)
    value: object = getattr(model, key)
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return str(value).lower()  # as the file spells it
    return UNSET.get(key, "unset") if value is None else str(value)


UNSET = {
    "delta_hysteresis_quote": "half the band",
    "approval_over_quote": "the larger of 1000 and 5 bands",
    "alert_over_quote": "2 bands",
}


def _venue_limit_s(hedge: HedgeConfig) -> float:
    """A venue read may be as old as one poll on top of what a decision accepts."""
    return float(hedge.max_price_age_seconds) + float(hedge.poll_seconds)


def _named_buttons(approval_id: str, named: bool) -> tuple[tuple[Button, ...], ...]:
    if not named:
        return approval_buttons(approval_id)
    return tuple(
        tuple(Button(f"{button.label} {approval_id}", button.data, button.style) for button in row)
        for row in approval_buttons(approval_id)
    )
