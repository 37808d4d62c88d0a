"""How wide text is, nearly, in the fonts that a browser will use; and where a line is broken."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import matplotlib
from PIL import ImageFont

SIZE_PX = 15.0
# DejaVu, which is measured, is this much wider than the fonts that are named in the picture.
NARROWER = 0.9
MONO_EM, EMOJI_EM = 0.6, 1.35
MEASURED_AT = 100


@dataclass(frozen=True)
class Run:
    """Characters of one style; `kinds` are Telegram's names of entities."""

    text: str
    kinds: frozenset[str] = frozenset()

    @property
    def is_mono(self) -> bool:
        return bool(self.kinds & {"code", "pre"})

    @property
    def width_px(self) -> float:
        return sum(_em(letter, self.is_mono, "bold" in self.kinds) for letter in self.text) * SIZE_PX


Row = tuple[Run, ...]


def runs(text: str, entities: Sequence[dict[str, object]]) -> Iterator[Run]:
    """The text cut where a style begins or ends; offsets count UTF-16 units."""
    units = text.encode("utf-16-le")
    spans = [(int(str(e["offset"])), int(str(e["offset"])) + int(str(e["length"])), str(e["type"])) for e in entities]
    cuts = sorted({0, len(units) // 2, *(start for start, _, _ in spans), *(end for _, end, _ in spans)})
    for start, end in pairwise(cuts):
        kinds = frozenset(kind for first, last, kind in spans if first <= start and end <= last)
        yield Run(units[2 * start : 2 * end].decode("utf-16-le"), kinds)


def rows(pieces: Sequence[Run], width_px: float) -> list[Row]:
    """Broken at line ends, and between words where a line is too long."""
    found: list[list[Run]] = [[]]
    room = width_px
    for piece in pieces:
        for number, line in enumerate(piece.text.split("\n")):
            if number:
                found.append([])
                room = width_px
            for word in _words(line):
                run = Run(word, piece.kinds)
                if run.width_px > room and found[-1] and word.strip():
                    found.append([])
                    room = width_px
                found[-1].append(run)
                room -= run.width_px
    return [_joined(row) for row in found]


def _joined(row: Sequence[Run]) -> Row:
    joined: list[Run] = []
    for run in row:
        if joined and joined[-1].kinds == run.kinds:
            joined[-1] = Run(joined[-1].text + run.text, run.kinds)
        else:
            joined.append(run)
    return tuple(joined)


def _words(line: str) -> Iterator[str]:
    """With the blanks that follow them."""
    word = ""
    for letter in line:
        if word.endswith(" ") and letter != " ":
            yield word
            word = ""
        word += letter
    if word:
        yield word


@cache
def _em(letter: str, mono: bool, bold: bool) -> float:
    if unicodedata.combining(letter) or letter in "\ufe0f\u200d":
        return 0.0
    if ord(letter) >= 0x1F000 or letter in "✅❌⚠⏳⏸▶❓":
        return EMOJI_EM
    if mono:
        return MONO_EM
    return _font(bold).getlength(letter) / MEASURED_AT * NARROWER


@cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(str(folder / f"DejaVuSans{'-Bold' if bold else ''}.ttf"), MEASURED_AT)
