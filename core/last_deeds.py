"""The newest of what was done, beside what was told of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.events import EventKind
from core.facts import Trade
from core.ports import Approval, Plan, TradeOrigin


@dataclass(frozen=True, slots=True)
class LastPlan:
    """`closed_at` None: it is active. `is_newest`: of its hedge. `told`: what was written of it."""

    plan: Plan
    closed_at: datetime | None
    is_newest: bool
    told: frozenset[EventKind]


@dataclass(frozen=True, slots=True)
class LastApproval:
    approval: Approval
    changed_at: datetime
    told: frozenset[EventKind]


@dataclass(frozen=True, slots=True)
class UntoldTrade:
    """Somebody else's, or the venue's own. `hedge` '' when no hedge ever traded its symbol."""

    hedge: str
    origin: TradeOrigin
    trade: Trade
    booked_at: datetime


class LastDeeds(Protocol):
    """Of each hedge as many as a single turn can have done, with what was told of them."""

    async def plans(self) -> tuple[LastPlan, ...]: ...

    async def approvals(self) -> tuple[LastApproval, ...]: ...

    async def untold_trades(self) -> tuple[UntoldTrade, ...]: ...
