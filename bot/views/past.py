"""What happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.rendering.alerts import Units
from bot.rendering.history import history_text, is_worth_a_line
from bot.rendering.markup import esc
from bot.rendering.numbers import pair_of
from bot.replies import Reply
from bot.views.arguments import count_and_name
from bot.views.sources import Identity, Show, Sources
from core.events import Event
from core.facts import Trade

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
        known = self._from.config.file.hedges
        asked = count_and_name(args, known, usual=HISTORY_LINES, most=MOST_HISTORY_LINES)
        if isinstance(asked, str):
            return Reply(f"/history takes a number and a hedge: {esc(', '.join(known))}; not {esc(asked)}.", True)
        events = await self._events(asked.name, asked.count)
        fills = await self._fills(asked.name, min(asked.count, MOST_FILLS))
        units = {name: Units(*pair_of(each.symbol)) for name, each in known.items()}
        return Reply(history_text(events, fills, units, self._identity.zone), True)

    async def _events(self, hedge: str, limit: int) -> Sequence[Event]:
        """Newest first; `hedge` empty: of all and of the program."""
        # Some are left out, so twice as many are looked at.
        recent = await self._from.events.recent(hedge=hedge or None, limit=2 * limit)
        newest = [event for event in recent if is_worth_a_line(event)][:limit]
        return sorted(newest, key=lambda event: event.at, reverse=True)  # told later than they happened, some of them

    async def _fills(self, hedge: str, limit: int) -> Sequence[tuple[str, Trade]]:
        """Newest first, each with its hedge; `hedge` empty: of all."""
        fills = await self._from.fills.recent_fills(FILLS_SEARCHED)
        return [fill for fill in fills if hedge in ("", fill[0])][:limit]
