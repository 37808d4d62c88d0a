"""Telegram's HTML, written so that it has a plain twin: only inline tags that open and close on one line."""

from __future__ import annotations

import html
import re

DETAIL_UNITS = 400
TAG = re.compile(r"</?(?:b|i|u|s|code)>")


def esc(text: str) -> str:
    """Text of unknown origin, safe inside the markup and no longer than a message can bear."""
    return html.escape(clip(text, DETAIL_UNITS), quote=False)


def bold(text: str) -> str:
    """Escapes what is inside."""
    return f"<b>{esc(text)}</b>"


def italic(text: str) -> str:
    """Escapes what is inside."""
    return f"<i>{esc(text)}</i>"


def code(text: str) -> str:
    """Escapes what is inside."""
    return f"<code>{esc(text)}</code>"


def plain(text: str) -> str:
    """What the markup looks like with its tags taken away: the terminal's twin, and the fallback."""
    return html.unescape(TAG.sub("", text))


def units(text: str) -> int:
    """Length as Telegram counts it: UTF-16 units, so most emoji are two."""
    return len(text.encode("utf-16-le")) // 2


def clip(text: str, limit: int) -> str:
    """At most `limit` UTF-16 units, cut at the end with an ellipsis and never through a character."""
    if units(text) <= limit:
        return text
    kept = text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", errors="ignore")
    return kept.rstrip() + "…"


def lines(*parts: str | None) -> str:
    """The parts that are there, one a line."""
    return "\n".join(part for part in parts if part is not None)
