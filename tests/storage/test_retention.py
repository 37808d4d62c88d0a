"""What is forgotten, what is thinned out, and what stays for ever, whatever comes between."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from core.account_ports import Snapshot
from core.events import Event, EventKind
from core.ports import Delivery
from storage.database import Database
from storage.retention import MOST_HOURS, forget_finished, thin_series
from storage.store import Store
from tests.storage.samples import T0, a_message, after
from tests.storage.test_series import FULL

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
START = T0.replace(minute=0, second=0, microsecond=0)
FOR_EVER = (
    "plans", "orders", "fills", "adoptions", "leg_totals", "approvals", "commands", "audit", "income", "holdings",
    "hedge_memory", "paper_accounts", "overrides", "meta",
)  # fmt: skip


async def test_only_finished_things_are_forgotten(store: Store) -> None:
    """Waiting messages stay however old; finished ones go with what hangs on them. What somebody asked for stays."""
    for key in ("done", "waiting"):
        await store.outbox.put(a_message(key))
        await store.outbox.record_delivery(key, Delivery(1, 1))
    await store.outbox.finish("done", after(1))
    await store.commands.put("pause", [], actor="7", source="cli", update_key=None, at=T0)
    await store.commands.finish(1, ok=True, answer="so it is", at=after(1))
    await store.confirmations.put("t1", "halt", actor="7", expires_at=after(1))
    assert await forget_finished(store.database, after(1)) == 0
    assert await forget_finished(store.database, after(2), most=0) == 0
    assert await forget_finished(store.database, after(2)) == 2
    assert [message.key for message in await store.outbox.due(T0, 9)] == ["waiting"]
    assert (await store.outbox.deliveries("done"), len(await store.outbox.deliveries("waiting"))) == ((), 1)
    assert await store.commands.answer(1) == (True, "so it is")


async def test_changes_of_decision_are_forgotten_and_no_other_event(store: Store, live_store: Store) -> None:
    """Of every mode and account; alarms tell of years."""
    for kind in EventKind:
        for each in (store, live_store):
            await each.events.append(Event(kind, "bnb", T0, {}))
    await store.events.append(Event(EventKind.DECISION_CHANGED, "bnb", after(5), {}))
    assert await forget_finished(store.database, after(5)) == 2
    kept = await store.events.recent(hedge=None, limit=999)
    assert [event.at for event in kept if event.kind is EventKind.DECISION_CHANGED] == [after(5)]
    assert {event.kind for event in kept} == set(EventKind)
    assert {event.kind for event in await live_store.events.recent(hedge=None, limit=999)} == set(EventKind) - {
        EventKind.DECISION_CHANGED
    }


async def readings(store: Store, start: datetime, minutes: int, *, hedge: str = "bnb") -> list[Snapshot]:
    """One a minute, some seconds after it; the first of an hour is a landmark."""
    found = [
        replace(FULL, hedge=hedge, at=start + n * MINUTE + timedelta(seconds=7), landmark=n % 60 == 0)
        for n in range(minutes)
    ]
    for snapshot in found:
        await store.series.append(snapshot)
    return found


async def thinned(database: Database, before: datetime) -> int:
    """How many calls it took."""
    calls = 0
    while await thin_series(database, before):
        calls += 1
    return calls


def minutes_of(snapshots: tuple[Snapshot, ...]) -> list[int]:
    return [int((snapshot.at - START) / MINUTE) for snapshot in snapshots]


async def kept(store: Store, hedge: str = "bnb") -> list[int]:
    return minutes_of(await store.series.between(hedge, START - 999 * HOUR, START + 9999 * HOUR))


async def test_of_an_hour_its_landmarks_and_the_end_of_each_quarter_stay(store: Store) -> None:
    """Of whole hours that are over; what is younger stays reading by reading."""
    await readings(store, START, 150)
    assert await thinned(store.database, START + 2 * HOUR + 20 * MINUTE) == 1
    quarters = [0, 14, 29, 44, 59, 60, 74, 89, 104, 119]
    assert await kept(store) == [*quarters, *range(120, 150)]
    assert await thinned(store.database, START + 2 * HOUR + 59 * MINUTE) == 0


async def test_a_landmark_stays_wherever_it_is(store: Store) -> None:
    """Both sides of a change of what is held."""
    rows = await readings(store, START, 60)
    for number in (31, 32):
        await store.series.append(replace(rows[number], landmark=True))
    await thinned(store.database, START + HOUR)
    assert await kept(store) == [0, 14, 29, 31, 32, 44, 59]


async def test_a_long_past_takes_many_small_steps(store: Store, live_store: Store) -> None:
    """Each hedge of each account, with pauses in what was read; in the end each is as if done at once."""
    for each, hedge in ((store, "bnb"), (store, "eth"), (live_store, "bnb")):
        await readings(each, START, 5 * 60, hedge=hedge)
        await readings(each, START + 300 * HOUR, 4 * 60, hedge=hedge)
    assert await thinned(store.database, START + 999 * HOUR) == 2 + 2
    for each, hedge in ((store, "bnb"), (store, "eth"), (live_store, "bnb")):
        assert len(await kept(each, hedge)) == 9 * 5
    assert MOST_HOURS * 60 <= 240


async def test_what_comes_later_is_thinned_later(store: Store) -> None:
    """It goes on where it was; a clock that was an age ahead meanwhile does not end it for ever."""
    await readings(store, START, 60)
    await thinned(store.database, START + HOUR)
    await thinned(store.database, START + 9000 * HOUR)
    await readings(store, START + HOUR, 60)
    await readings(store, START + 9000 * HOUR, 60)
    await thinned(store.database, START + 9001 * HOUR)
    await thinned(store.database, START + 2 * HOUR)
    await readings(store, START + 2 * HOUR, 60)
    await thinned(store.database, START + 3 * HOUR)
    assert [minute for minute in await kept(store) if 120 <= minute < 180] == [120, 134, 149, 164, 179]


@pytest.mark.parametrize("shift_minutes", [0, 30, 45, 345])
async def test_days_end_where_they_ended(store: Store, shift_minutes: int) -> None:
    """The last reading before a midnight is the same, in zones whose hours begin with a half or three quarters too."""
    await readings(store, START, 26 * 60)
    midnights = [START + n * HOUR + shift_minutes * MINUTE for n in range(1, 20)]
    before = [await store.series.newest("bnb", each) for each in midnights]
    await thinned(store.database, START + 26 * HOUR)
    assert [await store.series.newest("bnb", each) for each in midnights] == before
    found = await store.series.between("bnb", START, START + 26 * HOUR)
    assert max(later.at - earlier.at for earlier, later in pairwise(found)) <= 15 * MINUTE
