"""Books and marks as Binance pushes them, four times and once a second for each symbol.

Read by a plain WebSocket client and not by python-binance: paper mode has no use for that library's import, which takes
most of a second, and its reader costs several times as much for each message. A message is taken apart only as far as
its order and time need; amounts are made of the newest one, when somebody asks.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from typing import NoReturn

from websockets.asyncio.client import ClientConnection, connect

from core.cancellation import until_one_fails
from core.clock import Clock, at_ms, network_s
from core.errors import UNKNOWN_SYMBOL, Refused, Transient
from core.exchange.binance_events import BookEvent, MarkEvent, UnitOf
from core.exchange.binance_market import book_levels, by_our_clock
from core.exchange.binance_messages import LATEST_MS, Malformed, parse_one
from core.exchange.binance_streams import Liveness, broken_as_transient
from core.facts import Market

BOOKS, MARKS = "Binance's book stream", "Binance's mark price stream"
BOOK, MARK = "depthUpdate", "markPriceUpdate"
# Both are pushed at least once a second in any market that trades.
SILENT_AFTER_S = 10.0
# Update ids that fall while the time has gone on so far are a new count, not an old message.
ANEW_AFTER_MS = 3_000


class BinanceMarketStream:
    """Implements `core.news_ports.MarketStream`: the best 20 levels a side, each 250 ms, and the mark, each second.

    `server_now_ms`: the exchange's clock as it was last measured. After `silent_after_s` without any book, or any mark,
    the connection counts as dead.
    """

    def __init__(
        self,
        unit_of: UnitOf,
        server_now_ms: Callable[[], int],
        clock: Clock,
        *,
        stream_url: str,
        silent_after_s: float = SILENT_AFTER_S,
        liveness: Liveness | None = None,
    ) -> None:
        self._unit_of = unit_of
        self._server_now_ms = server_now_ms
        self._clock = clock
        self._root = stream_url.rstrip("/")
        self._silent_after_s = network_s(clock, silent_after_s)
        self._liveness = liveness or Liveness()
        self._pairs: dict[str, _Pair] = {}
        self._nonsense: str | None = None

    async def listen(self, symbols: Collection[str], on_move: Callable[[str], None]) -> NoReturn:
        """As the port says. Raises Refused for a symbol that was not prepared."""
        pairs = {symbol: self._pair(symbol) for symbol in symbols}
        books = {f"{symbol.lower()}@depth20": pair.book for symbol, pair in pairs.items()}
        marks = {f"{symbol.lower()}@markPrice@1s": pair.mark for symbol, pair in pairs.items()}
        try:
            async with AsyncExitStack() as sockets:
                first = await self._connected(sockets, BOOKS, "public", books)
                second = await self._connected(sockets, MARKS, "market", marks)
                self._pairs = pairs
                await until_one_fails(
                    self._hear(first, BOOKS, books, on_move),
                    self._hear(second, MARKS, marks, on_move),
                    self._watch(BOOKS, books.values()),
                    self._watch(MARKS, marks.values()),
                )
        finally:
            self._pairs, self._nonsense = {}, None

    def latest(self, symbol: str) -> Market | None:
        """As the port says; None also while the book has an empty side, or when a message made no sense."""
        pair = self._pairs.get(symbol)
        if pair is None or self._nonsense is not None:
            return None
        try:
            return pair.market()
        except Malformed as error:
            self._nonsense = f"{BOOKS} and marks made no sense: {error}"
            return None

    def _pair(self, symbol: str) -> _Pair:
        unit = self._unit_of(symbol)
        if unit is None:
            raise Refused(f"The filters of {symbol} were not read", code=UNKNOWN_SYMBOL)
        return _Pair(symbol, unit)

    async def _connected(
        self, sockets: AsyncExitStack, stream: str, category: str, names: Collection[str]
    ) -> ClientConnection:
        """Uncompressed: inflating would cost more than all the rest."""
        socket = connect(
            f"{self._root}/{category}/stream?streams={'/'.join(names)}",
            compression=None,
            ping_interval=self._liveness.ping_every_s,
            ping_timeout=self._liveness.pong_within_s,
            open_timeout=self._liveness.open_within_s,
            close_timeout=1,
        )
        with broken_as_transient(stream):
            return await sockets.enter_async_context(socket)

    async def _hear(
        self, socket: ClientConnection, stream: str, names: Mapping[str, _Newest], on_move: Callable[[str], None]
    ) -> NoReturn:
        while True:
            with broken_as_transient(stream):
                text = await socket.recv()
            try:
                newest, event = _parted(text, names)
                moved = newest.take(event, self._clock, self._server_now_ms)
            except Malformed as error:
                raise Transient(f"{stream} made no sense: {error}") from None
            if moved:
                on_move(newest.symbol)

    async def _watch(self, stream: str, streams: Collection[_Newest]) -> NoReturn:
        """One symbol may fall silent, as a market that is being settled does; all of them are a dead connection."""
        began_s = self._clock.monotonic_s()
        while True:
            await self._clock.sleep(self._silent_after_s / 10)
            if self._nonsense is not None:
                raise Transient(self._nonsense)
            now_s = self._clock.monotonic_s()
            if now_s - max(began_s, *(newest.heard_at_s for newest in streams)) > self._silent_after_s:
                raise Transient(f"{stream} has pushed nothing for {self._silent_after_s:g} s")


class _Newest:
    """The newest message of one stream of one symbol, still raw, and when it was true by our clock."""

    def __init__(self, symbol: str, kind: str) -> None:
        self.symbol = symbol
        self.event: Mapping[str, object] | None = None
        self.as_of: datetime | None = None
        self.heard_at_s = float("-inf")
        self._kind = kind
        self._rank = (0, 0)

    def take(self, event: Mapping[str, object], clock: Clock, server_now_ms: Callable[[], int]) -> bool:
        """False for one that is older than the newest: it is passed over, and is no sign of life. Raises Malformed.

        A book's place is its update id; the same book told again is newer by its time.
        """
        if (event.get("e"), event.get("s")) != (self._kind, self.symbol):
            raise Malformed("an event of another kind or symbol")
        stamp_ms = _whole(event, "E")
        if stamp_ms >= LATEST_MS:
            raise Malformed("the event has no usable time")
        rank = (_whole(event, "u") if self._kind == BOOK else 0, stamp_ms)
        began_anew = stamp_ms > self._rank[1] + ANEW_AFTER_MS
        if rank < self._rank and not began_anew:
            return False
        self._rank, self.event = rank, event
        self.heard_at_s = clock.monotonic_s()
        self.as_of = by_our_clock(clock.now(), server_now_ms(), stamp_ms)
        return True


class _Pair:
    """Book and mark of one symbol, and what was last made of them."""

    def __init__(self, symbol: str, unit: int) -> None:
        self.book = _Newest(symbol, BOOK)
        self.mark = _Newest(symbol, MARK)
        self._symbol = symbol
        self._unit = unit
        self._made: Market | None = None
        self._made_of: tuple[object, object] = (None, None)

    def market(self) -> Market | None:
        """Raises Malformed."""
        book, mark = self.book.event, self.mark.event
        if self._made_of[0] is not book or self._made_of[1] is not mark:
            self._made, self._made_of = self._make(), (book, mark)
        return self._made

    def _make(self) -> Market | None:
        if self.book.as_of is None or self.mark.as_of is None:
            return None
        book, mark, unit = parse_one(BookEvent, self.book.event), parse_one(MarkEvent, self.mark.event), self._unit
        if not book.bids or not book.asks:
            return None
        return Market(
            symbol=self._symbol,
            bids=book_levels(book.bids, unit),
            asks=book_levels(book.asks, unit),
            mark_price=mark.mark_price / unit,
            index_price=mark.index_price / unit,
            funding_rate=mark.rate,
            next_funding_time=at_ms(mark.next_funding_ms),
            as_of=min(self.book.as_of, self.mark.as_of),
        )


def _parted(text: str | bytes, names: Mapping[str, _Newest]) -> tuple[_Newest, Mapping[str, object]]:
    """Whose message it is, and the message out of the combined stream's wrapping. Raises Malformed."""
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("the message is not JSON") from None
    if not isinstance(message, dict) or not isinstance(event := message.get("data"), dict):
        raise Malformed("the message is not an event")
    newest = names.get(str(message.get("stream")))
    if newest is None:
        raise Malformed("an event of a stream that was not asked for")
    return newest, event


def _whole(event: Mapping[str, object], name: str) -> int:
    value = event.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise Malformed(f"the event has no usable {name}")
    return value
