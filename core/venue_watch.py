"""An exchange that tells its news: fills are booked as they happen, and hedges that they concern are woken.

Everything it tells can also be asked for, and is: an account that was read is believed a little longer only while the
account's news come and say that nothing happened to it, and each new connection counts as having been blind until then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from core.clock import Clock
from core.errors import Transient
from core.events import Event, EventKind
from core.execution.bookkeeping import Bookkeeper
from core.facts import Market, OrderReport, Trade
from core.listening import Listening, listen_while_wanted
from core.news_ports import AccountNews, AccountStream, MarketStream
from core.ports import EventLog

# Prices come several times a second; whether one matters is asked less often.
CONSIDER_EVERY_S = 0.5
# The last figures before a connection was lost may have been old already.
NEVER_S = float("-inf")


@dataclass(frozen=True, slots=True)
class Streams:
    """What a venue tells by itself; None where it does not."""

    account: AccountStream | None = None
    markets: MarketStream | None = None


class VenueWatch:
    """`hedges` by symbol; `is_known`: its rules have been read. `concerns` says whether a market is worth a look of a
    hedge; `wake` has it look.
    """

    def __init__(
        self,
        *,
        streams: Streams,
        hedges: Mapping[str, str],
        is_known: Callable[[str], bool],
        bookkeeper: Bookkeeper,
        concerns: Callable[[str, Market], bool],
        wake: Callable[[str], None],
        events: EventLog,
        clock: Clock,
    ) -> None:
        self._streams = streams
        self._hedges = dict(hedges)
        self._is_known = is_known
        self._bookkeeper = bookkeeper
        self._concerns = concerns
        self._wake = wake
        self._events = events
        self._clock = clock
        self._to_book: asyncio.Queue[tuple[str, OrderReport, Trade | None]] = asyncio.Queue()
        self._connected_at_s: float | None = None
        self._moved_at_s: dict[str | None, float] = {}
        self._considered_at_s: dict[str, float] = {}
        self.connections = 0
        listen = {"account": self._listen_to_account, "market": self._listen_to_markets}
        self._ears = {
            name: Listening(f"the exchange's {name}", listen[name], tell=partial(self._tell, name), clock=clock)
            for name, stream in (("account", streams.account), ("market", streams.markets))
            if stream is not None
        }

    @property
    def troubles(self) -> Mapping[str, str | None]:
        """By stream (account, market): why its news stay away at present, None while they come."""
        return {name: ear.trouble for name, ear in self._ears.items()}

    def market(self, symbol: str) -> Market | None:
        """The newest one told, None while nothing is told."""
        return self._streams.markets.latest(symbol) if self._streams.markets else None

    def is_quiet_since(self, symbol: str, since_s: float) -> bool:
        """Nothing has happened to the account in this symbol since that monotonic moment, and we would have heard."""
        if self._connected_at_s is None or self._connected_at_s > since_s:
            return False
        moved_at_s = max(self._moved_at_s.get(symbol, NEVER_S), self._moved_at_s.get(None, NEVER_S))
        return moved_at_s < since_s

    def loops(self) -> Mapping[str, Callable[[], Awaitable[None]]]:
        """What is to be kept running, by name. The one that books raises InvariantBroken on what cannot be true."""
        ears = {f"the exchange's {name} news": ear.run for name, ear in self._ears.items()}
        return ears | {"fills told": self._keep_booking}

    async def _listen_to_account(self) -> None:
        assert self._streams.account is not None
        try:
            await self._streams.account.listen(self._hear)
        finally:
            self._connected_at_s = None
            self._bookkeeper.hears = False

    def _hear(self, news: AccountNews) -> None:
        self._ears["account"].heard()
        if news == AccountNews():
            self._connected()
            return
        self._moved_at_s[news.symbol] = self._clock.monotonic_s()
        hedge = self._hedges.get(news.symbol or "")
        if hedge is not None:
            self._pass_on(hedge, news)

    def _connected(self) -> None:
        self._connected_at_s = self._clock.monotonic_s()
        self._bookkeeper.hears = True
        self.connections += 1
        for each in self._hedges.values():
            self._wake(each)

    def _pass_on(self, hedge: str, news: AccountNews) -> None:
        report = news.report
        if report is None:
            self._wake(hedge)
        elif news.fill is not None or report.executed_base or report.status.is_final:  # else just placed, and known
            self._to_book.put_nowait((hedge, report, news.fill))

    async def _keep_booking(self) -> None:
        while True:
            hedge, report, fill = await self._to_book.get()
            await self._bookkeeper.take_in(report, fill)
            self._wake(hedge)

    async def _listen_to_markets(self) -> None:
        await listen_while_wanted(self._known_symbols, self._listen_to_markets_of)

    async def _listen_to_markets_of(self, symbols: frozenset[str]) -> None:
        assert self._streams.markets is not None
        if not symbols:
            raise Transient("The exchange has not told the rules of any symbol yet")
        await self._streams.markets.listen(sorted(symbols), self._consider)

    def _known_symbols(self) -> frozenset[str]:
        return frozenset(symbol for symbol in self._hedges if self._is_known(symbol))

    def _consider(self, symbol: str) -> None:
        self._ears["market"].heard()
        now_s = self._clock.monotonic_s()
        if now_s - self._considered_at_s.get(symbol, NEVER_S) < CONSIDER_EVERY_S:
            return
        self._considered_at_s[symbol] = now_s
        market = self.market(symbol)
        if market is not None and self._concerns(self._hedges[symbol], market):
            self._wake(self._hedges[symbol])

    async def _tell(self, name: str, why: str | None) -> None:
        kind = EventKind.VENUE_NEWS_BACK if why is None else EventKind.VENUE_NEWS_LOST
        data = {"stream": name} | ({"detail": why} if why else {})
        if why is not None and not self._ears[name].ever_heard:
            data["never"] = "true"
        await self._events.append(Event(kind, None, self._clock.now(), data))
