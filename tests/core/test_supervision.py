"""A hedge that fails in a way nobody foresaw: seen, told once, tried again, and no danger to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from core.errors import InvariantBroken
from core.events import EventKind
from core.facts import LpFacts
from core.feeds import ChainFeed
from tests.execution.world import Setting, World, running


class Failing:
    """Makes the chain's answers a bug's doing until it is mended."""

    def __init__(self, setting: Setting, error: Exception) -> None:
        self._read = setting.pool.read
        self.error: Exception | None = error
        setting.pool.read = self.read  # type: ignore[method-assign]

    async def read(self) -> Mapping[str, LpFacts]:
        if self.error is not None:
            raise self.error
        return await self._read()


async def while_it_runs(world: World, work: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.create_task(world.engine.run())
    try:
        await asyncio.wait_for(work(), timeout=60)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


async def test_a_bug_is_shown_told_once_and_ended_by_its_mend(setting: Setting) -> None:
    """SUSPENDED(evaluation_failed) meanwhile, one alert, one recovery, and hedging goes on."""
    async with running(setting) as world:
        broken = Failing(setting, ZeroDivisionError("boom"))

        async def work() -> None:
            await until(lambda: world.status.reason == "evaluation_failed")
            await asyncio.sleep(0.2)
            broken.error = None
            await until(lambda: world.status.state == "READY")

        await while_it_runs(world, work)
        told = await world.events(EventKind.SUSPENDED, EventKind.RECOVERED)
        ours = [event.kind.value for event in told if event.data["reason"] == "evaluation_failed"]
        assert ours == ["suspended", "recovered"]
        assert "boom" not in str([event.data for event in told])


async def test_what_cannot_be_true_halts_everything(setting: Setting) -> None:
    """An InvariantBroken ends all trading until a person resumes it."""
    async with running(setting) as world:
        broken = Failing(setting, InvariantBroken("the journal contradicts itself"))

        async def work() -> None:
            await until(lambda: world.status.reason == "halted")
            assert world.status.detail == "the journal contradicts itself"
            broken.error = None
            await until(lambda: world.status.detail == "")
            assert world.status.reason == "halted"

        await while_it_runs(world, work)
        assert setting.sent() == []


async def test_a_halt_shows_though_nothing_can_be_evaluated(setting: Setting) -> None:
    """Sent while it fails, and after a restart into the same failure; a /resume takes it off again."""
    Failing(setting, ZeroDivisionError("boom"))
    async with running(setting) as world:

        async def work() -> None:
            await until(lambda: world.status.reason == "evaluation_failed")
            await world.command("halt")
            await until(lambda: world.status.reason == "halted")
            assert "unexpected" in world.status.detail

        await while_it_runs(world, work)
    async with running(setting) as world:

        async def again() -> None:
            await until(lambda: "unexpected" in world.status.detail)
            assert (world.status.state, world.status.reason) == ("SUSPENDED", "halted")
            # The clock runs ahead of the disk: a command may be too old when it is read.
            while world.status.reason != "evaluation_failed":
                await world.command("resume")
                await asyncio.sleep(0.05)

        await while_it_runs(world, again)


async def test_the_feed_is_what_fails(setting: Setting) -> None:
    """The fault above reaches the engine: a feed swallows what a node may do, not what a bug does."""
    Failing(setting, ZeroDivisionError("boom"))
    feed = ChainFeed(setting.pool, setting.clock)
    try:
        await feed.facts("eth", max_age_s=0)
    except ZeroDivisionError:
        return
    raise AssertionError("the bug was taken for a node's fault")
