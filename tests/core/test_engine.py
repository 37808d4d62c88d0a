"""Two hedges side by side, and the engine's own loops: pace, waking, and trouble that stays with its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.cancellation import end
from core.command_desk import CommandDesk
from core.errors import ConfigurationError, InvariantBroken, Refused, Transient
from core.events import EventKind
from core.supervision import Supervisor, Task
from tests.core.pair import START, Pair, Programme, started

HEDGED = Decimal("-4.999")


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path / "lp_hedge.db")


@asynccontextmanager
async def in_the_background(programme: Programme) -> AsyncIterator[None]:
    """The engine's own loops, until the block is left; time moves only by the test's hand."""
    with capture_logs():  # traces are slow to print
        task = asyncio.create_task(programme.engine.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Real time only: the loops do what they do without the clock moving."""
    async with asyncio.timeout(60):
        while not await condition():
            await asyncio.sleep(0.002)


async def stirred() -> None:
    """Until whoever was woken has begun: that takes turns of the loop, however little or much time they take."""
    for _ in range(30):
        await asyncio.sleep(0)


async def advance(programme: Programme, seconds: int, *, step_s: float = 1) -> None:
    """Step by step, each time until the loops of commands, account history and hedges all sleep again."""
    clock, loops = programme.pair.clock, 2 + len(programme.engine.hedge_names())

    async def at_rest() -> bool:
        return clock.asleep == loops

    await until(at_rest)
    for _ in range(int(seconds / step_s)):
        await clock.advance(step_s)
        await stirred()
        await until(at_rest)


async def test_each_hedge_goes_to_its_own_target(pair: Pair) -> None:
    """One account, two symbols, two journals' sums."""
    async with started(pair) as programme:
        await programme.cycles(3)
        assert [await programme.position(name) for name in ("eth", "bnb")] == [HEDGED, HEDGED]


async def test_each_change_of_a_decision_is_one_line_of_the_log(pair: Pair) -> None:
    """However often one looks; a command is one, too. Both are INFO: the level that a log has unless told otherwise."""
    with capture_logs() as lines:
        async with started(pair) as programme:
            await programme.cycles(5)
            pair.pools["eth"].error = Transient("no answer")
            await programme.cycles(5, every_s=60)
            await programme.put("pause", "eth")
            await programme.cycles(5)
    decisions = [line for line in lines if line["event"] == "decision" and line["hedge"] == "eth"]
    assert [line["reason"] for line in decisions] == ["band_exceeded", "within_band", "stale_chain", "paused"]
    commands = [line["what"] for line in lines if line["event"] == "command"]
    assert commands == ["pause eth"]
    assert {line["log_level"] for line in lines if line["event"] in ("decision", "command")} == {"info"}


@pytest.mark.parametrize("error", [Transient("no answer"), Refused("forbidden", code="403")])
async def test_a_chain_that_is_blind_stops_only_its_own_hedge(pair: Pair, error: Exception) -> None:
    """The other one goes on as if nothing were."""
    pair.pools["bnb"].error = error
    async with started(pair) as programme:
        await programme.cycles(3)
        assert (programme.status("bnb").reason, await programme.position("bnb")) == ("stale_chain", Decimal(0))
        assert await programme.position("eth") == HEDGED


async def test_a_bug_in_one_hedge_stops_only_that(pair: Pair) -> None:
    """Shown as such, told once in words of our own, tried again with growing waits for ever."""
    pool = pair.pools["bnb"]
    pool.error = ZeroDivisionError("secret")
    async with started(pair) as programme, in_the_background(programme):
        await advance(programme, 150)
        assert programme.status("bnb").reason == "evaluation_failed"
        assert programme.status("eth").state == "READY"
        (told,) = await programme.events(EventKind.SUSPENDED)
        words = "an unexpected failure in bnb, a fault of this program; the log has its trace"
        assert (told.hedge, told.data["detail"]) == ("bnb", words)
        waits = [(later - earlier).seconds for earlier, later in pairwise(pool.reads_at)]
        assert waits == [1, 2, 4, 8, 16, 32, 60]


async def test_commands_that_fail_stop_the_heartbeat(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Though every hedge completes its turns: nobody could halt them."""

    async def broken(_desk: CommandDesk) -> tuple[str, ...]:
        raise ZeroDivisionError("boom")

    async with started(pair) as programme, in_the_background(programme):
        await advance(programme, 5)
        assert programme.engine.stalled(60) == ()
        monkeypatch.setattr(CommandDesk, "consume", broken)
        await advance(programme, 5)
        assert programme.engine.stalled(60) == ("commands",)


async def test_the_end_of_a_bug_is_told_once(pair: Pair) -> None:
    """And the hedge is made good at the next try."""
    pair.pools["bnb"].error = ZeroDivisionError("boom")
    async with started(pair) as programme, in_the_background(programme):
        await advance(programme, 5)
        assert programme.engine.stalled(60) == ("bnb",)  # no heartbeat from its first failure on
        pair.pools["bnb"].error = None
        await advance(programme, 8)
        assert programme.engine.stalled(60) == ()
        assert len(await programme.events(EventKind.RECOVERED)) == 1
        assert await programme.position("bnb") == HEDGED


async def test_what_cannot_be_true_halts_all_hedges(pair: Pair) -> None:
    """Also those that have nothing to do with it, until a person looks; and it is told."""
    async with started(pair) as programme, in_the_background(programme):
        await advance(programme, 5)
        pair.pools["bnb"].error = InvariantBroken("two positions under one id")
        await advance(programme, 20)
        assert programme.status("eth").reason == "halted"
        halted = await programme.events(EventKind.HALTED)
        assert [event.data for event in halted] == [{"why": "two positions under one id"}] * 2
        pair.pools["bnb"].error = None
        await advance(programme, 70)
        assert programme.status("bnb").reason == "halted"


@pytest.mark.parametrize("poll", ["0.2", "1"])
async def test_a_hedge_is_looked_at_once_a_poll_and_never_twice_a_second(pair: Pair, poll: str) -> None:
    """With the shortest poll that can be set, and with one of a second."""
    pair.settings["poll_seconds"] = poll
    async with started(pair) as programme, in_the_background(programme):
        await advance(programme, 10, step_s=0.25)
        gaps = {later - earlier for earlier, later in pairwise(pair.pools["eth"].reads_at)}
        assert gaps == {timedelta(seconds=1)}


async def test_what_stirs_a_hedge_is_looked_at_at_once_then_once_a_second(pair: Pair) -> None:
    """Ten moves within a second are one look, and the other hedge keeps its own pace."""
    pair.settings["poll_seconds"] = 3600
    async with started(pair) as programme, in_the_background(programme):
        await advance(programme, 20)
        looks = {name: len(pool.reads_at) for name, pool in pair.pools.items()}
        began = pair.clock.now()
        for _ in range(30):
            programme.engine.stir("eth")
            await stirred()
            await advance(programme, 1, step_s=0.1)
        seen = pair.pools["eth"].reads_at[looks["eth"] :]
        assert seen[0] == began
        assert {later - earlier for earlier, later in pairwise(seen)} == {timedelta(seconds=1)}
        assert len(pair.pools["bnb"].reads_at) == looks["bnb"]


async def test_hedges_of_one_pace_take_their_turns_together(pair: Pair) -> None:
    """Also after one of them looked in between: hedges of one chain share a read, so one request is enough for all."""
    async with started(pair) as programme, in_the_background(programme):
        await advance(programme, 20)
        await pair.clock.advance(0.7)
        programme.engine.stir("eth")
        await stirred()
        await advance(programme, 120)
        turns = [{at for at in pool.reads_at if at > START + timedelta(seconds=30)} for pool in pair.pools.values()]
        assert turns[0] == turns[1] and len(turns[0]) >= 6


async def test_a_tap_is_acted_on_at_once(pair: Pair) -> None:
    """Not at the next poll: no time passes between the yes and the order."""
    pair.settings |= {"approval_over_quote": 1000, "poll_seconds": 3600}
    async with started(pair) as programme, in_the_background(programme):

        async def asked() -> bool:
            return len(await programme.store.approvals.live("eth")) == 1

        async def hedged() -> bool:
            return await programme.position("eth") == HEDGED

        await until(asked)
        (approval,) = await programme.store.approvals.live("eth")
        await programme.office.desk.answer(approval.approval_id, approve=True, by="Anna", note=None)
        await until(hedged)
        assert pair.clock.monotonic_s() == 0


async def test_a_command_is_carried_out_at_once(pair: Pair) -> None:
    """Written by a front end that wakes the engine; the hedge looks again right after."""
    async with started(pair) as programme, in_the_background(programme):

        async def shown() -> bool:
            return programme.status("eth").reason == "halted"

        await advance(programme, 1)
        await programme.put("halt", "eth")
        programme.engine.wake()
        await until(shown)
        assert programme.status("bnb").reason != "halted"


async def test_a_command_that_fails_keeps_none_behind_it_back(pair: Pair) -> None:
    """It is answered as failed; the halt after it counts."""
    async with started(pair) as programme:
        programme.store.followed.add = None  # type: ignore[assignment, method-assign]
        rows = [await programme.put("follow", "1" * 5000), await programme.put("halt")]
        await programme.cycles(1)
        answers = [await programme.store.commands.answer(row) for row in rows]
        assert [answer is not None and answer[0] for answer in answers] == [False, True]
        assert programme.status("eth").reason == "halted"


async def test_stalled_names_the_hedge_whose_evaluations_do_not_end(pair: Pair) -> None:
    """What the heartbeat outside the process depends on."""
    async with started(pair) as programme:
        assert set(programme.engine.stalled(60)) == {"eth", "bnb"}
        await programme.cycles(1)
        assert programme.engine.stalled(60) == ()
        await pair.clock.advance(3600)
        assert set(programme.engine.stalled(60)) == {"eth", "bnb"}


async def test_a_halt_does_not_wait_behind_a_slow_command(pair: Pair) -> None:
    """The chain takes its time to find a position; a person's halt counts meanwhile, and both are answered."""
    pool = pair.pools["eth"]
    pool.unfollowed = (7,)
    async with started(pair) as programme, in_the_background(programme):
        await advance(programme, 2)
        pool.found.clear()
        rows = [await programme.put("follow", "7"), await programme.put("halt")]

        async def halted() -> bool:
            await pair.clock.advance(0.4)
            return len(await programme.events(EventKind.HALTED)) == 2

        await until(halted)
        assert await programme.store.commands.answer(rows[0]) is None
        pool.found.set()

        async def answered() -> bool:
            await pair.clock.advance(0.4)
            return None not in [await programme.store.commands.answer(row) for row in rows]

        await until(answered)
        answers = [await programme.store.commands.answer(row) for row in rows]
        assert [answer is not None and answer[0] for answer in answers] == [True, True]


async def test_a_limit_that_allows_no_order_ends_the_start(pair: Pair) -> None:
    """Before anything is looked at, with a sentence that names the setting."""
    pair.settings["max_order_size"] = "0.0005"
    with pytest.raises(ConfigurationError, match="max_order_size"):
        async with started(pair):
            pass


async def test_while_a_short_is_held_it_suspends_instead(pair: Pair) -> None:
    """The operator sees the short, and why nothing is done about it."""
    async with started(pair) as programme:
        await programme.cycles(3)
    pair.settings["max_order_size"] = "0.0005"
    async with started(pair) as programme:
        await programme.cycles(3)
        status = programme.status("eth")
        assert (status.state, "max_order_size" in status.detail) == ("SUSPENDED", True)
        assert len(await programme.events(EventKind.SUSPENDED)) == 2


async def test_every_loop_that_is_kept_tells_of_its_life(pair: Pair) -> None:
    """Those that work in turns when they last completed one; one that fails, why."""
    async with started(pair) as programme:
        assert programme.engine.lives() == ()
        async with in_the_background(programme):
            await advance(programme, 5)
            lives = {life.task: life for life in programme.engine.lives()}
            assert set(lives) == {"commands", "eth", "bnb", *(task.name for task in programme.engine.beside)}
            assert all(life.is_well for life in lives.values())
            assert all(lives[name].turn_age_s is not None for name in ("commands", "eth", "bnb"))
            pair.pools["bnb"].error = ZeroDivisionError("boom")
            await advance(programme, 20)
            lives = {life.task: life for life in programme.engine.lives()}
            assert [name for name, life in lives.items() if not life.is_well] == ["bnb"]
            assert "a fault of this program" in (lives["bnb"].trouble or "")


async def test_a_loop_without_turns_is_well_again_after_a_minute(pair: Pair) -> None:
    """Its failure is told once, and so is its recovery."""
    async with started(pair) as programme:
        failed = False

        async def loop() -> None:
            nonlocal failed
            if not failed:
                failed = True
                raise ZeroDivisionError("boom")
            await asyncio.Event().wait()

        supervisor = Supervisor(events=programme.office.notifier, halt=_unwanted, clock=pair.clock)
        running = asyncio.create_task(supervisor.keep(Task("bans", loop)))

        async def in_trouble() -> bool:
            return bool(supervisor.trouble("bans"))

        async def told_twice() -> bool:
            return len(await programme.events(EventKind.TASK_FAILED, EventKind.TASK_RECOVERED)) >= 2

        await until(in_trouble)
        for _ in range(70):
            await pair.clock.advance(1)
            await asyncio.sleep(0.005)
        await until(told_twice)
        told = await programme.events(EventKind.TASK_FAILED, EventKind.TASK_RECOVERED)
        assert [event.kind.value for event in told] == ["task_failed", "task_recovered"]
        assert supervisor.lives()[0].is_well
        await end(running)


async def _unwanted(_why: str) -> None:
    raise AssertionError("nothing impossible happened")
