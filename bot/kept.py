"""What runs beside the engine for the operator: kept alive, and known to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import structlog

from core.clock import Clock
from core.supervision import TaskLife

AGAIN_S = 5.0
# A task that failed counts as well again once it has run for so long.
WELL_AFTER_S = 60.0

log = structlog.get_logger(__name__)


class Kept:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._began_s: dict[str, float] = {}
        self._troubles: dict[str, str] = {}

    async def keep(self, name: str, work: Callable[[], Awaitable[None]]) -> None:
        """A border where anything may arrive: nothing beside the hedging may end the hedging."""
        while True:
            self._began_s[name] = self._clock.monotonic_s()
            try:
                await work()
            except Exception as error:
                self._troubles[name] = f"ended by {type(error).__name__}, started again; /logs error has more"
                log.exception("task failed", task=name, error=type(error).__name__, retry_s=AGAIN_S)
            await self._clock.sleep(AGAIN_S)

    def lives(self) -> tuple[TaskLife, ...]:
        return tuple(self._life(name) for name in self._began_s)

    def _life(self, name: str) -> TaskLife:
        runs_for_s = self._clock.monotonic_s() - self._began_s[name]
        trouble = self._troubles.get(name) if runs_for_s < WELL_AFTER_S else None
        return TaskLife(name, runs_for_s, trouble=trouble)
