"""The program's last log lines, for a phone."""

from __future__ import annotations

from collections.abc import Sequence

from bot.rendering.markup import bold, clip, code, esc, lines

LINE_UNITS = 300


def logs_text(entries: Sequence[str], title: str) -> str:
    """Long ones clipped; of a traceback the first and the last line, which names the error."""
    if not entries:
        return f"{bold(title)}: none since the start."
    return lines(bold(title), *(code(clip(_short(entry), LINE_UNITS)) for entry in entries))


def attached_text(title: str, count: int) -> str:
    return f"{bold(title)}: {esc(str(count))} lines, in the file."


def _short(entry: str) -> str:
    first, _, rest = entry.partition("\n")
    return f"{first} … {rest.rstrip().rpartition(chr(10))[2]}" if rest else first
