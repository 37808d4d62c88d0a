"""What comes next by itself, and when. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from core.clock import at_ms
from core.config import HedgeConfig
from core.facts import Market
from core.hedging import memory
from core.hedging.kernel_types import Memory, Since
from core.hedging.life_memory import LifeMemory
from core.ports import Approval, ApprovalState
from core.status import Due, DueKind


def upcoming(
    config: HedgeConfig,
    kernel: Memory,
    life: LifeMemory,
    *,
    approval: Approval | None,
    market: Market | None,
    look_at: datetime | None,
    now: datetime,
) -> tuple[Due, ...]:
    """Soonest first; what has passed is none. While stopped only what no decision is needed for."""
    found = list(_without_a_decision(life, approval, market, look_at))
    if not memory.stopped(kernel):
        found.extend(_of_the_kernel(config, kernel))
    ahead = (due for due in found if due.at > now)
    return tuple(sorted(ahead, key=lambda due: due.at))


def _without_a_decision(
    life: LifeMemory, approval: Approval | None, market: Market | None, look_at: datetime | None
) -> Iterator[Due]:
    moments = (
        (DueKind.LOOK, look_at),
        (DueKind.FUNDING, market.next_funding_time if market is not None else None),
        (DueKind.EXPIRY, _expiry(approval)),
        *((DueKind.GRACE, parcel.until) for parcel in life.departed),
    )
    return (Due(kind, at) for kind, at in moments if at is not None)


def _expiry(approval: Approval | None) -> datetime | None:
    return approval.expires_at if approval is not None and approval.state is ApprovalState.PENDING else None


def _of_the_kernel(config: HedgeConfig, kernel: Memory) -> Iterator[Due]:
    if kernel.snooze.side:
        yield Due(DueKind.SNOOZE, _moment(kernel.snooze.until_ms))
    yield Due(DueKind.ASK_AGAIN, _moment(kernel.question.again_ms))
    if kernel.last_rebalance_ms:
        yield from _of_the_last_rebalance(config, kernel.last_rebalance_ms)
    yield from _of_the_excursion(config, kernel.since)


def _of_the_last_rebalance(config: HedgeConfig, last_ms: int) -> Iterator[Due]:
    yield Due(DueKind.COOLDOWN, _moment(last_ms, config.cooldown_seconds))
    if config.force_rebalance_seconds:
        yield Due(DueKind.FORCE, _moment(last_ms, config.force_rebalance_seconds))


def _of_the_excursion(config: HedgeConfig, since: Since) -> Iterator[Due]:
    """Out of range, or without any position."""
    if since.out_ms and not since.out_traded and config.out_of_range_seconds:
        yield Due(DueKind.OUT_OF_RANGE, _moment(since.out_ms, config.out_of_range_seconds))
    if since.none_ms and config.close_when_no_lp:
        yield Due(DueKind.CLOSE, _moment(since.none_ms, config.no_lp_grace_seconds))


def _moment(since_ms: int, later_s: int = 0) -> datetime:
    return at_ms(since_ms) + timedelta(seconds=later_s)
