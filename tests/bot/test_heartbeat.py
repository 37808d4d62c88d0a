"""The sign of life: given while cycles complete, withheld when they do not, and never a danger itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from pydantic import SecretStr

from bot.environment import checked_url
from bot.heartbeat import Heartbeat
from core.clock import SystemClock
from tests.rigs.impostor import Impostor


@asynccontextmanager
async def a_watcher(status: int = 200, location: str = "") -> AsyncIterator[tuple[str, list[str]]]:
    """(address, the paths asked for so far)."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.path)
        return web.Response(status=status, headers={"Location": location} if location else None)

    application = web.Application()
    application.router.add_get("/{tail:.*}", answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/ping/s3cret", asked
    finally:
        await runner.cleanup()


class Beaten(SystemClock):
    """Tells that a beat is over: the next one is slept for."""

    def __init__(self) -> None:
        self.rests = asyncio.Event()

    async def sleep(self, seconds_s: float) -> None:
        self.rests.set()
        await super().sleep(seconds_s)


async def beats(url: str, stalled: tuple[str, ...] = ()) -> bool:
    """Lets it run for one beat; True when it still does."""
    clock = Beaten()
    task = asyncio.create_task(Heartbeat(SecretStr(url), stalled=lambda: stalled, clock=clock).run())
    rests = asyncio.create_task(clock.rests.wait())
    await asyncio.wait({task, rests}, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    alive = rests.done() and not task.done()
    for each in (task, rests):
        each.cancel()
    await asyncio.gather(task, rests, return_exceptions=True)
    return alive


async def test_it_beats_while_cycles_complete() -> None:
    """The address is asked once a minute, the first time at once."""
    async with a_watcher() as (url, asked):
        assert await beats(url)
        assert asked == ["/ping/s3cret"]


async def test_it_is_silent_when_a_hedge_has_stalled() -> None:
    """A process that is there but does nothing must look dead."""
    async with a_watcher() as (url, asked):
        assert await beats(url, stalled=("eth",))
        assert asked == []


async def test_a_watcher_that_fails_stops_nothing(capfd) -> None:  # type: ignore[no-untyped-def]
    """Neither an error answer nor a dead host ends it, and the address is not logged."""
    async with a_watcher(status=500) as (url, _):
        assert await beats(url)
    assert await beats("http://127.0.0.1:1/ping/s3cret")
    assert "s3cret" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("host", ["a..b", "a" * 70 + ".example"])
async def test_an_address_that_is_no_name_stops_nothing(host: str) -> None:
    """The configuration refuses it; a watcher that sends on to one is a watcher that fails."""
    with pytest.raises(ValueError, match="whose host is a name"):
        checked_url(f"https://{host}/ping", "https")
    async with a_watcher(status=302, location=f"http://{host}/") as (url, _):
        assert await beats(url)


async def test_an_impostor_hears_nothing_and_stops_nothing() -> None:
    """The address is a secret: whoever cannot prove to be the watcher is not told it."""
    async with Impostor() as impostor:
        assert await beats(f"https://{impostor.place}/ping/s3cret")
        assert impostor.called and impostor.heard == []
