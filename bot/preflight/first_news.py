"""Whether something that is to tell its news by itself says a first word."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from bot.preflight.findings import Finding, fix, ok, warn
from core.cancellation import end
from core.errors import Refused, Transient

T = TypeVar("T")
Listen = Callable[[Callable[[T], None]], Awaitable[None]]


async def examine_news(
    subject: str, listen: Listen[T], within_s: float, *, heard: Callable[[T], str], silent: str, mend: str
) -> Finding:
    """What to say of the first news, of none within `within_s`, and, behind its reason, of a broken connection."""
    try:
        news = await _first_news(listen, within_s)
    except Refused as error:
        return fix(subject, str(error))
    except Transient as error:
        return warn(subject, f"{error}: {mend}")
    return warn(subject, silent) if news is None else ok(subject, heard(news))


async def _first_news(listen: Listen[T], within_s: float) -> T | None:
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
