"""Memory, paper account, events, audit, overrides, series, meta: what goes in comes out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.account_ports import Snapshot
from core.errors import InvariantBroken
from core.events import Event, EventKind
from storage.history import AuditEntry
from storage.overrides import Override
from storage.store import Store
from tests.storage.samples import T0, after


async def test_memory_is_the_last_saved_per_hedge_and_scope(store: Store, live_store: Store) -> None:
    """Saving replaces; another hedge and another scope have their own."""
    await store.memory.save("bnb", "{}", T0)
    await store.memory.save("bnb", '{"halted": true}', after(1))
    assert await store.memory.load("bnb") == '{"halted": true}'
    assert await store.memory.load("eth") is None
    assert await live_store.memory.load("bnb") is None


async def test_paper_account_is_the_last_saved_per_scope(store: Store, live_store: Store) -> None:
    """One text per scope."""
    assert await store.paper.load() is None
    await store.paper.save("1", T0)
    await store.paper.save("2", after(1))
    assert (await store.paper.load(), await live_store.paper.load()) == ("2", None)


async def test_meta_keeps_the_last_value(store: Store) -> None:
    """A note is replaced by the next of its name."""
    assert await store.meta.get("offset") is None
    await store.meta.set("offset", "1")
    await store.meta.set("offset", "2")
    assert await store.meta.get("offset") == "2"


async def test_events_are_newest_first(store: Store) -> None:
    """By hedge, or all of them; `limit` cuts the older ones."""
    started = Event(EventKind.STARTED, None, T0, {"version": "1"})
    paused = Event(EventKind.PAUSED, "bnb", after(1), {"by": "7"})
    halted = Event(EventKind.HALTED, "eth", after(2), {})
    for event in (started, paused, halted):
        await store.events.append(event)
    assert await store.events.recent(hedge=None, limit=2) == (halted, paused)
    assert await store.events.recent(hedge="bnb", limit=9) == (paused,)


async def test_audit_rows_cannot_be_changed(store: Store) -> None:
    """The database refuses to alter or remove what was done."""
    await store.audit.append("7", "telegram", "set", "cooldown_seconds = 60", T0)
    await store.audit.append("8", "cli", "halt", "", after(1))
    entry = AuditEntry("7", "telegram", "set", "cooldown_seconds = 60", T0)
    assert (await store.audit.recent(9))[1] == entry
    for statement in ("UPDATE audit SET actor = 'x'", "DELETE FROM audit"):
        with pytest.raises(InvariantBroken):
            await store.database.write(statement)
    assert len(await store.audit.recent(9)) == 2


async def test_override_is_set_replaced_and_dropped(store: Store) -> None:
    """One per hedge and key."""
    first = Override("bnb", "cooldown_seconds", "60", "30", "7", T0)
    await store.overrides.set(first)
    await store.overrides.set(replace(first, value="90"))
    assert await store.overrides.all() == (replace(first, value="90"),)
    assert await store.overrides.get("bnb", "cooldown_seconds") == replace(first, value="90")
    assert await store.overrides.get("", "cooldown_seconds") is None
    assert await store.overrides.drop("bnb", "cooldown_seconds")
    assert not await store.overrides.drop("bnb", "cooldown_seconds")


async def test_changed_file_value_drops_the_override(store: Store) -> None:
    """Changed, newly named and no longer named all count as a change; the same value does not."""
    same = Override("bnb", "same", "1", "5", "7", T0)
    unnamed = Override("bnb", "unnamed", "1", None, "7", T0)
    changed = Override("bnb", "changed", "1", "5", "7", T0)
    named = Override("bnb", "named", "1", None, "7", T0)
    removed = Override("bnb", "removed", "1", "5", "7", T0)
    for override in (same, unnamed, changed, named, removed):
        await store.overrides.set(override)
    in_file = {("bnb", "same"): "5", ("bnb", "changed"): "6", ("bnb", "named"): "5", ("eth", "removed"): "5"}
    assert await store.overrides.drop_outdated(in_file) == (changed, named, removed)
    assert await store.overrides.all() == (same, unnamed)
    assert await store.overrides.drop_outdated(in_file) == ()


async def test_series_is_read_by_range(store: Store, live_store: Store) -> None:
    """From the start, up to and without the end, of one hedge and scope; unknown stays unknown."""
    snapshots = [
        Snapshot("bnb", after(n), price=Decimal("600.10"), gap_quote=None, figures={"lp_base": Decimal("1E-18")})
        for n in range(4)
    ]
    for snapshot in (*snapshots, snapshots[0], Snapshot("eth", after(1))):
        await store.series.append(snapshot)
    assert await store.series.between("bnb", after(1), after(3)) == tuple(snapshots[1:3])
    assert await live_store.series.between("bnb", after(0), after(9)) == ()
