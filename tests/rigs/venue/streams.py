"""Websocket side of the rig: `/private` user data by listen key, `/market` and `/public` by stream name."""

import asyncio
import json
import secrets
import threading
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from tests.rigs.venue import events, refusals
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.orders import Order, Trade
from tests.rigs.venue.shapes import Json

LISTEN_KEY_MS = 60 * 60_000


@dataclass
class _Connection:
    socket: web.WebSocketResponse
    queue: asyncio.Queue[str | None]
    loop: asyncio.AbstractEventLoop
    listen_key: str | None = None
    names: set[str] = field(default_factory=set)
    combined: bool = False

    def send(self, text: str | None) -> None:
        """From any thread. None closes the connection."""
        self.loop.call_soon_threadsafe(self.queue.put_nowait, text)


class StreamHub:
    """Fans events out to who listens. `muted` loses user events (a gap nobody is told of), as a lost network does."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._connections: list[_Connection] = []
        self._held: list[Json] = []
        self._lock = threading.RLock()
        self.listen_key: str | None = None
        self.listen_key_until_ms = 0
        self.muted = False
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

    def expire_listen_key(self) -> None:
        """The exchange tells it once or twice, then sends nothing more on that key."""
        now = self._exchange.now_ms()
        self._send_private({"e": "listenKeyExpired", "E": now, "listenKey": self.listen_key})
        self.listen_key = None

    # -- faults ----------------------------------------------------------------------------------------------------

    def drop_all(self) -> None:
        for connection in list(self._connections):
            connection.send(None)

    def connected(self, *, private: bool) -> int:
        return sum((connection.listen_key is not None) == private for connection in self._connections)

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
        low = symbol.lower()
        mark = events.mark_price_update(self._exchange, symbol)
        for name in (f"{low}@markPrice", f"{low}@markPrice@1s"):
            self._send_named(name, mark)
        if self._exchange.books[symbol].bids and self._exchange.books[symbol].asks:
            self._send_named(f"{low}@bookTicker", events.book_ticker_update(self._exchange, symbol))

    # -- sockets ---------------------------------------------------------------------------------------------------

    async def serve(self, request: web.Request) -> web.StreamResponse:
        key = request.query.get("listenKey")
        if request.path.startswith("/private") and (key is None or key != self.listen_key):
            return web.json_response(refusals.refuse(-1125).body(), status=400)
        socket = web.WebSocketResponse(heartbeat=180)
        await socket.prepare(request)
        connection = _Connection(socket, asyncio.Queue(), asyncio.get_running_loop(), key)
        connection.combined = "/stream" in request.path
        tail = request.match_info.get("tail", "").removeprefix("ws").strip("/")
        named = request.query.get("streams", "") if connection.combined else tail
        connection.names = {name for name in named.split("/") if name}
        self._connections.append(connection)
        writer = asyncio.create_task(self._write(connection))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    self._subscribe(connection, message.data)
        finally:
            self._connections.remove(connection)
            writer.cancel()
        return socket

    def _subscribe(self, connection: _Connection, text: str) -> None:
        asked = json.loads(text)
        if asked.get("method") == "SUBSCRIBE":
            connection.names |= set(asked.get("params", []))
        if asked.get("method") == "UNSUBSCRIBE":
            connection.names -= set(asked.get("params", []))
        connection.send(json.dumps({"result": None, "id": asked.get("id")}))

    async def _write(self, connection: _Connection) -> None:
        while (text := await connection.queue.get()) is not None:
            await connection.socket.send_str(text)
        await connection.socket.close()

    def _send_private(self, event: Json) -> None:
        if self.muted:
            return
        for connection in list(self._connections):
            if connection.listen_key is not None and connection.listen_key == self.listen_key:
                connection.send(json.dumps(event))

    def _send_named(self, name: str, event: Json) -> None:
        for connection in list(self._connections):
            if name in connection.names:
                connection.send(json.dumps({"stream": name, "data": event} if connection.combined else event))
