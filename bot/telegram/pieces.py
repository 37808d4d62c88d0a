"""Cuts a text into messages that Telegram takes, on line ends, with the markup of each part whole."""

from __future__ import annotations

import html
import re

LIMIT = 4096
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)[^<>]*>")


def utf16_len(text: str) -> int:
    """Telegram's unit of length: a character outside the basic plane counts two."""
    return len(text.encode("utf-16-le")) // 2


def clipped(text: str, limit: int) -> str:
    """`limit` in UTF-16 units, as Telegram counts; no code point is cut in two."""
    while utf16_len(text) > limit:
        text = text[:-1]
    return text


def plain(source: str) -> str:
    """The visible text of Telegram HTML."""
    return html.unescape(_TAG.sub("", source))


def pieces(text: str, *, is_html: bool, limit: int = LIMIT) -> list[tuple[str, bool]]:
    """The parts with whether each is HTML. Tags count as text, which errs on the short side.

    A single line over the limit is cut anywhere and loses its markup.
    """
    if utf16_len(text) <= limit:
        return [(text, is_html)]
    if not is_html:
        return [(part, False) for part in _packed(_short_lines(text, limit), limit)]
    lines, room = text.split("\n"), limit - _margin(text)
    if max(map(utf16_len, lines)) > room:
        return pieces(plain(text), is_html=False, limit=limit)
    return [(part, True) for part in _balanced(_packed(lines, room))]


def _margin(text: str) -> int:
    """Room for the tags that a cut closes and opens again: all kinds that are in use, nested, twice."""
    opening = {found[0] for found in _TAG.finditer(text) if not found[1]}
    return 2 * sum(len(tag) + 1 for tag in opening)


def _short_lines(text: str, limit: int) -> list[str]:
    half = limit // 2
    lines = text.split("\n")
    return [line[at : at + half] for line in lines for at in range(0, max(1, len(line)), half)]


def _packed(lines: list[str], limit: int) -> list[str]:
    parts: list[str] = []
    current: list[str] = []
    size = 0
    for line in lines:
        length = utf16_len(line) + 1
        if current and size + length > limit:
            parts.append("\n".join(current))
            current, size = [], 0
        current.append(line)
        size += length
    return [part for part in [*parts, "\n".join(current)] if part.strip()]


def _balanced(parts: list[str]) -> list[str]:
    whole: list[str] = []
    carried: list[tuple[str, str]] = []
    for part in parts:
        opened = "".join(tag for _, tag in carried) + part
        carried = _open_tags(opened)
        whole.append(opened + "".join(f"</{name}>" for name, _ in reversed(carried)))
    return whole


def _open_tags(text: str) -> list[tuple[str, str]]:
    stack: list[tuple[str, str]] = []
    for found in _TAG.finditer(text):
        if not found[1]:
            stack.append((found[2], found[0]))
        elif stack and stack[-1][0] == found[2]:
            stack.pop()
    return stack
