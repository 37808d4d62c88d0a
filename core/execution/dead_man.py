"""The venue cancels what rests when this process stops asking it not to."""

from __future__ import annotations

import structlog

from core.clock import Clock
from core.errors import Refused, Transient
from core.ports import PerpVenue

GUARDED_FOR_S = 120
RENEWED_EVERY_S = 30.0

log = structlog.get_logger(__name__)


class DeadMansSwitch:
    """For one symbol: `arm` before an order rests and while it does, `stand_down` once nothing rests any more."""

    def __init__(self, venue: PerpVenue, symbol: str, clock: Clock) -> None:
        self._venue = venue
        self._symbol = symbol
        self._clock = clock
        self._armed_at_s: float | None = None

    async def arm(self) -> None:
        """Raises Transient or Refused: then nothing new may rest."""
        now_s = self._clock.monotonic_s()
        if self._armed_at_s is None or now_s - self._armed_at_s >= RENEWED_EVERY_S:
            await self._venue.guard_resting(self._symbol, GUARDED_FOR_S)
            self._armed_at_s = now_s

    async def stand_down(self) -> None:
        """Left to run out where it cannot be ended: by then nothing of ours rests."""
        if self._armed_at_s is None:
            return
        self._armed_at_s = None
        try:
            await self._venue.guard_resting(self._symbol, 0)
        except (Transient, Refused) as error:
            log.warning("the dead man's switch was left to run out", symbol=self._symbol, why=str(error))
