"""A market that is pushed while it is fresh, and asked for when it is not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from core.clock import Clock
from core.exchange.public_market import MarketFeed
from core.facts import Market, SymbolRules
from core.news_ports import MarketStream

MIN_LEVELS = 5


class StreamedMarket:
    """Implements `MarketFeed`: filters from `feed`, markets from `stream` where they will do, else from `feed`.

    They will do when they are no older than `max_age` by `clock` (nor from the future: then the clock was moved), have
    at least `min_levels` on either side, and are not crossed, as a book is whose updates were applied in part.
    """

    def __init__(
        self, stream: MarketStream, feed: MarketFeed, clock: Clock, *, max_age: timedelta, min_levels: int = MIN_LEVELS
    ) -> None:
        self._stream = stream
        self._feed = feed
        self._clock = clock
        self._max_age = max_age
        self._min_levels = max(1, min_levels)

    async def prepare(self, symbols: Sequence[str]) -> None:
        """The feed alone: the stream needs no filters."""
        await self._feed.prepare(symbols)

    def rules(self, symbol: str) -> SymbolRules:
        """Raises Refused for a symbol that was not prepared."""
        return self._feed.rules(symbol)

    async def market(self, symbol: str) -> Market:
        """Raises as the feed does: Refused for a symbol that was not prepared, Transient when there is no market."""
        self._feed.rules(symbol)
        pushed = self._stream.latest(symbol)
        if pushed is not None and self._will_do(pushed):
            return pushed
        return await self._feed.market(symbol)

    async def aclose(self) -> None:
        """Closes the feed; the stream is its listener's."""
        await self._feed.aclose()

    def _will_do(self, market: Market) -> bool:
        return (
            abs(self._clock.now() - market.as_of) <= self._max_age
            and min(len(market.bids), len(market.asks)) >= self._min_levels
            and market.best_bid < market.best_ask
        )
