"""What the database holds that a start would go on with: settings from chat, and a halt or pause of a hedge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.chat_settings.effective import Effective, effective, key_of
from bot.preflight.findings import Finding, fix, warn
from bot.settings import Settings
from core.clock import Clock
from core.errors import InvariantBroken
from core.halting import HALT, meant_by_halt
from core.hedge_memory import from_json
from core.hedging.states import Reason
from core.stops import stop_of
from storage.store import Store


@dataclass(frozen=True, slots=True)
class Standing:
    """`now`: the file and what of the chat's goes with it."""

    now: Effective
    findings: tuple[Finding, ...]


async def read_standing(settings: Settings, clock: Clock) -> Standing:
    """Of this mode and account; nothing is written."""
    store = await Store.open_existing(settings.database_path, scope=settings.scope_if_known, clock=clock)
    if store is None:
        return Standing(Effective(settings.config), ())
    async with store:
        now, names = effective(settings.config, await store.overrides.all()), tuple(settings.config.hedges)
        stops = [finding for name in settings.config.hedges for finding in await _stops(store, name, names)]
        return Standing(now, (*_dropped(now), *stops))


def _dropped(now: Effective) -> Sequence[Finding]:
    said, outdated = "set from chat and dropped at the next start", "the file's own value changed"
    return [
        *(warn("settings", f"{key_of(each).full} = {each.value}: {said}: {outdated}") for each in now.outdated),
        *(warn("settings", f"{key_of(each).full} = {each.value}: {said}: {why}") for each, why in now.refused),
    ]


async def _stops(store: Store, name: str, names: Sequence[str]) -> Sequence[Finding]:
    text = await store.memory.load(name)
    try:
        stop = stop_of(from_json(text).kernel) if text else Reason.NONE
    except InvariantBroken as error:
        return [fix(f"{name}: stopped", f"whether it is halted cannot be told, `run` will not start it: {error}")]
    if await _halt_waits(store, name, names):
        return [warn(f"{name}: stopped", "a halt waits to be read: the next start halts first, until /resume")]
    if stop is Reason.NONE:
        return []
    return [warn(f"{name}: stopped", f"it is {stop.text}: nothing is traded until /resume")]


async def _halt_waits(store: Store, name: str, names: Sequence[str]) -> bool:
    waiting = await store.commands.pending()
    return any(row.name == HALT and name in meant_by_halt(row.args, names).hedges for row in waiting)
