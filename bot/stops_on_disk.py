"""Who is halted or paused, by the database alone: for when the configuration cannot be read."""

from __future__ import annotations

from pathlib import Path

from core.clock import Clock
from core.errors import InvariantBroken
from core.halting import HALT
from core.hedge_memory import from_json
from core.hedging.states import Reason
from core.stops import stop_of
from storage.database import has_database
from storage.store import Store

NO_SCOPE = "none"


async def stops_on_disk(path: Path, clock: Clock) -> tuple[str, ...]:
    """One sentence each, of every mode and account; nothing is written. Raises what reading the database raises."""
    if not has_database(path):
        return ()
    async with await Store.open(path, scope=NO_SCOPE, clock=clock, read_only=True) as store:
        rows = await store.database.rows("SELECT scope, hedge, memory FROM hedge_memory ORDER BY scope, hedge")
        waiting = await _waiting_halts(store)
    stopped = (_stop(row["hedge"], row["scope"].partition(":")[0], row["memory"]) for row in rows)
    return (*waiting, *(sentence for sentence in stopped if sentence))


async def _waiting_halts(store: Store) -> list[str]:
    return [
        f"`{' '.join((HALT, *row.args))}` waits to be read: the next start halts first, whatever its mode."
        for row in await store.commands.pending()
        if row.name == HALT
    ]


def _stop(hedge: str, mode: str, memory: str) -> str:
    try:
        stop = stop_of(from_json(memory).kernel)
    except InvariantBroken as error:
        return f"{hedge} ({mode}): whether it is halted cannot be told: {error}"
    return "" if stop is Reason.NONE else f"{hedge} ({mode}): {stop.text}, until resume."
