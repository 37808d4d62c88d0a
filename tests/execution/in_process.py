"""The same program before the same exchange without sockets and threads, and a plug that can be pulled.

python-binance and aiohttp are unchanged down to the bytes of a request and its answer; only the wire is a function
call. SQLite is the real one on a real file; only the thread that it waits in is left out. Every statement and every
request passes the `Plug`, which counts them: at any of them the power may go, or something else may happen.
"""

from __future__ import annotations

import asyncio
import functools
import json
import sqlite3
from collections.abc import Callable, Collection, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any, Self
from unittest import mock

import aiohttp
import aiosqlite
import binance.base_client
from aiohttp.client_proto import ResponseHandler
from binance import AsyncClient
from websockets.exceptions import ConnectionClosedError

from core.clock import Clock
from core.exchange import binance_market_stream
from core.exchange.binance_account_stream import BinanceAccountStream
from core.exchange.binance_streams import Liveness
from tests.rigs.venue import VenueServer
from tests.rigs.venue.gate import Received
from tests.rigs.venue.streams import Close, Listener

LATENCY_S = 0.02  # of the wire, there and back
PONG_WITHIN_S = Liveness().ping_every_s + Liveness().pong_within_s
Deed = Callable[[], Coroutine[Any, Any, None]]


class PowerIsOut(sqlite3.OperationalError):
    """What a process sees that is dead already; nobody is left to act on it."""


class Plug:
    """Counts what leaves the process: each statement to the disk, each request to the exchange."""

    def __init__(self) -> None:
        self.count = 0
        self.is_out = False
        self.went_out = asyncio.Event()
        self.deeds_done: list[asyncio.Task[None]] = []
        self._cut_at: int | None = None
        self._deed: tuple[int, Deed] | None = None
        self._disks: list[sqlite3.Connection] = []
        self._held: list[asyncio.Future[None]] = []

    def cut_in(self, passes: int) -> None:
        """The power goes just before the one after so many more."""
        self._cut_at = self.count + passes + 1

    def do_in(self, passes: int, deed: Deed) -> None:
        """`deed` begins beside the one after so many more."""
        self._deed = (self.count + passes + 1, deed)

    def call_off(self) -> None:
        self._cut_at = self._deed = None

    async def passes(self) -> None:
        if self.is_out:
            raise PowerIsOut
        self.count += 1
        if self._deed is not None and self.count >= self._deed[0]:
            (_, deed), self._deed = self._deed, None
            self.deeds_done.append(asyncio.get_running_loop().create_task(deed()))
        if self._cut_at is not None and self.count >= self._cut_at:
            self.pull()
            await self._never()
        await asyncio.sleep(0)
        if self.is_out:
            raise PowerIsOut

    async def _never(self) -> None:
        held: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held.append(held)
        await held

    def bury(self) -> None:
        """Whoever was held up when the power went is gone too."""
        for held in self._held:
            held.cancel()

    def pull(self) -> None:
        """Nothing reaches disk or wire any more; what was not committed is gone."""
        self.is_out = True
        for disk in self._disks:
            disk.close()
        self.went_out.set()

    def feeds(self, disk: sqlite3.Connection) -> None:
        self._disks.append(disk)


@contextmanager
def in_process(
    server: VenueServer, clock: Clock, plug: Callable[[], Plug], heard: Callable[[dict[str, Any]], None]
) -> Iterator[None]:
    """Inside, clients of python-binance reach `server` and databases open in this thread; `plug` is the present one.

    `heard` is called with every event of the account that the program takes off its stream.
    """

    def session(client: AsyncClient) -> aiohttp.ClientSession:
        client._session_params["connector"] = InProcessConnector(server, plug())
        return plain_session(client)

    def connect(database: str, **arguments: Any) -> aiosqlite.Connection:
        return InlineConnection(functools.partial(sqlite3.connect, database, **arguments), plug())

    plain_session: Callable[[AsyncClient], aiohttp.ClientSession] = AsyncClient._init_session
    stamps = SimpleNamespace(time=lambda: clock.now().timestamp())

    def user_socket(stream: BinanceAccountStream) -> UserSocket:
        return UserSocket(server, plug(), heard)

    def market_socket(url: str, **arguments: Any) -> MarketSocket:
        return MarketSocket(server, plug(), url)

    with (
        mock.patch.object(AsyncClient, "_init_session", session),
        mock.patch.object(aiosqlite, "connect", connect),
        mock.patch.object(binance.base_client, "time", stamps),
        mock.patch.object(BinanceAccountStream, "_socket", user_socket),
        mock.patch.object(binance_market_stream, "connect", market_socket),
    ):
        yield


class InlineConnection(aiosqlite.Connection):
    def __init__(self, connector: Callable[[], sqlite3.Connection], plug: Plug) -> None:
        super().__init__(connector, 64)
        self._plug = plug

    def __await__(self) -> Any:
        return self._connect().__await__()

    async def _connect(self) -> aiosqlite.Connection:
        self._connection = self._connector()
        self._plug.feeds(self._connection)
        return self

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        await self._plug.passes()
        return fn(*args, **kwargs)

    def stop(self) -> None:
        self._running = False
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def close(self) -> None:
        self.stop()


class InProcessConnector(aiohttp.BaseConnector):
    """Keeps connections alive as the real one does; each is a pair of aiohttp's own parser and the rig's `answer`."""

    def __init__(self, server: VenueServer, plug: Plug) -> None:
        super().__init__()
        self._server = server
        self._plug = plug

    async def _create_connection(self, req: Any, traces: Any, timeout: Any) -> ResponseHandler:
        protocol = self._factory()
        protocol.connection_made(_Wire(protocol, self._server, self._plug))
        return protocol


class _Wire(asyncio.Transport):
    def __init__(self, protocol: ResponseHandler, server: VenueServer, plug: Plug) -> None:
        super().__init__()
        self._protocol = protocol
        self._server = server
        self._plug = plug
        self._sent = b""
        self._closed = False
        self._answering: asyncio.Task[None] | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self._sent += bytes(data)
        received = _whole_request(self._sent)
        if received is not None:
            self._sent = b""
            # Whether the client still listens is no concern of the exchange: it is not cancelled with it.
            self._answering = asyncio.get_running_loop().create_task(self._answer(received))

    async def _answer(self, received: Received) -> None:
        try:
            await self._plug.passes()
        except PowerIsOut:
            return
        await asyncio.sleep(LATENCY_S / 2)
        answer = await self._server.answer(received)
        await asyncio.sleep(LATENCY_S / 2)
        if self._closed:
            return
        if answer is not None:
            lines = [
                f"HTTP/1.1 {answer.status} Rig",
                *(f"{key}: {value}" for key, value in answer.wire_headers().items()),
            ]
            self._protocol.data_received("\r\n".join([*lines, "", answer.body]).encode())
        if answer is None or answer.cut:
            self.abort()

    def is_closing(self) -> bool:
        return self._closed

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        if not self._closed:
            self._closed = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class _Socket:
    """What the exchange tells over one connection; a half-open one is given up when its ping was not answered."""

    def __init__(self, server: VenueServer, plug: Plug) -> None:
        self._hub = server.hub
        self._plug = plug
        self._told = ExitStack()
        self._listener: Listener | None = None

    async def _open(self, root: str, key: str | None, names: Collection[str]) -> None:
        await asyncio.sleep(LATENCY_S)
        if self._hub.refusing or self._plug.is_out:
            raise ConnectionRefusedError("the exchange takes no connections")
        loop = asyncio.get_running_loop()
        self._listener = Listener(asyncio.Queue(), loop, root, key, set(names), combined=root != "private")
        self._told.enter_context(self._hub.telling(self._listener))

    async def _hear(self) -> str | None:
        """None: the connection is gone."""
        if self._listener is None or self._plug.is_out:
            return None
        listener = self._listener
        while True:
            try:
                async with asyncio.timeout(PONG_WITHIN_S):
                    said = await listener.queue.get()
            except TimeoutError:
                if listener.silent:
                    return None
                continue
            if listener.silent:
                continue
            return None if isinstance(said, Close) else said

    async def close(self) -> None:
        self._told.close()


class UserSocket(_Socket):
    """As python-binance's socket of the account looks to us."""

    ws = None

    def __init__(self, server: VenueServer, plug: Plug, heard: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(server, plug)
        self._heard = heard

    async def connect(self) -> None:
        await self._open("private", self._hub.listen_key, ())

    async def recv(self) -> object:
        said = await self._hear()
        if said is None:
            return {"e": "error", "type": "ConnectionClosedError"}
        event: dict[str, Any] = json.loads(said)
        self._heard(event)
        return event


class MarketSocket(_Socket):
    """As a connection of the websockets library looks to us."""

    def __init__(self, server: VenueServer, plug: Plug, url: str) -> None:
        super().__init__(server, plug)
        path, _, names = url.partition("?streams=")
        self._root, self._names = path.split("/")[-2], names.split("/")

    async def __aenter__(self) -> Self:
        await self._open(self._root, None, self._names)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def recv(self) -> str:
        said = await self._hear()
        if said is None:
            raise ConnectionClosedError(None, None)
        return said


def _whole_request(sent: bytes) -> Received | None:
    """None while some of it has not come yet."""
    head, gap, body = sent.partition(b"\r\n\r\n")
    if not gap:
        return None
    first, *lines = head.decode().split("\r\n")
    headers = {key.lower(): value for key, _, value in (line.partition(": ") for line in lines)}
    if len(body) < int(headers.get("content-length", "0")):
        return None
    method, target, _ = first.split(" ")
    path, _, query = target.partition("?")
    return Received(method, path, query, body.decode(), headers.get("x-mbx-apikey"))
