"""Forgets what is finished and long past, and thins out old readings, so that the database stays small for years."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog

from core.clock import Clock
from storage.database import Database
from storage.retention import forget_finished, newest_reading, thin_series

TURN_S = 6 * 3600.0
# Longer than a message is edited, or answered, for whatever reason; and than a chart looks back for suspensions.
KEPT_FOR = timedelta(days=90)
# Much longer than the times that are told reading by reading (`bot.accounts.CLOSELY_FOR`).
EVERY_READING_FOR = timedelta(days=14)
# A reading is kept only when a chain's block bears its time out: a clock further ahead of the newest is wrong, or the
# program has just begun, or reads nothing. It may wait.
READ_WITHIN = timedelta(days=1)
# Between two small transactions whoever hedges has its turn.
REST_S = 0.2

log = structlog.get_logger(__name__)


class Tidying:
    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def turn(self) -> None:
        """Little by little. Raises what the database raises; what was left is done next time, as is everything while
        nothing read bears out what the clock says."""
        now = self._clock.now()
        newest = await newest_reading(self._database)
        if newest is not None and now - newest > READ_WITHIN:
            log.info("the past is left as it is: nothing was read of late", newest_reading=newest.isoformat())
            return
        rows = await self._forget(now - KEPT_FOR)
        portions = await self._thin(now - EVERY_READING_FOR)
        if rows or portions:
            log.info("the past made shorter", rows_forgotten=rows, portions_of_readings_thinned=portions)

    async def _forget(self, before: datetime) -> int:
        """How many rows."""
        forgotten = 0
        while rows := await forget_finished(self._database, before):
            forgotten += rows
            await self._clock.sleep(REST_S)
        return forgotten

    async def _thin(self, before: datetime) -> int:
        """How many portions of readings."""
        portions = 0
        while await thin_series(self._database, before):
            portions += 1
            await self._clock.sleep(REST_S)
        return portions
