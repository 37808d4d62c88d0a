"""Is every part alive and fresh."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Mapping

from bot.probes import freshness_items
from bot.rendering.health import HealthItem, health_text
from bot.rendering.numbers import counted, span
from bot.replies import Reply
from bot.views.sources import Identity, Show, Sources
from core.clock import Clock
from core.ports import ApprovalState
from storage.schema import newest_version

MOST_MESSAGES = 20
MOST_COMMANDS = 5


class Health:
    def __init__(self, sources: Sources, identity: Identity, clock: Clock) -> None:
        self._from = sources
        self._identity = identity
        self._clock = clock
        self._versions = (
            f"lp-hedge {identity.version} · Python {platform.python_version()}"
            f" · schema {newest_version()} · SQLite {sqlite3.sqlite_version}"
        )

    def shows(self) -> Mapping[str, Show]:
        return {"health": self.health}

    async def health(self, _args: tuple[str, ...]) -> Reply:
        """What is at hand: no probe waits for a network."""
        running = span((self._clock.now() - self._identity.started_at).total_seconds())
        fresh = freshness_items(self._from.engine.statuses(), self._from.config.now.hedges)
        items = [HealthItem("program", True, f"running for {running}"), *fresh, await self._queues()]
        items.extend(item for probe in self._from.probes for item in probe())
        return Reply(health_text(items, self._versions), True)

    async def _queues(self) -> HealthItem:
        messages, commands = await self._from.outbox.backlog(), len(await self._from.commands.pending())
        live = await self._from.approvals.live()
        asked = sum(approval.state is ApprovalState.PENDING for approval in live)
        words = ", ".join((counted(messages, "message"), counted(commands, "command"), counted(asked, "proposal")))
        return HealthItem("waiting", messages <= MOST_MESSAGES and commands <= MOST_COMMANDS, words)
