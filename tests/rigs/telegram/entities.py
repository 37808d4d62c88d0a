"""Telegram's HTML dialect: the text that is left after parsing, its entities, and the refusals for broken markup.

Offsets and lengths count UTF-16 code units, as the Bot API does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tests.rigs.telegram.errors import bad_request

_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "blockquote": "blockquote",
}
_TOKEN = re.compile(
    r"<(?P<close>/?)(?P<name>[a-zA-Z][a-zA-Z0-9-]*)(?P<attributes>[^<>]*)>|&(?P<ref>#?\w+);|(?P<stray><)"
)
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_COMMAND = re.compile(r"(?<!\S)/[A-Za-z0-9_]{1,32}(?:@\w{5,32})?")


def utf16_len(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@dataclass
class _Parse:
    text: str = ""
    entities: list[dict[str, object]] = field(default_factory=list)
    open_tags: list[tuple[str, str, int]] = field(default_factory=list)

    def close(self, name: str, at: int) -> None:
        if not self.open_tags:
            raise bad_request(f"can't parse entities: Unexpected end tag at byte offset {at}")
        opened, attributes, start = self.open_tags.pop()
        if opened != name:
            expected = f'Unmatched end tag at byte offset {at}, expected "</{opened}>", found "</{name}>"'
            raise bad_request(f"can't parse entities: {expected}")
        length = utf16_len(self.text) - start
        if length:
            self.entities.append(_entity(name, attributes, start, length))


def _entity(name: str, attributes: str, start: int, length: int) -> dict[str, object]:
    kind = _KINDS[name]
    if name == "blockquote" and "expandable" in attributes:
        kind = "expandable_blockquote"
    entity: dict[str, object] = {"type": kind, "offset": start, "length": length}
    link = re.search(r'href="([^"]*)"', attributes)
    if link:
        entity["url"] = link[1]
    return entity


def _character(reference: str) -> str:
    if reference.startswith("#x"):
        return chr(int(reference.replace("#", "0", 1), 16))
    if reference.startswith("#"):
        return chr(int(reference[1:]))
    return _NAMED.get(reference, f"&{reference};")


def parse_html(source: str) -> tuple[str, list[dict[str, object]]]:
    """The visible text with its entities; raises ApiError 400 for unknown or unclosed tags and a bare `<`."""
    parse, position = _Parse(), 0
    for token in _TOKEN.finditer(source):
        parse.text += source[position : token.start()]
        position = token.end()
        _take(parse, token)
    parse.text += source[position:]
    if parse.open_tags:
        raise bad_request(
            f"can't parse entities: Can't find end tag corresponding to start tag \"{parse.open_tags[-1][0]}\""
        )
    return parse.text, sorted(parse.entities, key=lambda entity: str(entity["offset"]).zfill(9))


def _take(parse: _Parse, token: re.Match[str]) -> None:
    if token["stray"]:
        raise bad_request(f'can\'t parse entities: Unsupported start tag "" at byte offset {token.start()}')
    if token["ref"]:
        parse.text += _character(token["ref"])
        return
    name = token["name"].lower()
    if name not in _KINDS:
        raise bad_request(f'can\'t parse entities: Unsupported start tag "{name}" at byte offset {token.start()}')
    if token["close"]:
        parse.close(name, token.start())
    else:
        parse.open_tags.append((name, token["attributes"], utf16_len(parse.text)))


def command_entities(text: str) -> list[dict[str, object]]:
    """What a client marks in a message that a person typed: only the commands."""
    return [
        {"type": "bot_command", "offset": utf16_len(text[: found.start()]), "length": utf16_len(found[0])}
        for found in _COMMAND.finditer(text)
    ]
