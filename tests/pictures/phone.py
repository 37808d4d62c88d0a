"""A chat as a phone shows it, drawn as SVG: text stays text, so that it is small, sharp and can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from tests.pictures.letters import SIZE_PX, Row, Run, rows, runs
from tests.rigs.telegram.markup import ShownButton

WIDTH, MARGIN, PAD = 400, 10, 11
LINE, BUTTON, HEADER, PINNED = 20.5, 38, 50, 46
WIDEST = 340
SANS = "'Helvetica Neue', Arial, 'Liberation Sans', Roboto, 'Noto Sans', sans-serif"
MONO = "SFMono-Regular, Menlo, Consolas, 'Liberation Mono', monospace"
EMOJI = "'Apple Color Emoji', 'Segoe UI Emoji', 'Noto Color Emoji'"
WALLPAPER, INCOMING, OUTGOING, INK, FAINT, BLUE = "#cfdde6", "#ffffff", "#e3fdd0", "#111418", "#7b8794", "#2481cc"
BUTTONS = {"success": "#2fa84f", "danger": "#e0444e", "primary": "#2481cc", None: "#6f8ba0"}
STYLES = {
    "bold": 'font-weight="700"',
    "italic": 'font-style="italic"',
    "underline": 'text-decoration="underline"',
    "strikethrough": 'text-decoration="line-through"',
    "code": f'font-family="{MONO}" font-size="13.5" fill="#a3294f"',
    "pre": f'font-family="{MONO}" font-size="13.5"',
    "bot_command": f'fill="{BLUE}"',
}


@dataclass(frozen=True)
class Bubble:
    """One message. `at`: the time under it. `quoted`: the first line of the message that it answers."""

    text: str
    entities: tuple[dict[str, object], ...]
    at: str
    mine: bool = False
    buttons: tuple[tuple[ShownButton, ...], ...] = ()
    quoted: str = ""


def chat_svg(bubbles: Sequence[Bubble], *, pinned: str = "") -> str:
    """`pinned`: the first line of the message that is pinned above."""
    parts, y = [_header()], float(HEADER)
    if pinned:
        parts.append(_pinned(pinned))
        y += PINNED
    y += MARGIN
    for bubble in bubbles:
        drawn, height = _bubble(bubble, y)
        parts.append(drawn)
        y += height + 8
    height = round(y + MARGIN)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}"'
        f' font-family="{SANS}, {EMOJI}" font-size="{SIZE_PX:g}" fill="{INK}">\n'
        f"<style>text{{white-space:pre}}</style>\n"
        f'<clipPath id="edge"><rect width="{WIDTH}" height="{height}" rx="18"/></clipPath>\n'
        f'<g clip-path="url(#edge)">\n<rect width="{WIDTH}" height="{height}" fill="{WALLPAPER}"/>\n'
        + "\n".join(parts)
        + "\n</g>\n</svg>\n"
    )


def _header() -> str:
    return (
        f'<rect width="{WIDTH}" height="{HEADER}" fill="#f7f8fa"/><circle cx="32" cy="25" r="17" fill="{BLUE}"/>'
        '<text x="32" y="30.5" text-anchor="middle" fill="#fff" font-weight="700">H</text>'
        '<text x="60" y="23" font-weight="700">lp-hedge</text>'
        f'<text x="60" y="40" font-size="12.5" fill="{FAINT}">bot</text>'
    )


def _pinned(line: str) -> str:
    clipped = _clipped(line, WIDTH - 60)
    return (
        f'<rect y="{HEADER}" width="{WIDTH}" height="{PINNED}" fill="#fdfdfe"/>'
        f'<rect x="14" y="{HEADER + 8}" width="3" height="{PINNED - 16}" rx="1.5" fill="{BLUE}"/>'
        f'<text x="26" y="{HEADER + 19}" font-size="12.5" font-weight="700" fill="{BLUE}">Pinned message</text>'
        f'<text x="26" y="{HEADER + 37}" font-size="13.5">{escape(clipped)}</text>'
    )


def _bubble(bubble: Bubble, y: float) -> tuple[str, float]:
    lines = rows(list(runs(bubble.text, bubble.entities)), WIDEST - 2 * PAD)
    stamp_px = 40.0
    widest = max(sum(run.width_px for run in row) for row in lines)
    last = sum(run.width_px for run in lines[-1])
    beside = last + stamp_px <= WIDEST - 2 * PAD
    width = max(widest, last + stamp_px if beside else stamp_px, 150 if bubble.quoted else 0) + 2 * PAD
    if bubble.buttons:
        width = WIDEST
    top = y + PAD / 2 + (38 if bubble.quoted else 0)
    height = (top - y) + LINE * (len(lines) + (0 if beside else 0.8)) + PAD / 2 + 3
    x = WIDTH - MARGIN - width if bubble.mine else MARGIN
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    parts = [f'<rect {place} rx="14" fill="{OUTGOING if bubble.mine else INCOMING}"/>']
    if bubble.quoted:
        parts.append(_quote(bubble.quoted, x + PAD, y + 8, width - 2 * PAD))
    parts += [_row(row, x + PAD, top + LINE * (number + 0.76)) for number, row in enumerate(lines)]
    parts.append(
        f'<text x="{x + width - PAD:.1f}" y="{y + height - 7:.1f}" text-anchor="end" font-size="11.5"'
        f' fill="{"#5aa65a" if bubble.mine else FAINT}">{escape(bubble.at)}</text>'
    )
    below = _buttons(bubble, x, y + height + 4, width)
    return "\n".join([*parts, *below]), height + (BUTTON + 4) * len(bubble.buttons) + (2 if bubble.buttons else 0)


def _quote(line: str, x: float, y: float, width: float) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="34" rx="6" fill="{BLUE}" fill-opacity="0.1"/>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="3" height="34" rx="1.5" fill="{BLUE}"/>'
        f'<text x="{x + 10:.1f}" y="{y + 14:.1f}" font-size="12.5" font-weight="700" fill="{BLUE}">lp-hedge</text>'
        f'<text x="{x + 10:.1f}" y="{y + 29:.1f}" font-size="12.5">{escape(_clipped(line, width - 8))}</text>'
    )


def _row(row: Row, x: float, y: float) -> str:
    spans = "".join(
        f"<tspan {' '.join(STYLES[kind] for kind in sorted(run.kinds) if kind in STYLES)}>{escape(run.text)}</tspan>"
        if run.kinds & set(STYLES)
        else escape(run.text)
        for run in row
    )
    return f'<text x="{x:.1f}" y="{y:.1f}">{spans}</text>' if spans.strip() else ""


def _buttons(bubble: Bubble, x: float, y: float, width: float) -> list[str]:
    parts = []
    for number, row in enumerate(bubble.buttons):
        each = (width - 4 * (len(row) - 1)) / len(row)
        for column, button in enumerate(row):
            left, top = x + column * (each + 4), y + number * (BUTTON + 4)
            colour = BUTTONS.get(button.style, BUTTONS[None])
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{each:.1f}" height="{BUTTON}" rx="9" fill="{colour}"/>'
                f'<text x="{left + each / 2:.1f}" y="{top + 24:.1f}" text-anchor="middle" fill="#fff"'
                f' font-weight="600">{escape(_clipped(button.label, each - 8))}</text>'
            )
    return parts


def _clipped(line: str, width_px: float) -> str:
    kept = line
    while kept and Run(kept).width_px > width_px:
        kept = kept[:-1]
    return kept if kept == line else f"{kept[:-1].rstrip()}…"
