"""The same program before the same exchange without sockets and threads, and a plug that can be pulled.

python-binance and aiohttp are unchanged down to the bytes of a request and its answer; only the wire is a function
call. SQLite is the real one on a real file; only the thread that it waits in is left out. Every statement and every
request passes the `Plug`, which counts them: at any of them the power may go, or something else may happen.
"""

from __future__ import annotations

import asyncio
import functools
import sqlite3
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

import aiohttp
import aiosqlite
import binance.base_client
from aiohttp.client_proto import ResponseHandler
from binance import AsyncClient

from core.clock import Clock
from tests.rigs.venue import VenueServer
from tests.rigs.venue.gate import Received

LATENCY_S = 0.02  # of the wire, there and back
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
def in_process(server: VenueServer, clock: Clock, plug: Callable[[], Plug]) -> Iterator[None]:
    """Inside, clients of python-binance reach `server` and databases open in this thread; `plug` is the present one."""

    def session(client: AsyncClient) -> aiohttp.ClientSession:
        client._session_params["connector"] = InProcessConnector(server, plug())
        return plain_session(client)

    def connect(database: str, **arguments: Any) -> aiosqlite.Connection:
        return InlineConnection(functools.partial(sqlite3.connect, database, **arguments), plug())

    plain_session: Callable[[AsyncClient], aiohttp.ClientSession] = AsyncClient._init_session
    stamps = SimpleNamespace(time=lambda: clock.now().timestamp())
    with (
        mock.patch.object(AsyncClient, "_init_session", session),
        mock.patch.object(aiosqlite, "connect", connect),
        mock.patch.object(binance.base_client, "time", stamps),
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
