"""The first start in another mode or on another account: what was said for the one before does not count here."""

from __future__ import annotations

from core.clock import Clock
from core.halting import HALT
from storage.store import Store

LAST_SCOPE = "last_scope"
ANSWER = "It was meant for another mode or account: send it again."


async def leave_behind(store: Store, clock: Clock) -> None:
    """Waiting commands are answered and open questions closed. A halt counts whatever it was meant for."""
    last = await store.meta.get(LAST_SCOPE)
    if last not in (None, store.scope):
        await store.confirmations.close_all(clock.now())
        for waiting in await store.commands.pending():
            if waiting.name != HALT:
                await store.commands.finish(waiting.command_id, ok=False, answer=ANSWER, at=clock.now())
    if last != store.scope:
        await store.meta.set(LAST_SCOPE, store.scope)
