"""Forgets what is finished and long past, so that the database does not grow by what nobody asks for again."""

from __future__ import annotations

from datetime import timedelta

import structlog

from core.clock import Clock
from storage.database import Database
from storage.upkeep import forget_finished

TURN_S = 6 * 3600.0
# Longer than a message is edited, or answered, for whatever reason.
KEPT_FOR = timedelta(days=90)
# Between two small transactions whoever hedges has its turn.
REST_S = 0.2

log = structlog.get_logger(__name__)


class Tidying:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def turn(self) -> None:
        """Little by little. Raises what the database raises; what was not forgotten is forgotten next time."""
        before, total = self._clock.now() - KEPT_FOR, 0
        while forgotten := await forget_finished(self._database, before):
            total += forgotten
            await self._clock.sleep(REST_S)
        if total:
            log.info("old messages and commands forgotten", rows=total, before=before.isoformat())
