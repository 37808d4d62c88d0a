"""python-binance behind two calls, `read` and `order`, with every failure sorted by what the caller must do.

The library signs, knows the paths and keeps the session; it does not retry, hides the text of bodies that are not JSON,
raises AttributeError on an error body of `null`, and lets aiohttp's errors through bare. Importing it takes most of a
second, so only live mode imports this module.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from types import SimpleNamespace
from typing import TypeVar

import aiohttp
from binance import AsyncClient
from binance.exceptions import BinanceAPIException, BinanceRequestException
from pydantic import SecretStr

from core.clock import Clock, SystemClock, ahead_of_system
from core.connection_words import what_failed
from core.errors import Refused, Transient
from core.exchange.binance_messages import Malformed, server_time_ms
from core.exchange.binance_outcome import CLOCK_CODES, Failure, order_error, read_error
from core.exchange.binance_traffic import Permit, Traffic, retry_after_s
from core.exchange.binance_weights import Cost, cost_of

RECV_WINDOW_MS = 5_000
MILLISECOND = timedelta(milliseconds=1)
TIMEOUT_S = 10.0
CONNECT_TIMEOUT_S = 4.0
CLOCK_SYNC_EVERY_S = 600.0
CLOCK_SAMPLES = 3
# A measure is good for longer than until the next one is due: a failed one is made again, and stops nothing meanwhile.
CLOCK_SYNC_AGAIN_S = 60.0
CLOCK_TRUSTED_S = 3600.0

# What a request through python-binance and aiohttp is known or suspected to raise. TimeoutError is an OSError.
TROUBLE = (
    BinanceAPIException,
    BinanceRequestException,
    aiohttp.ClientError,
    OSError,
    AttributeError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    RuntimeError,
)
# The request has not left: refused or unresolved connections, and time-outs while connecting.
NEVER_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError)

Call = Callable[[AsyncClient], Awaitable[object]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BinanceAccess:
    """`spot_url` empty: the key's permissions are not asked."""

    key: SecretStr
    secret: SecretStr
    futures_url: str = "https://fapi.binance.com"
    spot_url: str = ""
    timeout_s: float = TIMEOUT_S


@dataclass(slots=True)
class _Seen:
    """What the trace saw of the request under way, kept per task."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


_seen: ContextVar[_Seen] = ContextVar("binance_request")


class BinanceClient:
    """`clock_offset_ms`: the exchange's clock less ours, positive when ours is slow.

    `wall` is the clock that requests are stamped with; it is never a manual one.
    """

    def __init__(self, access: BinanceAccess, clock: Clock, *, wall: Clock | None = None) -> None:
        self.traffic = Traffic(clock)
        self._access = access
        self._clock = clock
        self._wall = wall or SystemClock()
        self._library: AsyncClient | None = None
        self.clock_offset_ms = 0
        self._synced_at_s: float | None = None
        self._sync_due_at_s = 0.0
        self._sync_lock = asyncio.Lock()

    @property
    def has_spot(self) -> bool:
        """Whether the spot host may be asked."""
        return bool(self._access.spot_url)

    def server_now_ms(self) -> int:
        """The exchange's clock by the last synchronisation."""
        return _ms(self._wall) + self.clock_offset_ms

    async def read(self, what: str, call: Call, parse: Callable[[object], T], *, cost: Cost | None = None) -> T:
        """One request that may safely be repeated. Raises Transient, or Refused with the exchange's code.

        `cost`: where it depends on more than `what` is asked.
        """
        cost = cost or cost_of(what)
        async with self._sync_lock:  # reads that start together measure once
            await self._keep_clock()
        answer = await self._attempt(what, call, parse, self.traffic.take_read(cost))
        if isinstance(answer, Failure) and answer.code in CLOCK_CODES:
            await self.sync_clock()
            answer = await self._attempt(what, call, parse, self.traffic.take_read(cost))
        if isinstance(answer, Failure):
            raise read_error(answer)
        return answer

    async def order(
        self,
        what: str,
        client_order_id: str,
        call: Call,
        parse: Callable[[object], T],
        may_send: Callable[[], bool] | None = None,
    ) -> T:
        """One POST of an order; sent again only after it was refused for its time stamp, and if it still may be.

        Raises Refused, Transient (nothing exists) or OutcomeUnknown. When cancelled, the outcome is unknown too.
        """
        answer = await self._attempt(what, call, parse, self.traffic.take_order())
        if isinstance(answer, Failure) and answer.code in CLOCK_CODES:
            await self.sync_clock()
            if may_send is not None and not may_send():
                raise Transient("The order was refused for its time stamp, and not sent again: trading was stopped")
            answer = await self._attempt(what, call, parse, self.traffic.take_order())
        if isinstance(answer, Failure):
            raise order_error(answer, client_order_id)
        return answer

    async def sync_clock(self) -> None:
        """Measure the exchange's clock against ours; of a few samples the quickest counts."""
        samples: list[tuple[int, int]] = []
        for _ in range(CLOCK_SAMPLES):
            permit = self.traffic.take_read(cost_of("clock"))
            sent_ms = _ms(self._wall)
            answer = await self._attempt("clock", lambda library: library.futures_time(), server_time_ms, permit)
            if isinstance(answer, Failure):
                raise read_error(answer)
            taken_ms = _ms(self._wall) - sent_ms
            samples.append((taken_ms, answer - sent_ms - taken_ms // 2))
        self.clock_offset_ms = min(samples)[1]
        self._synced_at_s = self._clock.monotonic_s()
        self._sync_due_at_s = self._synced_at_s + CLOCK_SYNC_EVERY_S

    async def _keep_clock(self) -> None:
        """Raises as `sync_clock` while there is no measure that can be trusted."""
        now_s = self._clock.monotonic_s()
        if self._synced_at_s is None or now_s - self._synced_at_s > CLOCK_TRUSTED_S:
            return await self.sync_clock()
        if now_s > self._sync_due_at_s:
            self._sync_due_at_s = now_s + CLOCK_SYNC_AGAIN_S
            with suppress(Transient, Refused):
                await self.sync_clock()
        return None

    def for_sockets(self) -> AsyncClient:
        """The library's own client, as its socket manager wants it; requests go through `read` and `order`."""
        return self._open()

    async def aclose(self) -> None:
        """Close the session; a later call opens a new one."""
        if self._library is not None:
            await self._library.close_connection()
            self._library, self._synced_at_s, self.clock_offset_ms = None, None, 0

    async def _attempt(self, what: str, call: Call, parse: Callable[[object], T], permit: Permit) -> T | Failure:
        """The answer, or the Failure as a value: no exception of the library survives, not as a cause either."""
        seen = _Seen()
        token = _seen.set(seen)
        try:
            library = self._open()
            library.timestamp_offset = self.clock_offset_ms + ahead_of_system(self._wall) // MILLISECOND
            return parse(await call(library))
        except TROUBLE as error:
            failure = await _failure(what, error, seen)
        finally:
            _seen.reset(token)
            self.traffic.settle(permit, seen.headers)
        self.traffic.note_failure(failure)
        return failure

    def _open(self) -> AsyncClient:
        """The library's client, made inside the running loop: its constructor asks nothing of the network."""
        if self._library is None:
            trace = aiohttp.TraceConfig()
            trace.on_request_end.append(self._on_request_end)
            timeout = aiohttp.ClientTimeout(total=self._access.timeout_s, connect=CONNECT_TIMEOUT_S)
            library = AsyncClient(
                self._access.key.get_secret_value(),
                self._access.secret.get_secret_value(),
                requests_params={"timeout": timeout},
                session_params={"trace_configs": [trace]},
            )
            library.REQUEST_RECVWINDOW = RECV_WINDOW_MS
            library.FUTURES_URL = f"{self._access.futures_url.rstrip('/')}/fapi"
            library.MARGIN_API_URL = f"{self._access.spot_url.rstrip('/')}/sapi"
            self._library = library
        return self._library

    async def _on_request_end(
        self, session: aiohttp.ClientSession, context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        seen = _seen.get(_Seen())
        seen.status, seen.headers = params.response.status, params.response.headers


async def _failure(what: str, error: Exception, seen: _Seen) -> Failure:
    """Status and headers from the trace, code and text from the body; never the URL, which carries the signature."""
    code, text = await _code_and_text(error)
    return Failure(
        what=what,
        status=seen.status,
        code=code,
        text=text,
        retry_after_s=retry_after_s(seen.headers),
        never_sent=isinstance(error, NEVER_SENT) and seen.status is None,
    )


async def _code_and_text(error: Exception) -> tuple[int | None, str]:
    if not isinstance(error, BinanceAPIException):
        return None, _plain(error)
    if isinstance(error.code, int) and error.code:
        return error.code, str(error.message)
    try:
        text = await error.response.text()
    except (aiohttp.ClientError, OSError, ValueError):
        return None, "an answer that could not be read"
    return None, _without_code(text)


def _without_code(text: str) -> str:
    """A body of {"msg": ...} without a code, or of plain words, keeps its words; markup is of no use to anyone."""
    try:
        body = json.loads(text)
    except ValueError:
        return "an answer that is not Binance's" if text.lstrip().startswith("<") else text.strip()[:200]
    message = body.get("msg") if isinstance(body, dict) else None
    return message if isinstance(message, str) else "an answer without code and text"


def _plain(error: Exception) -> str:
    return str(error) if isinstance(error, Malformed) else what_failed(error)


def _ms(clock: Clock) -> int:
    return int(clock.now().timestamp() * 1000)
