"""Is every part alive and fresh."""

from __future__ import annotations

from collections.abc import Mapping

from bot.rendering.listings import HealthItem, age_item, health_text
from bot.rendering.numbers import span
from bot.replies import Reply
from bot.views.sources import Identity, Show, Sources
from core.clock import Clock
from core.config import HedgeConfig

BACKLOG_LIMIT = 20


class Health:
    def __init__(self, sources: Sources, identity: Identity, clock: Clock) -> None:
        self._from = sources
        self._identity = identity
        self._clock = clock

    def shows(self) -> Mapping[str, Show]:
        return {"health": self.health}

    async def health(self, _args: tuple[str, ...]) -> Reply:
        running = span((self._clock.now() - self._identity.started_at).total_seconds())
        backlog = await self._from.outbox.backlog()
        items = [HealthItem("program", True, f"running for {running}"), *self._freshness()]
        items.append(HealthItem("messages waiting to be sent", backlog <= BACKLOG_LIMIT, str(backlog)))
        items.extend(item for probe in self._from.probes for item in probe())
        return Reply(health_text(items), True)

    def _freshness(self) -> list[HealthItem]:
        items: list[HealthItem] = []
        for status in self._from.engine.statuses():
            if (hedge := self._from.config.now.hedges.get(status.name)) is not None:
                items.append(age_item(f"{status.name} chain", status.chain_age_s, hedge.max_chain_age_seconds))
                items.append(age_item(f"{status.name} exchange", status.venue_age_s, _venue_limit_s(hedge)))
        return items


def _venue_limit_s(hedge: HedgeConfig) -> float:
    """A venue read may be as old as one poll on top of what a decision accepts."""
    return float(hedge.max_price_age_seconds) + float(hedge.poll_seconds)
