"""The pace of a time-weighted plan: how much of it may have been sent by now. Pure, and the same after a restart."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from core.ports import Plan

# Slices come this much early or late, and this much larger or smaller, so that nobody can wait for the next one.
TIME_JITTER_PCT = 25
SIZE_JITTER_PCT = 20
# What was missed (a blind chain, a restart) is caught up with slices of at most this many times the usual size.
CATCH_UP = 2


@dataclass(frozen=True, slots=True)
class Pace:
    """`smallest_base`: slices below it are merged."""

    duration: timedelta
    interval: timedelta
    smallest_base: Decimal


def due_base(plan: Plan, executed_base: Decimal, last_order_at: datetime | None, now: datetime, pace: Pace) -> Decimal:
    """What may be sent now, 0 between slices. Cut short by nothing but the caller's own limits; not yet quantised."""
    count = slice_count(plan.quantity_base, pace)
    every = pace.duration / count
    if last_order_at is not None and now < last_order_at + every / 2:
        return Decimal(0)
    later = (plan.created_at + every * _start_pct(plan.plan_id, number) / 100 for number in range(1, count))
    begun = 1 + sum(1 for starts_at in later if now >= starts_at)
    planned = _planned_base(plan, begun, count)
    most = CATCH_UP * plan.quantity_base / count
    return min(max(planned - executed_base, Decimal(0)), most)


def slice_count(quantity_base: Decimal, pace: Pace) -> int:
    """As many as fit into the time, fewer when each would be too small; at least one."""
    by_time = pace.duration // pace.interval
    by_size = int(quantity_base / pace.smallest_base) if pace.smallest_base else by_time
    return max(1, min(by_time, by_size))


def _planned_base(plan: Plan, begun: int, count: int) -> Decimal:
    """The whole once the last slice has begun."""
    if begun >= count:
        return plan.quantity_base
    percent = 100 * begun + _jitter(plan.plan_id, begun, "size", SIZE_JITTER_PCT)
    return plan.quantity_base * percent / (100 * count)


def _start_pct(plan_id: str, number: int) -> int:
    """In hundredths of an interval since the plan was opened; the first slice (0) goes at once."""
    return 100 * number + _jitter(plan_id, number, "time", TIME_JITTER_PCT)


def _jitter(plan_id: str, number: int, what: str, most_pct: int) -> int:
    """Percent. From the plan's own id, so that a restart goes on with the same slices."""
    return random.Random(f"{plan_id}.{number}.{what}").randint(-most_pct, most_pct)
