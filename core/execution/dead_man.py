"""The venue cancels what rests when this process stops asking it not to."""

from __future__ import annotations

import structlog

from core.clock import Clock
from core.errors import Refused, Transient
from core.execution.outcome import LATEST_EFFECT_S
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
        self._may_end_until_s = float("-inf")

    async def arm(self) -> None:
        """Raises Transient or Refused: then nothing new may rest."""
        now_s = self._clock.monotonic_s()
        if now_s < self._may_end_until_s:  # it would end what is armed now
            raise Transient("A countdown's end that was not confirmed may still come: nothing rests until it cannot")
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
            self._may_end_until_s = self._clock.monotonic_s() + LATEST_EFFECT_S
            log.warning("the dead man's switch was left to run out", symbol=self._symbol, why=str(error))
