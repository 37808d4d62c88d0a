"""Commands as the front ends write them, and the engine's answers."""

from __future__ import annotations

from datetime import timedelta

from tests.execution.world import World


async def said(world: World, name: str, *args: str, age: timedelta = timedelta(0)) -> tuple[bool, str]:
    """Write the command, let one cycle consume it, and return its answer."""
    at = world.setting.clock.now() - age
    row = await world.store.commands.put(name, args, actor="Anna", source="test", update_key=None, at=at)
    assert row is not None
    await world.cycles(1)
    answer = await world.store.commands.answer(row)
    assert answer is not None
    return answer
