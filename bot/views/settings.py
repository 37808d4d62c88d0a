"""The settings in force, and where each comes from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo

from bot.rendering.markup import esc
from bot.rendering.settings import changes_text, config_text
from bot.replies import Reply
from bot.views.sources import Show, Sources


class Settings:
    def __init__(self, sources: Sources, zone: tzinfo) -> None:
        self._from = sources
        self._zone = zone

    def shows(self) -> Mapping[str, Show]:
        return {"config": self.config}

    async def config(self, args: tuple[str, ...]) -> Reply:
        """Of one hedge everything; of several, unless one is named, what is no default."""
        hedges = tuple(self._from.config.file.hedges)
        shown = tuple(arg.lower() for arg in args[:1]) or hedges
        if not set(shown) <= set(hedges):
            return Reply(f"I know no hedge {esc(shown[0])}; there is {esc(', '.join(hedges))}.", True)
        settings = self._from.settings()
        if len(shown) == 1:
            return Reply(config_text(settings, shown, self._zone), True)
        return Reply(changes_text(settings, hedges, self._zone), True)
