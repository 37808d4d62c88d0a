"""A program that ends by itself again and again tells so once, and what has rung does not ring at each start."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta

import pytest

from bot.notifier import Notifier
from bot.restarts import MANY, Row, Runs, row_of
from core.cancellation import end
from core.clock import ManualClock
from core.errors import InvariantBroken, Refused, Transient
from core.events import Event, EventKind
from storage.store import Store
from tests.bot.conftest import make_desk
from tests.bot.samples import T0

DOCKER_S = [2 + min(60, 0.1 * 2**number) for number in range(20)]


async def start(
    store: Store, clock: ManualClock, *, runs_s: float, stopped: bool = False, refused: BaseException | None = None
) -> Notifier:
    """One run that ends without a word, after it has told of a suspended hedge; or is `stopped`, or does not begin."""
    notifier = make_desk(store, clock, "bnb").notifier
    runs = Runs(store.meta, store.scope, notifier, clock)
    with suppress(Refused, InvariantBroken, asyncio.CancelledError):
        async with runs.beginning():
            if refused is not None:
                raise refused
            await runs.tell_start({"version": "1", "mode": "live"})
        data = {"reason": "evaluation_failed", "detail": "boom"}
        await notifier.append(Event(EventKind.SUSPENDED, "bnb", clock.now(), data))
        if stopped:
            await runs.ended()
    await clock.advance(runs_s)
    return notifier


async def rung(store: Store) -> list[str]:
    rows = await store.database.rows("SELECT key FROM outbox WHERE silent = 0 ORDER BY seq")
    return [row["key"].split(":")[0] for row in rows]


@pytest.mark.parametrize(
    "runs_s", [[3] * 20, [62] * 20, DOCKER_S, [1000] * 3], ids=["at once", "loop watch", "docker", "slowly"]
)
async def test_a_crash_loop_tells_once(store: Store, clock: ManualClock, runs_s: Sequence[float]) -> None:
    """However long each run and the wait after it: one alarm, and each trouble in silence from then on."""
    for each_s in runs_s:
        await start(store, clock, runs_s=each_s)
    assert await rung(store) == ["suspended", "suspended", "crash_loop"]
    starts = [event for event in await store.events.recent_of_the_program(50) if event.kind is EventKind.STARTED]
    told = await store.database.rows("SELECT key FROM outbox WHERE key LIKE 'started:%'")
    assert (len(starts), len(told)) == (len(runs_s), 2)


async def test_a_day_of_it_is_still_one_row(store: Store, clock: ManualClock) -> None:
    """What lasts is told again once an hour, as ever; the alarm is not."""
    for _ in range(90):
        await start(store, clock, runs_s=960)
    told = await rung(store)
    assert (told.count("crash_loop"), 20 < told.count("suspended") < 30) == (1, True)


async def test_once_it_lasts_all_is_told_as_ever(store: Store, clock: ManualClock) -> None:
    """A run of more than an hour ends the row, and the next one is told anew."""
    for runs_s in (3, 3, 3, 3700, 3, 3, 3):
        await start(store, clock, runs_s=runs_s)
    assert await rung(store) == ["suspended", "suspended", "crash_loop", "suspended", "suspended", "crash_loop"]


async def test_its_end_is_told_once(store: Store) -> None:
    """When a run has lasted an hour, not before; of a row that was told, and of no other start."""
    clock = ManualClock(T0)
    assert [await told_of_the_end(store, clock, runs_s=runs_s) for runs_s in (3, 4000, 3, 3, 3500)] == [0] * 5
    assert await told_of_the_end(store, clock, runs_s=3700, over=True) == 1
    assert await told_of_the_end(store, clock, runs_s=4000) == 1


async def told_of_the_end(store: Store, clock: ManualClock, *, runs_s: float, over: bool = False) -> int:
    """How often by the end of one more run. `over`: it is waited for that the row is."""
    notifier = make_desk(store, clock, "bnb").notifier
    runs = Runs(store.meta, store.scope, notifier, clock)
    async with runs.beginning():
        await runs.tell_start({"version": "1", "mode": "live"})
    watching = asyncio.create_task(runs.tell_when_it_is_over())
    await asyncio.sleep(0)
    await clock.advance(runs_s)
    async with asyncio.timeout(60):  # it has woken, and writes, however slow the disk is
        while over and row_of(await store.meta.get(f"runs:{store.scope}")) != Row():
            await asyncio.sleep(0.01)
    for _ in range(20):  # or has not, and would
        await store.meta.get("")
    await end(watching)
    (row,) = await store.database.rows("SELECT count(*) AS times FROM outbox WHERE key LIKE 'crash_loop_over:%'")
    return int(row["times"])


async def test_whoever_ends_it_ends_the_row(store: Store, clock: ManualClock) -> None:
    """Starts by hand are no crash loop."""
    for number in range(6):
        await start(store, clock, runs_s=3, stopped=number % 2 == 1)
    for _ in range(6):
        await start(store, clock, runs_s=3, refused=asyncio.CancelledError())
    assert "crash_loop" not in await rung(store)


async def test_a_start_that_fails_counts_and_one_that_is_refused_does_not(store: Store, clock: ManualClock) -> None:
    """Before the hedging began: a fault of the program's is told, a mistake in the configuration was said already."""
    fault, refusal = InvariantBroken("no memory"), Refused("no such key", code="-2015")
    for why in (fault, refusal, refusal, fault):
        await start(store, clock, runs_s=3, refused=why)
    assert await rung(store) == []
    for why in (refusal, fault, refusal, fault):
        await start(store, clock, runs_s=3, refused=why)
    assert await rung(store) == ["crash_loop"]


async def test_a_full_disk_keeps_no_start_back(store: Store, clock: ManualClock) -> None:
    """Neither the note nor a question that is shown again; what can be written later is."""
    for _ in range(MANY - 1):
        await start(store, clock, runs_s=3)
    (pages,) = await store.database.row("PRAGMA page_count") or (0,)
    await store.database.write(f"PRAGMA max_page_count = {pages}")
    filler = Event(EventKind.HALTED, "zz", clock.now(), {"by": "x" * 3000})
    with suppress(Transient):
        while True:
            await store.events.append(filler)
    for _ in range(3):
        notifier = await start(store, clock, runs_s=3)
    await store.database.write("PRAGMA max_page_count = 1000000")
    await notifier.tick()
    assert await store.outbox.has_rung("crash_loop:", T0)


@pytest.mark.parametrize("text", [None, "", "[]", "7", "{", '{"starts": ["soon"]}', '{"starts": 4}', '{"starts": [1]}'])
def test_a_note_of_something_else_is_no_row(text: str | None) -> None:
    """A start is never ended by what it cannot read."""
    assert row_of(text) == Row()


def test_a_row_outlives_its_note_and_no_clock_confuses_it() -> None:
    """What seems to have begun later than now, or an hour ago, does not count."""
    row = Row().with_start(T0).with_start(T0 + timedelta(seconds=5))
    assert row_of(row.to_text()) == row
    assert row.with_start(T0 + timedelta(minutes=59)).is_long
    assert not row.with_start(T0 + timedelta(minutes=61)).is_long
    assert not row.with_start(T0 - timedelta(minutes=61)).is_long


async def test_only_what_has_rung_is_hushed(store: Store, clock: ManualClock) -> None:
    """A new alarm in the middle of a row of starts is heard."""
    for _ in range(4):
        notifier = await start(store, clock, runs_s=3)
    await notifier.append(Event(EventKind.HALTED, "bnb", clock.now(), {"by": "Anna"}))
    assert (await rung(store))[-1] == "halted"


async def test_what_grows_or_comes_again_in_one_run_is_heard(store: Store, clock: ManualClock) -> None:
    """After a row of starts: a breach that this run begins as the last one did, the same four times as large, and a
    new one after its end."""
    for number in range(4):
        notifier = await start(store, clock, runs_s=3)
        await breach(notifier, clock, 5000)
        if number < 3:
            await clock.advance(3)
    await breach(notifier, clock, 20_000)
    await notifier.append(Event(EventKind.EXPOSURE_RESTORED, "bnb", clock.now(), {"gap_quote": "1"}))
    await clock.advance(600)
    await notifier.tick()
    await breach(notifier, clock, 60_000)
    rows = await store.database.rows("SELECT silent FROM outbox WHERE key LIKE 'breach:%' ORDER BY seq")
    assert [not row["silent"] for row in rows] == [True, True, False, False, True, True]


async def breach(notifier: Notifier, clock: ManualClock, gap_quote: int) -> None:
    data = {"gap_quote": str(gap_quote), "band_quote": "1000", "gap_base": "1", "reason": "low_margin"}
    await notifier.append(Event(EventKind.EXPOSURE_BREACHED, "bnb", clock.now(), data))
    await clock.advance(300)
    await notifier.tick()
