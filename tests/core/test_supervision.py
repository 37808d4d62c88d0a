"""A hedge that fails in a way nobody foresaw: seen, told once, tried again, and no danger to the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from core.cancellation import end
from core.clock import PacedClock, network_s
from core.errors import InvariantBroken, Transient
from core.events import Event, EventKind
from core.facts import LpFacts
from core.feeds import ChainFeed
from core.supervision import HUNG_AFTER_S, TURN_ALLOWANCE_S, Supervisor, Task, TaskLife
from tests.execution.virtual_time import START, VirtualClock, VirtualLoop
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


class Told:
    """An event log in memory; while `hangs` what it takes in is not written down."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.hangs = False

    async def append(self, event: Event) -> None:
        self.events.append(event)
        if self.hangs:
            await asyncio.Event().wait()

    async def recent(self, *, hedge: str | None, limit: int) -> tuple[Event, ...]:
        return ()

    @property
    def kinds(self) -> list[str]:
        return [event.kind.value for event in self.events]


@dataclass
class Kept:
    """A supervisor on a time of its own, and one task that it keeps."""

    loop: VirtualLoop = field(default_factory=VirtualLoop)
    told: Told = field(default_factory=Told)
    meanwhile: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(events=self.told, clock=VirtualClock(self.loop))

    def run(self, task: Task, *, for_s: float) -> TaskLife:
        """How the task is at the end of that time."""

        async def a_while() -> TaskLife:
            keeping = asyncio.ensure_future(self.supervisor.keep(task))
            await asyncio.wait({keeping}, timeout=for_s)
            assert not keeping.done()
            (life,), self.meanwhile = self.supervisor.lives(), self.told.kinds
            await end(keeping)
            return life

        return self.loop.run_until_complete(a_while())


def test_a_turn_that_hangs_is_ended_and_begun_again() -> None:
    """Told once, when it is older than allowed by two minutes; the next one works, and that is told."""
    kept, begun = Kept(), list[float]()

    async def turn() -> None:
        begun.append(kept.loop.time())
        if len(begun) == 3:
            await asyncio.Event().wait()

    life = kept.run(Task("account history", turn, every_s=10), for_s=600)
    assert life.is_well and kept.told.kinds == ["task_failed", "task_recovered"]
    assert kept.told.events[0].data["detail"] == "account history got nowhere for 190 s, and is started again"
    hung_for_s = begun[3] - begun[2]
    assert TURN_ALLOWANCE_S + HUNG_AFTER_S < hung_for_s < 2 * (TURN_ALLOWANCE_S + HUNG_AFTER_S) + 20


def test_a_turn_that_does_not_let_itself_be_ended_is_told_all_the_same() -> None:
    """What goes on in spite of its cancellation shows in the meantime."""
    kept = Kept()

    async def turn() -> None:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(100_000 if kept.loop.time() < 1000 else 0)
                return

    life = kept.run(Task("account history", turn, every_s=10), for_s=900)
    assert not life.is_well and kept.meanwhile == ["task_failed"]


def test_what_returns_or_cancels_itself_has_failed() -> None:
    """A task that is to go on for ever, and did not, is begun again after 1, 2, 4 s, and told once."""
    for ending in (None, asyncio.CancelledError()):
        kept, begun = Kept(), list[float]()

        async def work(kept: Kept = kept, begun: list[float] = begun, ending: BaseException | None = ending) -> None:
            begun.append(kept.loop.time())
            if ending is not None:
                raise ending

        life = kept.run(Task("bans", work), for_s=16)
        assert [round(later - earlier) for earlier, later in pairwise(begun)] == [1, 2, 4, 8]
        assert kept.told.kinds == ["task_failed"] and "an unexpected failure in bans" in (life.trouble or "")


def test_a_market_that_runs_faster_makes_no_hang_longer() -> None:
    """What is allowed is of the clock, what is waited for is of the machine: minutes, not hours."""
    kept, begun = Kept(), list[float]()
    clock = PacedClock(VirtualClock(kept.loop), start=START, speed_s=120.0)
    kept.supervisor = Supervisor(events=kept.told, clock=clock)

    async def work() -> None:
        begun.append(kept.loop.time())
        await asyncio.Event().wait()

    kept.run(Task("eth", work, allowed_s=lambda: 15 + network_s(clock, TURN_ALLOWANCE_S)), for_s=200)
    assert len(begun) == 2 and TURN_ALLOWANCE_S + HUNG_AFTER_S < begun[1] < TURN_ALLOWANCE_S + HUNG_AFTER_S + 5


def test_a_failure_that_cannot_be_told_holds_nothing_up() -> None:
    """With a database that hangs the task goes on; what waits to be written is not said again."""
    kept, begun = Kept(), list[float]()
    kept.told.hangs = True

    async def work() -> None:
        begun.append(kept.loop.time())
        kept.told.hangs = len(begun) < 3
        raise Transient("the database cannot be used now")

    kept.run(Task("bans", work), for_s=60)
    assert len(begun) >= 4 and kept.told.kinds == ["task_failed"]


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "full"])
def test_what_cannot_be_true_is_told_though_the_halt_cannot_be_kept(hangs: bool) -> None:
    """The switch is thrown and the next turn works: without a word nobody would know that all is halted."""
    kept, halted, turns = Kept(), list[str](), list[float]()

    async def halt(why: str) -> None:
        halted.append(why)
        if hangs:
            await asyncio.Event().wait()
        raise Transient("the database cannot be used now: database or disk is full")

    async def work() -> None:
        turns.append(kept.loop.time())
        if len(turns) == 1:
            raise InvariantBroken("journal and exchange disagree")

    kept.supervisor = Supervisor(events=kept.told, clock=VirtualClock(kept.loop), halt=halt)
    kept.run(Task("eth", work, every_s=10, hedge="eth"), for_s=60)
    assert halted == ["journal and exchange disagree"] and len(turns) > 2
    assert kept.told.kinds == ["suspended", "recovered"]
    assert kept.told.events[0].data["detail"] == "journal and exchange disagree"


def test_a_minute_of_work_begins_the_waits_anew() -> None:
    """A task that fails at once waits longer each time; one that had worked for a while is back within a second."""
    kept, begun = Kept(), list[float]()

    async def work() -> None:
        begun.append(kept.loop.time())
        if len(begun) == 4:
            await asyncio.sleep(70)
        raise Transient("no answer")

    kept.run(Task("account history", work), for_s=90)
    assert [round(later - earlier) for earlier, later in pairwise(begun)] == [1, 2, 4, 71, 2, 4]
