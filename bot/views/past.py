"""What happened."""

from __future__ import annotations

from collections.abc import Mapping

from bot.rendering.listings import history_text
from bot.replies import Reply
from bot.views.sources import Identity, Show, Sources

HISTORY_LINES = 15
MOST_HISTORY_LINES = 100


class Past:
    def __init__(self, sources: Sources, identity: Identity) -> None:
        self._from = sources
        self._identity = identity

    def shows(self) -> Mapping[str, Show]:
        return {"history": self.history}

    async def history(self, args: tuple[str, ...]) -> Reply:
        wanted = int(args[0]) if args and args[0].isascii() and args[0].isdigit() else HISTORY_LINES
        limit = max(1, min(MOST_HISTORY_LINES, wanted))
        events = await self._from.events.recent(hedge=None, limit=limit)
        fills = await self._from.fills.recent_fills(min(limit, HISTORY_LINES))
        return Reply(history_text(events, fills, self._identity.zone), True)
