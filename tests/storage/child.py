"""What another process does to the database, for the tests that kill one or race two: `child WHAT DATABASE ...`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from core.clock import ManualClock, SystemClock
from storage.lock import InstanceLock, is_running
from storage.store import Store
from tests.storage.samples import SCOPE, T0, a_plan, a_request, after, place

FOR_EVER_S = 600.0


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


async def half_an_intent(store: Store) -> None:
    await place(store, "c1")
    async with store.database.transaction() as tx:
        await tx.execute(
            "INSERT INTO orders SELECT NULL, 'c2', scope, hedge, plan_id, 2, symbol, side, position_side,"
            " quantity_base, order_type, price, time_in_force, reduce_only, state, venue_order_id, executed_base,"
            " recorded_at, changed_at, detail FROM orders"
        )
        say("c1 committed, c2 written")
        await asyncio.sleep(FOR_EVER_S)


async def intents_for_ever(store: Store) -> None:
    await place(store, "c1")
    say("c1")
    for number in range(2, 1_000_000):
        await store.journal.record_intent(a_request(f"c{number}"), a_plan(), attempt=number, at=T0)
        say(f"c{number}")


async def decide(store: Store, name: str) -> None:
    say("ready")
    sys.stdin.readline()
    won, _ = await store.approvals.decide("a1", approve=True, by=name, note=None, now=after(1))
    say(f"{name} {'won' if won else 'lost'}")


async def pause(store: Store) -> None:
    command_id = await store.commands.put("pause", ["bnb"], actor="root", source="cli", update_key=None, at=T0)
    assert command_id is not None
    say(str(command_id))
    while (answer := await store.commands.answer(command_id)) is None:
        await SystemClock().sleep(0.01)
    say(answer[1])


async def hold_the_lock(store: Store) -> None:
    with InstanceLock(store.database.path):
        say("held")
        await asyncio.sleep(FOR_EVER_S)


async def come_and_go(store: Store) -> None:
    await store.meta.set("visitor", "was here")


async def ask_who_runs(store: Store) -> None:
    say("asking")
    for _ in range(100_000_000):
        is_running(store.database.path)


async def main(what: str, database: str, *args: str) -> None:
    deeds = {
        deed.__name__: deed
        for deed in (half_an_intent, intents_for_ever, pause, hold_the_lock, ask_who_runs, come_and_go)
    }
    async with await Store.open(Path(database), scope=SCOPE, clock=ManualClock(T0)) as store:
        if what == decide.__name__:
            await decide(store, *args)
        else:
            await deeds[what](store)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
