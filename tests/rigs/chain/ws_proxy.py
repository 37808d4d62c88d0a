"""A loopback proxy in front of the node's WebSocket: it keeps what passed, and fails in the ways that sockets fail."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from types import TracebackType
from typing import Any, TypeVar

from aiohttp import ClientError, ClientSession, web

from tests.rigs.chain.proxy import Answer, Body
from tests.rigs.chain.ws_link import REFUSAL, Link
from tests.rigs.ports import bound

V = TypeVar("V")
PATIENCE_S = 60.0
BendHead = Callable[[Body], object]

_HTML = {"content-type": "text/html"}
UNAUTHORIZED = Answer(401, b'{"jsonrpc":"2.0","error":{"code":-32000,"message":"Must be authenticated!"},"id":null}')
FORBIDDEN = Answer(403, b'{"error":"origin or key not allowed"}')
TOO_MANY_REQUESTS = Answer(429, b'{"error":"too many requests"}', {"retry-after": "7"})
NOT_A_SOCKET = Answer(200, b"<!doctype html><html><title>RPC endpoint</title></html>", _HTML)
BAD_GATEWAY = Answer(502, b"<html>502 Bad Gateway</html>", _HTML)

NOT_JSON = "\x00{not json"
# JSON, but no message of JSON-RPC, or one that nobody asked for.
WRONG_SHAPES = (
    "null",
    "7",
    "[]",
    "[null]",
    '"eth_subscription"',
    "{}",
    '{"jsonrpc":"2.0","id":null,"result":{}}',
    '{"jsonrpc":"2.0","id":987654321,"result":"0x1"}',
    '{"jsonrpc":"2.0","id":null,"error":"no"}',
    '{"jsonrpc":"2.0","method":"eth_subscription"}',
    '{"jsonrpc":"2.0","method":"eth_subscription","params":null}',
    '{"jsonrpc":"2.0","method":"eth_subscription","params":[]}',
    '{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":7,"result":null}}',
    '{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0xabc","result":{"number":"0x1"}}}',
)


def with_fields(**fields: object) -> BendHead:
    """The node's own head with these fields instead of its own."""
    return lambda head: {**head, **fields}


# For `bend_head`: heads that no chain has.
ABSURD_HEADS: Mapping[str, BendHead] = {
    "null": lambda head: None,
    "empty": lambda head: {},
    "a list": lambda head: [head],
    "number null": with_fields(number=None),
    "number without digits": with_fields(number="0x"),
    "number in decimal": with_fields(number=7),
    "number below zero": with_fields(number="-0x1"),
    "number of 256 bits": with_fields(number="0x" + "f" * 64),
    "number zero": with_fields(number="0x0"),
    "number missing": lambda head: {name: value for name, value in head.items() if name != "number"},
    "hash null": with_fields(hash=None),
    "hash short": with_fields(hash="0x12"),
    "parent null": with_fields(parentHash=None),
    "time null": with_fields(timestamp=None),
    "time of 1970": with_fields(timestamp="0x0"),
    "time of the year 5138": with_fields(timestamp="0x174876e800"),
}


class WsProxy:
    """WebSocket proxy for JSON-RPC on a free loopback port, in its own thread. Everything may be set at any time.

    `silent`: connections stay open, nothing passes either way; what is lost so never comes. `answers_pings`: whether
    a client's pings are answered, silent or not; without pongs the peer looks dead. `muted`: subscription kinds
    ("newHeads", "logs") whose notifications are lost. `refused`: methods or subscription kinds that are answered with
    the JSON-RPC error `refusal`. `chain_id`: answered instead of the node's. `bend_head`: changes each new head.
    `delay_s`: every message to the client is that late, in order. `copies`: how often each notification is sent.
    `upgrade`: answered to new clients instead of opening a socket.

    `requests` holds every decoded request, a batch as many as it holds; `notifications` those that were sent to
    clients, each copy; `attempts` counts HTTP requests for a socket, `connections` those that became one.
    """

    def __init__(self, upstream_ws_url: str) -> None:
        self._upstream = upstream_ws_url
        self.requests: list[Body] = []
        self.notifications: list[Body] = []
        self.attempts = 0
        self.connections = 0
        self._links: list[Link] = []
        self.mend()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ws-proxy", daemon=True)
        self._thread.start()
        self._place = bound()
        self._port = self._place.getsockname()[1]
        self._site: web.TCPSite | None = None
        self._on_loop(self._start())
        self.url = f"ws://127.0.0.1:{self._port}"

    def mend(self) -> None:
        """Behave again; connections that were dropped stay so, and a closed port is opened by `refuse_connections`."""
        self.silent = False
        self.answers_pings = True
        self.muted: frozenset[str] = frozenset()
        self.refused: frozenset[str] = frozenset()
        self.refusal: Body = REFUSAL
        self.chain_id: int | None = None
        self.bend_head: BendHead | None = None
        self.delay_s = 0.0
        self.copies = 1
        self.upgrade: Answer | None = None

    def forget(self) -> None:
        """Start counting anew."""
        self.requests.clear()
        self.notifications.clear()
        self.attempts = self.connections = 0

    @property
    def open_connections(self) -> int:
        """Clients that are connected now."""
        return len(self._links)

    @property
    def subscribed(self) -> Counter[str]:
        """How many subscriptions of each kind the connected clients hold."""
        return Counter(kind for link in list(self._links) for kind in list(link.subscriptions.values()))

    def asked(self, method: str) -> list[Body]:
        """The requests of one method, oldest first."""
        return [request for request in list(self.requests) if request.get("method") == method]

    def drop_all(self, code: int | None = None) -> None:
        """End every connection: cut without a word, or closed with that WebSocket code (1001, 1011, 1013...)."""
        self._on_loop(self._drop_all(code))

    def refuse_connections(self, *, refuse: bool = True) -> None:
        """Close the port to new clients, or open the same one again; open connections stay."""
        self._on_loop(self._close_port() if refuse else self._open_port())

    def say(self, text: str) -> int:
        """Send this text to every client, whatever it is; how many there were."""
        return self._on_loop(self._say(text))

    def notify(self, kind: str, result: object) -> int:
        """Send a notification of our own to every subscription of a kind; how many there were."""
        return self._on_loop(self._notify(kind, result))

    def stop(self) -> None:
        """Cut all connections, close the port and end the thread."""
        self._on_loop(self._wind_up())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()
        self._place.close()

    def _on_loop(self, work: Coroutine[Any, Any, V]) -> V:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    async def _start(self) -> None:
        application = web.Application()
        application.router.add_get("/{tail:.*}", self._serve)
        self._session = ClientSession()
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await self._open_port()

    async def _open_port(self) -> None:
        if self._site is None:
            self._site = web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True)
            await self._site.start()

    async def _close_port(self) -> None:
        if self._site is not None:
            await self._site.stop()
            self._site = None

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.attempts += 1
        client = web.WebSocketResponse(autoping=False, compress=False, max_msg_size=0, timeout=0.2)
        if self.upgrade is not None or not client.can_prepare(request):
            return await _plain(request, self.upgrade or NOT_A_SOCKET)
        try:
            node = await self._session.ws_connect(self._upstream, max_msg_size=0)
        except (ClientError, OSError):
            return await _plain(request, BAD_GATEWAY)
        await client.prepare(request)
        link = Link(self, client, node, request.transport)
        self._links.append(link)
        self.connections += 1
        try:
            await link.run()
        finally:
            self._links.remove(link)
        return client

    async def _drop_all(self, code: int | None) -> None:
        for link in self._links:
            if code is None:
                link.abort()
            else:
                link.close_with(code)

    async def _say(self, text: str) -> int:
        for link in self._links:
            link.send(text)
        return len(self._links)

    async def _notify(self, kind: str, result: object) -> int:
        return sum(link.notify(kind, result) for link in self._links)

    async def _wind_up(self) -> None:
        await self._drop_all(None)
        await self._runner.cleanup()
        await self._session.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def __enter__(self) -> "WsProxy":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


async def _plain(request: web.Request, answer: Answer) -> web.Response:
    await asyncio.sleep(answer.hang_s)
    if answer.drop and isinstance(request.transport, asyncio.WriteTransport):
        request.transport.abort()
    return web.Response(
        status=answer.status, body=answer.body, headers={"content-type": "application/json", **answer.headers}
    )
