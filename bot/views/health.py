"""Is every part alive and fresh."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Mapping

from bot.measures import chain_limit_s, venue_limit_s
from bot.rendering.health import HealthItem, age_item, health_text
from bot.rendering.numbers import span
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
        items = [HealthItem("program", True, f"running for {running}"), *self._freshness(), await self._queues()]
        items.extend(item for probe in self._from.probes for item in probe())
        return Reply(health_text(items, self._versions), True)

    def _freshness(self) -> list[HealthItem]:
        items: list[HealthItem] = []
        for status in self._from.engine.statuses():
            if (hedge := self._from.config.now.hedges.get(status.name)) is not None:
                items.append(age_item(f"{status.name} chain", status.chain_age_s, chain_limit_s(hedge)))
                items.append(age_item(f"{status.name} exchange", status.venue_age_s, venue_limit_s(hedge)))
        return items

    async def _queues(self) -> HealthItem:
        messages, commands = await self._from.outbox.backlog(), len(await self._from.commands.pending())
        live = await self._from.approvals.live()
        asked = sum(approval.state is ApprovalState.PENDING for approval in live)
        words = f"{messages} messages, {commands} commands, {asked} proposals"
        return HealthItem("waiting", messages <= MOST_MESSAGES and commands <= MOST_COMMANDS, words)
