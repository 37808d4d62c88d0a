"""Memory, paper account, events, audit, overrides, series, meta: what goes in comes out."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.account_ports import Snapshot
from core.errors import InvariantBroken
from core.events import Event, EventKind
from storage.history import AuditEntry
from storage.overrides import Override, Wish
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


def wish(update_key: str | None = None) -> Wish:
    return Wish("Anna (7)", "telegram", ("bnb", "cooldown_seconds", "60"), update_key, T0, "30 s -> 60 s")


async def test_override_is_set_replaced_and_dropped(store: Store, live_store: Store) -> None:
    """One per scope, hedge and key, each change with its audit and a command that waits for nobody."""
    first = Override("bnb", "cooldown_seconds", "60", "30", "Anna (7)", T0)
    assert await store.overrides.set(first, wish())
    assert await store.overrides.set(replace(first, value="90"), wish())
    assert await store.overrides.all() == (replace(first, value="90"),)
    assert await live_store.overrides.all() == ()
    assert await store.overrides.drop("bnb", "cooldown_seconds", wish(), after(1))
    assert await store.overrides.all() == ()
    assert await store.commands.pending() == ()
    assert [entry.detail for entry in await store.audit.recent(9)] == ["bnb cooldown_seconds 60: 30 s -> 60 s"] * 3


async def test_a_repeated_wish_changes_nothing(store: Store) -> None:
    """A redelivered message does not undo what came after it, and has no second audit row."""
    first = Override("bnb", "cooldown_seconds", "60", None, "Anna (7)", T0)
    later = replace(first, value="90")
    assert await store.overrides.set(first, wish("tg:1:7"))
    assert await store.overrides.set(later, wish("tg:1:8"))
    assert not await store.overrides.set(first, wish("tg:1:7"))
    assert not await store.overrides.drop("bnb", "cooldown_seconds", wish("tg:1:8"), T0)
    assert await store.overrides.all() == (later,)
    assert len(await store.audit.recent(9)) == 2


async def test_overrides_are_discarded_by_hedge_and_key(store: Store) -> None:
    """What a start finds to hold no more goes, the rest stays."""
    kept = Override("bnb", "cooldown_seconds", "60", None, "Anna (7)", T0)
    gone = Override("", "alerts.breach", "off", "loud", "Anna (7)", T0)
    for override in (kept, gone):
        await store.overrides.set(override, wish())
    await store.overrides.discard([gone])
    assert await store.overrides.all() == (kept,)


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
