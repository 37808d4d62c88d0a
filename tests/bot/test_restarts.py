"""A program that ends by itself again and again tells so once, and what has rung does not ring at each start."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.notifier import Notifier
from bot.restarts import starts_in_a_row, tell_start
from core.clock import ManualClock
from core.events import Event, EventKind
from storage.store import Store
from tests.bot.conftest import make_desk
from tests.bot.samples import T0

STARTED, STOPPED = EventKind.STARTED, EventKind.STOPPED


async def start(store: Store, clock: ManualClock, *, runs_s: float) -> Notifier:
    """One run that ends without a word, after it has told of a suspended hedge."""
    notifier = make_desk(store, clock, "bnb").notifier
    await tell_start(notifier, store.events, clock, {"version": "1", "mode": "live"})
    data = {"reason": "evaluation_failed", "detail": "boom"}
    await notifier.append(Event(EventKind.SUSPENDED, "bnb", clock.now(), data))
    await clock.advance(runs_s)
    return notifier


async def rung(store: Store) -> list[str]:
    rows = await store.database.rows("SELECT key FROM outbox WHERE silent = 0 ORDER BY seq")
    return [row["key"].split(":")[0] for row in rows]


async def test_a_crash_loop_tells_once(store: Store, clock: ManualClock) -> None:
    """Twenty starts three seconds apart: one alarm, and each trouble in silence from then on."""
    for _ in range(20):
        await start(store, clock, runs_s=3)
    assert await rung(store) == ["suspended", "suspended", "crash_loop"]


async def test_once_it_lasts_all_is_told_as_ever(store: Store, clock: ManualClock) -> None:
    """A run of more than a minute ends the row of starts."""
    for runs_s in (3, 3, 3, 90, 3):
        await start(store, clock, runs_s=runs_s)
    assert await rung(store) == ["suspended", "suspended", "crash_loop", "suspended"]


@pytest.mark.parametrize(
    ("earlier", "count"),
    [
        ([], 1),
        ([(STARTED, 5, {})], 2),
        ([(STARTED, 5, {}), (STARTED, 50, {}), (STARTED, 130, {})], 3),
        ([(STARTED, 61, {})], 1),
        ([(STARTED, -5, {})], 1),
        ([(STOPPED, 4, {}), (STARTED, 5, {})], 1),
        ([(STOPPED, 4, {"fault": "yes"}), (STARTED, 5, {})], 2),
        ([(EventKind.HALTED, 1, {}), (STARTED, 5, {})], 2),
    ],
)
def test_a_row_of_starts(earlier: list[tuple[EventKind, int, dict[str, str]]], count: int) -> None:
    """Each soon after the one before; whoever stopped it by hand ended the row."""
    events = [Event(kind, None, T0 - timedelta(seconds=ago_s), data) for kind, ago_s, data in earlier]
    assert starts_in_a_row(events, T0) == count


async def test_only_what_has_rung_is_hushed(store: Store, clock: ManualClock) -> None:
    """A new alarm in the middle of a row of starts is heard."""
    for _ in range(4):
        notifier = await start(store, clock, runs_s=3)
    await notifier.append(Event(EventKind.HALTED, "bnb", clock.now(), {"by": "Anna"}))
    assert (await rung(store))[-1] == "halted"
