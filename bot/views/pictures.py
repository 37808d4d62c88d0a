"""Pictures of the hedges."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from bot.charts.hedge_picture import hedge_picture
from bot.charts.picture import Picture
from bot.rendering.charts import chart_caption, nothing_recorded
from bot.rendering.markup import esc
from bot.replies import Attachment, Button, Reply
from bot.views.chart_request import chart_request
from bot.views.hedge_records import HedgeRecords
from bot.views.sources import Identity, Show, Sources
from core.clock import Clock
from core.errors import Transient

SPANS = ((6, "6 h"), (24, "24 h"), (168, "7 days"), (720, "30 days"))
FEWEST_MOMENTS = 2


class Pictures:
    def __init__(self, sources: Sources, identity: Identity, clock: Clock) -> None:
        self._from = sources
        self._identity = identity
        self._clock = clock
        self._records = HedgeRecords(sources, identity)

    def shows(self) -> Mapping[str, Show]:
        return {"chart": self.chart}

    async def chart(self, args: tuple[str, ...]) -> Reply:
        """With several hedges and none named it asks which."""
        names = self._from.engine.hedge_names()
        asked = chart_request(args, names)
        if isinstance(asked, str):
            return Reply(esc(asked), True)
        if asked.hedge is not None:
            return await self._picture_of(asked.hedge, asked.hours)
        if len(names) == 1:
            return await self._picture_of(names[0], asked.hours)
        if not names:
            return Reply("There is no hedge yet.", True)
        rows = tuple((Button(name, f"view:chart:{asked.hours}:{name}"),) for name in names)
        return Reply("Which hedge?", True, rows)

    async def _picture_of(self, name: str, hours: int) -> Reply:
        end = self._clock.now()
        start, zone = end - timedelta(hours=hours), self._identity.zone
        caption = ""

        async def compose() -> Picture | None:
            nonlocal caption
            history = await self._records.of(name, start, end)
            if sum(moment.price is not None for moment in history.moments) < FEWEST_MOMENTS:
                return None
            caption = chart_caption(history, start, zone)
            # A month of minutes takes longer than anything else may wait.
            return await asyncio.to_thread(hedge_picture, history, zone)

        try:
            content = await self._from.charts.png(compose)
        except Transient as error:
            return Reply(esc(str(error)), True)
        if content is None:
            return Reply(nothing_recorded(name, hours), True)
        spans = tuple(Button(label, f"view:chart:{span}:{name}") for span, label in SPANS if span != hours)
        return Reply(caption, True, (spans,), Attachment(f"chart_{name}_{hours}h.png", content, photo=True))
