"""Binance's public futures data with no key and without python-binance, whose import takes most of a second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import aiohttp

from core.clock import Clock, SystemClock
from core.connection_words import what_failed
from core.exchange.binance_messages import Malformed, server_time_ms
from core.exchange.binance_outcome import Failure, read_error
from core.exchange.binance_traffic import Traffic, retry_after_s
from core.exchange.binance_weights import Cost, cost_of, depth_cost, klines_cost

TIMEOUT_S = 10.0
T = TypeVar("T")


class BinancePublic:
    """Implements `core.exchange.binance_market.PublicSource`. Made inside a running loop or before one."""

    def __init__(
        self, futures_url: str, clock: Clock, *, timeout_s: float = TIMEOUT_S, wall: Clock | None = None
    ) -> None:
        self.traffic = Traffic(clock)
        self._root = futures_url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._wall = wall or SystemClock()
        self._session: aiohttp.ClientSession | None = None
        self._offset_ms: int | None = None

    def server_now_ms(self) -> int:
        """Our clock with the offset measured last; our clock alone before that."""
        return _ms(self._wall) + (self._offset_ms or 0)

    async def exchange_info(self, parse: Callable[[object], T]) -> T:
        """Two requests: the clock's offset is measured anew each time."""
        await self._sync_clock()
        return await self._get("exchangeInfo", {}, parse, cost_of("exchange info"))

    async def depth(self, symbol: str, limit: int, parse: Callable[[object], T]) -> T:
        """Weighs 2 to 20 on the address, by `limit`."""
        return await self._get("depth", {"symbol": symbol, "limit": str(limit)}, parse, depth_cost(limit))

    async def premium_index(self, symbol: str, parse: Callable[[object], T]) -> T:
        """Weighs 1 on the address."""
        return await self._get("premiumIndex", {"symbol": symbol}, parse, cost_of("mark price"))

    async def klines(self, symbol: str, interval: str, limit: int, parse: Callable[[object], T]) -> T:
        """Candles, oldest first, the last one unfinished."""
        wanted = {"symbol": symbol, "interval": interval, "limit": str(limit)}
        return await self._get("klines", wanted, parse, klines_cost(limit))

    async def aclose(self) -> None:
        """Close the session; a later call opens a new one."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _sync_clock(self) -> None:
        sent_ms = _ms(self._wall)
        server_ms = await self._get("time", {}, server_time_ms, cost_of("clock"))
        self._offset_ms = server_ms - (sent_ms + _ms(self._wall)) // 2

    async def _get(self, name: str, params: Mapping[str, str], parse: Callable[[object], T], cost: Cost) -> T:
        permit = self.traffic.take_read(cost)
        headers: Mapping[str, str] = {}
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._session.get(f"{self._root}/fapi/v1/{name}", params=params) as response:
                headers = response.headers
                if response.status == 200:
                    return parse(await response.json(content_type=None))
                failure = await _failure(name, response)
        except Malformed as error:
            raise read_error(Failure(name, 200, None, str(error))) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise read_error(Failure(name, None, None, what_failed(error))) from None
        finally:
            self.traffic.settle(permit, headers)
        self.traffic.note_failure(failure)
        raise read_error(failure)


async def _failure(name: str, response: aiohttp.ClientResponse) -> Failure:
    code: int | None = None
    text = "an answer that is not Binance's"
    body = await response.json(content_type=None) if "json" in response.content_type else None
    if isinstance(body, dict):
        code = body["code"] if isinstance(body.get("code"), int) else None
        text = str(body.get("msg", text))
    return Failure(name, response.status, code, text, retry_after_s(response.headers))


def _ms(clock: Clock) -> int:
    return int(clock.now().timestamp() * 1000)
