"""The account's own events over python-binance's socket manager, one connection and one listen key at a time.

The library reconnects by itself, with the same key and without a word about what was missed in between; it loses its
queue when that overflows; and it polls the key in its own rhythm. All three are switched off here by its own knobs: no
reconnects, a queue no burst fills, a key timer that never comes. What is left is its signed POST and its reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

from binance import BinanceSocketManager
from binance.exceptions import ReadLoopClosed

from core.cancellation import until_one_fails
from core.clock import Clock
from core.connection_words import what_failed
from core.errors import Refused, Transient
from core.exchange.binance_client import TROUBLE, BinanceClient
from core.exchange.binance_events import UnitOf, account_news, event_of
from core.exchange.binance_messages import Malformed
from core.exchange.binance_streams import Liveness, broken_as_transient
from core.news_ports import AccountNews

STREAM = "Binance's account stream"
KEEP_EVERY_S = 1800.0
KEEP_AGAIN_S = 60.0
KEY_SURE_S = 3300.0  # a key lives an hour after it was last kept
KEY_GONE = "-1125"
NEVER_S = 10 * 365 * 86_400
QUEUE = 10_000
# How soon the library's reader notices that it is to stop or has stopped.
LOOK_UP_EVERY_S = 1.0
CLOSE_WITHIN_S = 1.0


class BinanceAccountStream:
    """Implements `core.news_ports.AccountStream`.

    The stream may rightly be silent for hours, so it is asked whether it lives by pings (`liveness`). Events may come
    twice: a fill is told apart by its symbol and trade id, an order's executed quantity is cumulative.
    """

    def __init__(
        self,
        client: BinanceClient,
        unit_of: UnitOf,
        clock: Clock,
        *,
        stream_url: str,
        liveness: Liveness | None = None,
        queue: int = QUEUE,
    ) -> None:
        self._client = client
        self._unit_of = unit_of
        self._clock = clock
        self._root = f"{stream_url.rstrip('/')}/"
        self._liveness = liveness or Liveness()
        self._queue = queue

    async def listen(self, on_news: Callable[[AccountNews], None]) -> NoReturn:
        """As the port says; Refused for a key that Binance does not know. Each call asks for a listen key."""
        key = await self._client.read(
            "listen key", lambda library: library.futures_stream_get_listen_key(), _listen_key
        )
        socket = self._socket()
        try:
            await self._open(socket)
            await until_one_fails(self._keep(key), self._hear(socket, on_news))
        finally:
            await _tear_down(socket)

    def _socket(self) -> Any:
        """A new manager each time: it hands out the same socket for as long as it lives."""
        manager = BinanceSocketManager(self._client.for_sockets(), user_timeout=NEVER_S, max_queue_size=self._queue)
        manager.FSTREAM_URL = self._root
        manager.ws_kwargs = {
            "ping_interval": self._liveness.ping_every_s,
            "ping_timeout": self._liveness.pong_within_s,
            "open_timeout": self._liveness.open_within_s,
        }
        socket = manager.futures_user_socket()
        socket.MAX_RECONNECTS = 0
        socket.TIMEOUT = LOOK_UP_EVERY_S
        return socket

    async def _open(self, socket: Any) -> None:
        """The library POSTs again, which answers with the same key."""
        try:
            with broken_as_transient(STREAM):
                await socket.connect()
        except TROUBLE as error:
            raise Transient(f"{STREAM} could not be opened ({what_failed(error)})") from None

    async def _hear(self, socket: Any, on_news: Callable[[AccountNews], None]) -> NoReturn:
        on_news(AccountNews())
        while True:
            for news in self._news(await _next(socket)):
                on_news(news)

    def _news(self, message: object) -> tuple[AccountNews, ...]:
        try:
            kind, event = event_of(message)
            if kind == "error":  # the library's own: the connection is gone
                raise Transient(f"{STREAM} broke off ({event.get('type')})")
            if kind == "listenKeyExpired":
                raise Transient(f"Binance ended the key of {STREAM}")
            return account_news(kind, event, self._unit_of)
        except Malformed as error:
            raise Transient(f"{STREAM} made no sense: {error}") from None

    async def _keep(self, key: str) -> NoReturn:
        wait_s, kept_at_s = KEEP_EVERY_S, self._clock.monotonic_s()
        while True:
            await self._clock.sleep(wait_s)
            try:
                kept = await self._kept(key)
            except Transient:
                wait_s = KEEP_AGAIN_S
                if self._clock.monotonic_s() - kept_at_s > KEY_SURE_S:
                    raise
                continue
            if not kept:
                raise Transient(f"Binance no longer knows the key of {STREAM}")
            wait_s, kept_at_s = KEEP_EVERY_S, self._clock.monotonic_s()

    async def _kept(self, key: str) -> bool:
        """False: the key has ended, or another one has taken its place."""
        try:
            return await self._client.read(
                "listen key renewal",
                lambda library: library.futures_stream_keepalive(key),
                lambda answer: _names_key(answer, key),
            )
        except Refused as refusal:
            if refusal.code == KEY_GONE:
                return False
            raise


async def _next(socket: Any) -> object:
    """The library waits with `asyncio.wait_for`, which before Python 3.12 loses a cancellation that meets a message."""
    try:
        message = await socket.recv()
    except ReadLoopClosed:
        raise Transient(f"The reader of {STREAM} stopped, and what it had read is lost") from None
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    return message


async def _tear_down(socket: Any) -> None:
    """The connection first: the library's `close` waits for its reader, which ends with the connection."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_WITHIN_S):
            if socket.ws is not None:
                await socket.ws.close()
            await socket.close()


def _listen_key(answer: object) -> str:
    if not isinstance(answer, str) or not answer:
        raise Malformed("the answer has no listen key")
    return answer


def _names_key(answer: object, key: str) -> bool:
    """Whether it was this key that was kept; some answers do not say which."""
    if not isinstance(answer, dict):
        raise Malformed("the answer is not about a listen key")
    return bool(answer.get("listenKey", key) == key)
