"""How old a plan and its orders are, by a clock that never jumps.

The journal has wall-clock times, which a restart needs. While the program runs the wall clock may be set: a plan in
slices must neither stall until an hour comes again nor send everything at once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from core.clock import Clock
from core.execution.active_plan import ActivePlan


class Ages:
    """What is first seen here is as old as the wall clock says, and grows older by the monotonic one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_s: dict[str, float] = {}

    def begins(self, key: str) -> None:
        """A plan, or an order by its client id, that is made now."""
        self._began_s[key] = self._clock.monotonic_s()

    def restated(self, active: ActivePlan) -> ActivePlan:
        """The same plan with its times as they would be if the wall clock had always been as it is now."""
        now, now_s, known = self._clock.now(), self._clock.monotonic_s(), self._began_s
        self._began_s = {}

        def restated_at(key: str, at: datetime) -> datetime:
            began_s = known.get(key, now_s - max(0.0, (now - at).total_seconds()))
            self._began_s[key] = began_s
            return now - timedelta(seconds=now_s - began_s)

        plan = replace(active.plan, created_at=restated_at(active.plan.plan_id, active.plan.created_at))
        orders = tuple(
            replace(order, recorded_at=restated_at(order.request.client_order_id, order.recorded_at))
            for order in active.orders
        )
        return ActivePlan(plan, orders)
