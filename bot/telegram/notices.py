"""What this layer itself has to tell the operators, through the same durable outbox as everything else."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass

from core.clock import Clock
from core.ports import Outbox, OutboxMessage

_MOST_WAITING = 100


@dataclass
class _Pace:
    last_s: float
    withheld: int = 0


class Notices:
    """`post` never waits and never fails, so that the gate and the poll can call it; `run` writes the rows.

    Notices of one topic come at most once in `every_s`; the next one says how many were withheld.
    """

    def __init__(self, outbox: Outbox, clock: Clock, every_s: float) -> None:
        self._outbox = outbox
        self._clock = clock
        self._every_s = every_s
        self._paces: dict[str, _Pace] = {}
        self._waiting: deque[OutboxMessage] = deque()
        self._posted = asyncio.Event()

    def post(self, topic: str, text: str) -> None:
        """Dropped when too many wait already."""
        now_s = self._clock.monotonic_s()
        # Where none of its topic went out yet, one that is dropped is not counted: there is none to count from.
        pace = self._paces.get(topic, _Pace(last_s=-math.inf))
        if now_s - pace.last_s < self._every_s or len(self._waiting) >= _MOST_WAITING:
            pace.withheld += 1
            return
        if pace.withheld:
            text = f"{text}\nSince the last such notice this happened {pace.withheld} more times."
        self._paces[topic] = _Pace(now_s)
        now = self._clock.now()
        key = f"telegram:{topic}:{now.isoformat()}"
        self._waiting.append(OutboxMessage(key, text, html=False, priority=1, silent=False, created_at=now))
        self._posted.set()

    async def run(self) -> None:
        """Until cancelled; a row that could not be written is still the next one."""
        while True:
            while self._waiting:
                await self._outbox.put(self._waiting[0])
                self._waiting.popleft()
            self._posted.clear()
            await self._posted.wait()
