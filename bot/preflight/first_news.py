"""Whether something that is to tell its news by itself says a first word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from core.cancellation import end

T = TypeVar("T")


async def first_news(listen: Callable[[Callable[[T], None]], Awaitable[None]], within_s: float) -> T | None:
    """None when nothing came in time. Raises what `listen` raises before its first news."""
    first: asyncio.Future[T] = asyncio.get_running_loop().create_future()

    def take(news: T) -> None:
        if not first.done():
            first.set_result(news)

    listening = asyncio.ensure_future(listen(take))
    either: set[asyncio.Future[Any]] = {listening, first}
    try:
        done, _ = await asyncio.wait(either, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        if first in done:
            return first.result()
        if listening in done:
            listening.result()
        return None
    finally:
        await end(listening)
