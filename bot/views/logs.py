"""The program's own last words."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bot.rendering.logs import attached_text, logs_text
from bot.rendering.markup import esc, units
from bot.replies import Attachment, Reply
from bot.views.arguments import count_and_name
from bot.views.sources import Show, Sources

USUAL_LINES = 20
MOST_LINES = 200
LONGEST_TEXT = 3500
FILE_NAME = "lp-hedge-log.txt"
LEVELS = {"error": logging.ERROR, "warning": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}


class Logs:
    def __init__(self, sources: Sources) -> None:
        self._from = sources

    def shows(self) -> Mapping[str, Show]:
        return {"logs": self.logs}

    async def logs(self, args: tuple[str, ...]) -> Reply:
        """`[N] [error|warning|info|debug]`, in any order; that level and what is graver."""
        asked = count_and_name(args, LEVELS, usual=USUAL_LINES, most=MOST_LINES)
        if isinstance(asked, str):
            return Reply(f"/logs takes a number and one of {', '.join(LEVELS)}; not {esc(repr(asked))}.", True)
        at_least = LEVELS.get(asked.name, logging.DEBUG)
        entries = [line.text for line in self._from.logs.last(asked.count, at_least=at_least)]
        title = f"Last log lines{f' ({asked.name} and graver)' if asked.name else ''}"
        text = logs_text(entries, title)
        if units(text) <= LONGEST_TEXT:
            return Reply(text, True)
        whole = Attachment(FILE_NAME, "\n".join((*entries, "")).encode())
        return Reply(attached_text(title, len(entries)), True, attachment=whole)
