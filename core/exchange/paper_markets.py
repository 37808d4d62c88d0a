"""Markets that move a paper account: what rests on it is matched as they come, not only when somebody looks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import NoReturn

from core.errors import Transient
from core.exchange.binance_streams import until_one_fails
from core.exchange.paper import PaperVenue
from core.facts import Market
from core.ports import MarketStream


class PaperMarkets:
    """Implements `core.ports.MarketStream` over the real one."""

    def __init__(self, stream: MarketStream, venue: PaperVenue) -> None:
        self._stream = stream
        self._venue = venue

    def latest(self, symbol: str) -> Market | None:
        return self._stream.latest(symbol)

    async def listen(self, symbols: Collection[str], on_move: Callable[[str], None]) -> NoReturn:
        moved = {symbol: asyncio.Event() for symbol in symbols}

        def hear(symbol: str) -> None:
            moved[symbol].set()
            on_move(symbol)

        await until_one_fails(
            self._stream.listen(symbols, hear), *(self._follow(symbol, event) for symbol, event in moved.items())
        )

    async def _follow(self, symbol: str, moved: asyncio.Event) -> NoReturn:
        while True:
            await moved.wait()
            moved.clear()
            with suppress(Transient):  # without a market now; the next move tries again
                await self._venue.market_moved(symbol)
