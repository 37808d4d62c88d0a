"""What happened."""

from __future__ import annotations

from collections.abc import Mapping

from bot.rendering.alerts import Units
from bot.rendering.history import history_text, is_worth_a_line
from bot.rendering.markup import esc
from bot.rendering.numbers import pair_of
from bot.replies import Reply
from bot.views.sources import Identity, Show, Sources

HISTORY_LINES = 15
MOST_HISTORY_LINES = 100
MOST_FILLS = 15
FILLS_SEARCHED = 500


class Past:
    def __init__(self, sources: Sources, identity: Identity) -> None:
        self._from = sources
        self._identity = identity

    def shows(self) -> Mapping[str, Show]:
        return {"history": self.history}

    async def history(self, args: tuple[str, ...]) -> Reply:
        """`[N] [NAME]`, in any order."""
        limit, hedge, known = HISTORY_LINES, None, self._from.config.file.hedges
        for word in args:
            if word.isascii() and word.isdigit():
                limit = max(1, min(MOST_HISTORY_LINES, int(word[:9])))
            elif word.lower() in known:
                hedge = word.lower()
            else:
                return Reply(f"/history takes a number and a hedge: {esc(', '.join(known))}; not {esc(word)}.", True)
        # Some are left out, so twice as many are looked at.
        recent = await self._from.events.recent(hedge=hedge, limit=2 * limit)
        newest = [event for event in recent if is_worth_a_line(event)][:limit]
        events = sorted(newest, key=lambda event: event.at, reverse=True)  # told later than they happened, some of them
        fills = await self._from.fills.recent_fills(FILLS_SEARCHED)
        shown = [fill for fill in fills if hedge in (None, fill[0])][: min(limit, MOST_FILLS)]
        units = {name: Units(*pair_of(each.symbol)) for name, each in known.items()}
        return Reply(history_text(events, shown, units, self._identity.zone), True)
