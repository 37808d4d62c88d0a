"""Markets that move a paper account: what rests on it is matched as they come, not only when somebody looks."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import NoReturn

from core.cancellation import until_one_fails
from core.exchange.paper import PaperVenue
from core.exchange.paper_follow import MovesFollower
from core.facts import Market
from core.news_ports import MarketStream


class PaperMarkets:
    """Implements `core.news_ports.MarketStream` over the real one."""

    def __init__(self, stream: MarketStream, venue: PaperVenue) -> None:
        self._stream = stream
        self._follower = MovesFollower(venue)

    def latest(self, symbol: str) -> Market | None:
        """As the real stream has it: without what paper orders took of its book."""
        return self._stream.latest(symbol)

    async def listen(self, symbols: Collection[str], on_move: Callable[[str], None]) -> NoReturn:
        """Each move goes to the paper account too. Ends with whichever of the two fails first."""

        def hear(symbol: str) -> None:
            self._follower.moved(symbol)
            on_move(symbol)

        await until_one_fails(self._stream.listen(symbols, hear), self._follower.run())
