"""Commands and confirmations: each is consumed once."""

from __future__ import annotations

import asyncio

import pytest

from core.errors import InvariantBroken
from core.ports import Command
from storage.store import Store
from tests.storage.samples import T0, after


async def put(store: Store, name: str = "pause", *, update_key: str | None = None) -> int | None:
    return await store.commands.put(name, ["bnb", "naïve 🐻"], actor="7", source="cli", update_key=update_key, at=T0)


async def test_command_waits_for_its_answer(store: Store, second_store: Store) -> None:
    """The writer polls through its own connection and sees the answer once the engine gave it."""
    command_id = await put(store)
    assert command_id is not None
    expected = Command(command_id, "pause", ("bnb", "naïve 🐻"), "7", "cli", T0)
    assert await second_store.commands.pending() == (expected,)
    assert await store.commands.answer(command_id) is None
    await second_store.commands.finish(command_id, ok=False, answer="already paused", at=after(1))
    assert await store.commands.answer(command_id) == (False, "already paused")
    assert await store.commands.pending() == ()


async def test_commands_are_oldest_first(store: Store) -> None:
    """The engine takes them in the order of their writing."""
    for name in ("pause", "resume", "halt"):
        await put(store, name)
    assert [command.name for command in await store.commands.pending()] == ["pause", "resume", "halt"]


async def test_redelivered_update_is_one_command(store: Store, second_store: Store) -> None:
    """The same update key twice is one row, whatever became of the first; no key is never a redelivery."""
    ids = await asyncio.gather(*(put(each, update_key="tg:99") for each in (store, second_store) * 4))
    (command_id,) = [number for number in ids if number is not None]
    await store.commands.finish(command_id, ok=True, answer="done", at=after(1))
    assert await put(store, update_key="tg:99") is None
    assert await put(store) != await put(store)


async def test_command_is_answered_once(store: Store) -> None:
    """A second answer, or one to no command, is an error."""
    command_id = await put(store)
    assert command_id is not None
    await store.commands.finish(command_id, ok=True, answer="done", at=after(1))
    for wrong in (command_id, command_id + 1):
        with pytest.raises(InvariantBroken):
            await store.commands.finish(wrong, ok=True, answer="again", at=after(2))
    assert await store.commands.answer(command_id + 1) is None


async def test_confirmation_is_for_its_asker_once_in_time(store: Store) -> None:
    """Another's tap, a late one and a second one get nothing; the asker's first gets the command."""
    await store.confirmations.put("t1", "flatten bnb", actor="7", expires_at=after(60))
    assert await store.confirmations.take("t1", actor="8", now=after(1)) is None
    assert await store.confirmations.take("t1", actor="7", now=after(60)) is None
    assert await store.confirmations.take("t2", actor="7", now=after(1)) is None
    assert await store.confirmations.take("t1", actor="7", now=after(59.9)) == "flatten bnb"
    assert await store.confirmations.take("t1", actor="7", now=after(59.9)) is None


async def test_double_tap_takes_once(store: Store, second_store: Store) -> None:
    """Ten taps at once through two connections give one command."""
    await store.confirmations.put("t1", "flatten bnb", actor="7", expires_at=after(60))
    taken = await asyncio.gather(
        *(each.confirmations.take("t1", actor="7", now=after(1)) for each in (store, second_store) * 5)
    )
    assert [command for command in taken if command] == ["flatten bnb"]


async def test_token_is_never_reused(store: Store) -> None:
    """A token asks one question ever."""
    await store.confirmations.put("t1", "flatten bnb", actor="7", expires_at=after(60))
    with pytest.raises(InvariantBroken):
        await store.confirmations.put("t1", "halt", actor="7", expires_at=after(60))
