"""Websocket side of the rig: `/private` user data by listen key, `/market` and `/public` by stream name.

Strict as the live one: a stream is served under its own root only, and nothing is served under the old ones.
"""

import asyncio
import json
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from aiohttp import WSCloseCode, WSMsgType, web

from tests.rigs.venue import events, refusals
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.orders import Order, Trade
from tests.rigs.venue.shapes import Json
from tests.rigs.venue.stream_faults import StreamFaults

LISTEN_KEY_MS = 60 * 60_000
MARK_EVERY_S = 1.0
BOOK, TICKER, MARK, MARK_1S = "depth20", "bookTicker", "markPrice", "markPrice@1s"
ROOT_OF = {BOOK: "public", TICKER: "public", MARK: "market", MARK_1S: "market"}
MAKES: dict[str, Callable[[Exchange, str], Json]] = {
    BOOK: events.depth_update,
    TICKER: events.book_ticker_update,
    MARK: events.mark_price_update,
    MARK_1S: events.mark_price_update,
}


@dataclass
class Close:
    code: int
    abruptly: bool = False


@dataclass(eq=False)
class Listener:
    """Who hears what of one connection. `silent`: half open. It takes everything, answers nothing, not even pings, and
    is never closed."""

    queue: asyncio.Queue[str | Close]
    loop: asyncio.AbstractEventLoop
    root: str
    listen_key: str | None = None
    names: set[str] = field(default_factory=set)
    combined: bool = False
    silent: bool = False

    def send(self, text: str | Close) -> None:
        """From any thread."""
        self.loop.call_soon_threadsafe(self.queue.put_nowait, text)


@dataclass(eq=False, kw_only=True)
class _Connection(Listener):
    socket: web.WebSocketResponse
    request: web.Request


class StreamHub:
    """Fans events out to who listens.

    `muted` loses user events (a gap nobody is told of), as a lost network does; `user_faults` and `market_faults` spoil
    single ones; `refusing` turns every new connection away. `book_every_s`: how often a quiet book is told again.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._connections: list[Listener] = []
        self._held: list[Json] = []
        self._lock = threading.RLock()
        self.listen_key: str | None = None
        self.listen_key_until_ms = 0
        self.muted = False
        self.refusing = False
        self.book_every_s = 0.25
        self.quiet: set[str] = set()
        self.user_faults = StreamFaults()
        self.market_faults = StreamFaults()
        self.handshakes: list[str] = []
        exchange.listeners.append(self)
        exchange.price_listeners.append(self.price_changed)

    # -- listen keys -----------------------------------------------------------------------------------------------

    def start_listen_key(self) -> str:
        """POST while a key is alive returns the same key, its hour renewed."""
        if self.listen_key is None or self._exchange.now_ms() >= self.listen_key_until_ms:
            self.listen_key = secrets.token_hex(32)
        self.listen_key_until_ms = self._exchange.now_ms() + LISTEN_KEY_MS
        return self.listen_key

    def keep_listen_key(self) -> None:
        if self.listen_key is None or self._exchange.now_ms() >= self.listen_key_until_ms:
            raise refusals.refuse(-1125)
        self.listen_key_until_ms = self._exchange.now_ms() + LISTEN_KEY_MS

    def close_listen_key(self) -> None:
        self.listen_key = None

    def expire_listen_key(self, *, times: int = 1) -> None:
        """The exchange tells it once or twice, then sends nothing more on that key."""
        for _ in range(times):
            now = self._exchange.now_ms()
            self._send_private({"e": "listenKeyExpired", "E": now, "listenKey": self.listen_key})
        self.listen_key = None

    # -- faults ----------------------------------------------------------------------------------------------------

    def drop_all(self) -> None:
        self.close_all()

    def close_all(self, code: int = WSCloseCode.OK, *, root: str | None = None, abruptly: bool = False) -> None:
        """`abruptly`: the connection is reset, no closing words."""
        for connection in self._of(root):
            connection.send(Close(code, abruptly))

    def go_silent(self, *, root: str | None = None) -> None:
        """Connections that stand become half open: nothing comes, not even an answer to a ping."""
        for connection in self._of(root):
            connection.silent = True

    def say(self, text: str, *, root: str = "private") -> None:
        """Any text, to everyone who listens there."""
        for connection in self._of(root):
            connection.send(text)

    def flood(self, count: int) -> None:
        """So many true events of the account at once, each of an own transfer."""
        for number in range(count):
            event = events.account_update(self._exchange, f"DEPOSIT{number}", "ETHUSDT", ())
            self._send_private(event)

    def connected(self, *, private: bool) -> int:
        return sum((connection.listen_key is not None) == private for connection in self._connections)

    def _of(self, root: str | None) -> list[Listener]:
        return [each for each in list(self._connections) if root in (None, each.root)]

    # -- what the exchange tells -----------------------------------------------------------------------------------

    def order_changed(self, order: Order, execution: str, trade: Trade | None) -> None:
        update = events.order_update(self._exchange, order, execution, trade)
        with self._lock:
            if execution == "NEW":
                self._held = [update]
                return
            if trade is not None:
                self._send_private(events.trade_lite(self._exchange, order, trade))
            self.settled()
            self._send_private(update)

    def account_changed(self, reason: str, symbol: str, sides: tuple[str, ...]) -> None:
        update = events.account_update(self._exchange, reason, symbol, sides)
        with self._lock:
            if reason == "ORDER":
                self._held.append(update)
            else:
                self._send_private(update)

    def settled(self) -> None:
        """Send what was held back so that TRADE_LITE could come first."""
        with self._lock:
            held, self._held = self._held, []
            for update in held:
                self._send_private(update)

    def price_changed(self, symbol: str) -> None:
        for kind in MAKES:
            self._tell_market(symbol, kind)

    # -- sockets ---------------------------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.StreamResponse:
        root = request.path.split("/")[1]
        self.handshakes.append(request.path)
        if self.refusing:
            return web.Response(status=503, headers={"Retry-After": "5"})
        key = request.query.get("listenKey")
        if root == "private" and (key is None or key != self.listen_key):
            return web.json_response(refusals.refuse(-1125).body(), status=400)
        combined = request.path == f"/{root}/stream"
        tail = request.match_info.get("tail", "").removeprefix("ws").strip("/")
        named = request.query.get("streams", "") if combined else tail
        names = {name for name in named.split("/") if name}
        if not self._served(root, names) or (combined and not names):
            return web.json_response({"code": 2, "msg": "Invalid request: unknown stream"}, status=400)
        socket = web.WebSocketResponse(autoping=False, autoclose=False)
        await socket.prepare(request)
        connection = _Connection(
            asyncio.Queue(),
            asyncio.get_running_loop(),
            root,
            key,
            names,
            combined,
            socket=socket,
            request=request,
        )
        with self.telling(connection):
            writing = asyncio.create_task(self._write(connection))
            try:
                await self._read(connection)
            finally:
                writing.cancel()
        return socket

    @contextmanager
    def telling(self, listener: Listener) -> Iterator[None]:
        """While inside, its queue gets what the exchange tells it."""
        self._connections.append(listener)
        repeating = asyncio.get_running_loop().create_task(self._repeat(listener))
        try:
            yield
        finally:
            self._connections.remove(listener)
            repeating.cancel()

    def _served(self, root: str, names: set[str]) -> bool:
        """Names are lower case, of a listed symbol, and under the root of their kind."""
        symbols = {symbol.lower() for symbol in self._exchange.instruments}
        parted = [name.partition("@") for name in names]
        return all(symbol in symbols and ROOT_OF.get(kind) == root for symbol, _, kind in parted)

    async def _read(self, connection: _Connection) -> None:
        async for message in connection.socket:
            if connection.silent:
                continue
            if message.type is WSMsgType.PING:
                await connection.socket.pong(message.data)
            elif message.type is WSMsgType.TEXT:
                self._subscribe(connection, message.data)
        transport = connection.request.transport
        while connection.silent and transport is not None and not transport.is_closing():
            await asyncio.sleep(0.05)  # nor is a closing frame answered

    def _subscribe(self, connection: _Connection, text: str) -> None:
        asked = json.loads(text)
        names = set(asked.get("params", []))
        if not self._served(connection.root, names):
            connection.send(Close(WSCloseCode.POLICY_VIOLATION))
            return
        if asked.get("method") == "SUBSCRIBE":
            connection.names |= names
        if asked.get("method") == "UNSUBSCRIBE":
            connection.names -= names
        connection.send(json.dumps({"result": None, "id": asked.get("id")}))

    async def _write(self, connection: _Connection) -> None:
        while True:
            said = await connection.queue.get()
            if connection.silent:
                continue
            if isinstance(said, str):
                await connection.socket.send_str(said)
                continue
            if said.abruptly and connection.request.transport is not None:
                connection.request.transport.abort()
            await connection.socket.close(code=said.code)
            return

    async def _repeat(self, connection: Listener) -> None:
        """A live market says so even when nothing moves."""
        marked_s = MARK_EVERY_S
        while True:
            await asyncio.sleep(self.book_every_s)
            marked_s += self.book_every_s
            kinds = [BOOK, MARK_1S] if marked_s >= MARK_EVERY_S else [BOOK]
            if MARK_1S in kinds:
                marked_s = 0.0
            for name in sorted(connection.names):
                symbol, _, kind = name.partition("@")
                if kind in kinds:
                    self._tell_market(symbol.upper(), kind, connection)

    # -- telling ---------------------------------------------------------------------------------------------------

    def _send_private(self, event: Json) -> None:
        if self.muted:
            return
        with self._lock:
            told = self.user_faults.told(event)
        listening = [each for each in self._of("private") if each.listen_key == self.listen_key]
        for delay_s, each in told:
            for connection in listening:
                _send(connection, json.dumps(each), delay_s)

    def _tell_market(self, symbol: str, kind: str, only: Listener | None = None) -> None:
        """`quiet` names are served, and say nothing."""
        name = f"{symbol.lower()}@{kind}"
        listening = [each for each in self._of(None) if name in each.names and only in (None, each)]
        if not listening or name in self.quiet:
            return
        with self._exchange.lock:
            book = self._exchange.books[symbol]
            if kind == TICKER and not (book.bids and book.asks):
                return
            event = MAKES[kind](self._exchange, symbol)
        with self._lock:
            told = self.market_faults.told(event, name)
        for delay_s, each in told:
            for connection in listening:
                _send(connection, json.dumps({"stream": name, "data": each} if connection.combined else each), delay_s)


def _send(connection: Listener, text: str, delay_s: float) -> None:
    if delay_s:
        connection.loop.call_soon_threadsafe(connection.loop.call_later, delay_s, connection.send, text)
    else:
        connection.send(text)
