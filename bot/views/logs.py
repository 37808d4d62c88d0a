"""The program's own last words."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from bot.rendering.logs import attached_text, logs_text
from bot.rendering.markup import esc, units
from bot.replies import Attachment, Reply
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
        count, level = USUAL_LINES, ""
        for word in args:
            if word.isascii() and word.isdigit():
                count = max(1, min(MOST_LINES, int(word[:9])))
            elif word.lower() in LEVELS:
                level = word.lower()
            else:
                return Reply(f"/logs takes a number and one of {', '.join(LEVELS)}; not {esc(repr(word))}.", True)
        entries = [line.text for line in self._from.logs.last(count, at_least=LEVELS.get(level, logging.DEBUG))]
        title = f"Last log lines{f' ({level} and graver)' if level else ''}"
        text = logs_text(entries, title)
        if units(text) <= LONGEST_TEXT:
            return Reply(text, True)
        whole = Attachment(FILE_NAME, "\n".join((*entries, "")).encode())
        return Reply(attached_text(title, len(entries)), True, attachment=whole)
