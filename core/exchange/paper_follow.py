"""Carries the moves of a market stream to the paper venue, outside the stream's own callback."""

from __future__ import annotations

import asyncio
from typing import NoReturn, Protocol

from core.errors import Transient


class Moving(Protocol):
    async def market_moved(self, symbol: str) -> None:
        """Bring what hangs on this market up to it. Raises Transient when it cannot be read."""
        ...


class MovesFollower:
    """`moved` may be called as often as the market moves; `run` passes on each symbol once for all its moves so far."""

    def __init__(self, venue: Moving) -> None:
        self._venue = venue
        self._moved: set[str] = set()
        self._wake = asyncio.Event()

    def moved(self, symbol: str) -> None:
        """Returns at once: only a note is made of it."""
        self._moved.add(symbol)
        self._wake.set()

    async def run(self) -> NoReturn:
        """Never returns. A market that cannot be read is left to whoever needs it next, who will say so."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            symbols, self._moved = sorted(self._moved), set()
            for symbol in symbols:
                try:
                    await self._venue.market_moved(symbol)
                except Transient:
                    continue
