"""Going live inherits nothing from paper: no waiting command, no open question; a halt alone."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.mode_change import leave_behind
from core.clock import ManualClock
from storage.store import Store
from tests.bot.samples import T0


async def said(store: Store) -> None:
    for name in ("flatten", "halt"):
        await store.commands.put(name, ("bnb",), actor="Anna", source="test", update_key=None, at=T0)
    await store.confirmations.put("token", "flatten bnb", actor="tg:1", expires_at=T0 + timedelta(seconds=90))


PAPER, LIVE = ("paper:p", ["flatten", "halt"], True), ("live:x", ["halt"], False)


@pytest.mark.parametrize(("scope", "left", "is_open"), [PAPER, LIVE])
async def test_what_was_said_counts_in_its_own_mode(tmp_path: Path, scope: str, left: list[str], is_open: bool) -> None:
    """On paper a Yes closes nothing that is real."""
    clock = ManualClock(T0)
    async with await Store.open(tmp_path / "t.db", scope="paper:p", clock=clock) as store:
        await leave_behind(store, clock)
        await said(store)
    async with await Store.open(tmp_path / "t.db", scope=scope, clock=clock) as store:
        await leave_behind(store, clock)
        assert [row.name for row in await store.commands.pending()] == left
        assert (await store.confirmations.take("token", actor="tg:1", now=T0) is not None) is is_open


async def test_a_halt_given_while_nothing_ran_is_the_next_start_s_alone(tmp_path: Path) -> None:
    """As its answer says: read on paper, it halts live mode no more."""
    clock = ManualClock(T0)
    for scope, waits in (("paper:p", ["halt"]), ("live:x", [])):
        async with await Store.open(tmp_path / "t.db", scope=scope, clock=clock) as store:
            if waits:
                await store.commands.put("halt", (), actor="Anna", source="cli", update_key=None, at=T0)
            await leave_behind(store, clock)
            read = await store.commands.pending()
            assert [row.name for row in read] == waits
            for row in read:
                await store.commands.finish(row.command_id, ok=True, answer="Halted: bnb.", at=T0)
