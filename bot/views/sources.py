"""What the read-only answers read, and what they are made of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Protocol

from bot.accounts import Accounts
from bot.charts.maker import ChartMaker
from bot.live_config import LiveConfig
from bot.logs import LogRing
from bot.rendering.health import HealthItem
from bot.rendering.settings import Setting
from bot.replies import Reply
from core.account_ports import IncomeBook
from core.approval_ports import Approvals
from core.events import Event
from core.facts import Trade
from core.outlook import EngineOutlooks
from core.ports import CommandQueue, EventLog, Outbox
from core.status import HedgeStatus

Show = Callable[[tuple[str, ...]], Awaitable[Reply]]


class RecentFills(Protocol):
    async def recent_fills(self, limit: int) -> tuple[tuple[str, Trade], ...]:
        """(hedge, fill), newest first."""
        ...


class History(EventLog, Protocol):
    async def recent_of_the_program(self, limit: int) -> tuple[Event, ...]:
        """Newest first, those that are no single hedge's."""
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

    engine: EngineOutlooks
    approvals: Approvals
    events: History
    fills: RecentFills
    outbox: Outbox
    commands: CommandQueue
    income: IncomeBook
    accounts: Accounts
    config: LiveConfig
    settings: Callable[[], Sequence[Setting]]
    probes: list[Callable[[], Sequence[HealthItem]]] = field(default_factory=list)
    charts: ChartMaker = field(default_factory=ChartMaker)
    logs: LogRing = field(default_factory=LogRing)

    def status(self, hedge: str) -> HedgeStatus | None:
        """Its newest; None while it was never read, and for a name that is no hedge's."""
        return next((each for each in self.engine.statuses() if each.name == hedge), None)


class Group(Protocol):
    """Views that belong together."""

    def shows(self) -> Mapping[str, Show]:
        """By the name of their command."""
        ...


class Views:
    """Every read-only answer, by the name of its command."""

    def __init__(self, *groups: Group) -> None:
        self._shows: dict[str, Show] = {name: show for group in groups for name, show in group.shows().items()}

    def names(self) -> frozenset[str]:
        """Without the slash."""
        return frozenset(self._shows)

    async def show(self, name: str, args: tuple[str, ...] = ()) -> Reply:
        """Raises KeyError for a name that is none of `names`."""
        return await self._shows[name](args)
