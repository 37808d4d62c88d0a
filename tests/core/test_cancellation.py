"""Whoever goes on for ever ends when told to, also when a part of it fails in the very moment of being ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from core.cancellation import end, until_one_fails
from core.clock import SystemClock
from core.errors import Transient
from core.events import Event
from core.listening import Listening, listen_while_wanted
from core.supervision import Supervisor, Task

GIVES_IN_AFTER_S = 0.5


async def spoil() -> None:
    """As a connection that cannot be closed cleanly: it answers its end with a failure."""
    began_s = asyncio.get_running_loop().time()
    try:
        await asyncio.sleep(3600)
    except asyncio.CancelledError:
        if asyncio.get_running_loop().time() - began_s > GIVES_IN_AFTER_S:
            raise
        raise Transient("it broke off") from None


class _Log:
    async def append(self, event: Event) -> None: ...

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        return ()


async def supervised() -> None:
    async def halt(why: str) -> None: ...

    await Supervisor(events=_Log(), halt=halt, clock=SystemClock()).keep(Task("work", spoil))


async def listening() -> None:
    async def tell(why: str | None) -> None: ...

    await Listening("news", spoil, tell=tell, clock=SystemClock()).run()


async def parts() -> None:
    await until_one_fails(spoil(), spoil())


async def wanted() -> None:
    await listen_while_wanted(lambda: frozenset(["ETHUSDT"]), lambda _: spoil())


@pytest.mark.parametrize("work", [supervised, listening, parts, wanted])
async def test_an_end_is_an_end(work: Callable[[], Awaitable[None]]) -> None:
    """However deep the failure; nothing is left of it."""
    others = asyncio.all_tasks()
    task = asyncio.ensure_future(work())
    await asyncio.sleep(0.01)
    async with asyncio.timeout(60.0):
        await end(task)
    assert asyncio.all_tasks() == others


async def test_a_caller_in_a_hurry_waits_all_the_same() -> None:
    """Cancelled while it waits, it cancels them once more, and says so when they have ended."""
    stubborn = asyncio.ensure_future(listening())
    ending = asyncio.ensure_future(end(stubborn))
    await asyncio.sleep(0.01)
    ending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ending
    assert stubborn.done()


async def test_the_first_failure_is_raised_alone() -> None:
    """The others are ended first."""
    others = asyncio.all_tasks()

    async def fail() -> None:
        await asyncio.sleep(0.01)
        raise KeyError("first")

    with pytest.raises(KeyError, match="first"):
        await until_one_fails(spoil(), fail())
    assert asyncio.all_tasks() == others
