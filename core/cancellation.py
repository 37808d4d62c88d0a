"""Loops that run side by side, and how they end: all of them, each time, and nothing goes on behind one's back.

One cancellation is not enough. It is lost to `asyncio.wait_for` before Python 3.12 when it meets the result; to a part
that, being cancelled, fails instead; and to whoever takes that failure for one of those after which it tries again.
"""

import asyncio
from collections.abc import Awaitable, Iterable
from typing import Any, NoReturn

from core.errors import InvariantBroken

# Longer than any connection takes to be closed properly.
PATIENCE_S = 2.0


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel them until all have ended; whoever goes on is cancelled again every `PATIENCE_S`. Errors are dropped.

    A cancellation of the caller meanwhile cancels them again too, and is raised when they have ended.
    """
    cancelled = False
    while going_on := {task for task in tasks if not task.done()}:
        for task in going_on:
            task.cancel()
        try:
            await asyncio.wait(going_on, timeout=PATIENCE_S)
        except asyncio.CancelledError:
            cancelled = True
    heard_of(*tasks)
    if cancelled:
        raise asyncio.CancelledError


async def until_one_ends(*parts: Awaitable[Any]) -> None:
    """Run them side by side; the first that ends, or fails, ends the others, and its error is raised alone."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(*tasks)
    for task in done:
        task.result()


async def all_of(parts: Iterable[Awaitable[None]]) -> None:
    """Run them side by side, each to its end though another fails or hangs; then the first failure is raised."""
    for failure in await asyncio.gather(*parts, return_exceptions=True):
        if failure is not None:
            raise failure


async def until_one_fails(*parts: Awaitable[None]) -> NoReturn:
    """As `until_one_ends`, of parts that go on for ever."""
    await until_one_ends(*parts)
    raise InvariantBroken("What was to go on for ever ended without an error")


def fault_of(*tasks: asyncio.Future[Any]) -> Exception | None:
    """The first failure among those that have ended; to be cancelled is none."""
    ended = (task for task in tasks if task.done() and not task.cancelled())
    return next((error for task in ended if isinstance(error := task.exception(), Exception)), None)


def heard_of(*tasks: asyncio.Future[Any]) -> None:
    """Of tasks that have ended: without this asyncio logs an error that nobody is left to ask for."""
    for task in tasks:
        if not task.cancelled():
            task.exception()
