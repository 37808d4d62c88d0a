"""Is every part alive and fresh: the findings, and their text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import span

MARKS = {True: "✅", False: "🚨", None: "❔"}


@dataclass(frozen=True, slots=True)
class HealthItem:
    """`ok` None: nothing to judge by yet."""

    name: str
    ok: bool | None
    detail: str


def health_text(items: Sequence[HealthItem], versions: str) -> str:
    """What needs the operator comes first, also in the headline."""
    bad = [item for item in items if item.ok is False]
    ordered = (*bad, *(item for item in items if item.ok is not False))
    return lines(bold(_headline(bad)), *(map(_line, ordered)), esc(versions))


def age_item(name: str, age_s: float | None, limit_s: float) -> HealthItem:
    """A source's freshness against the age at which hedging stops."""
    if age_s is None:
        return HealthItem(name, None, "not read yet")
    return HealthItem(name, age_s <= limit_s, f"{span(age_s)} old, limit {span(limit_s)}")


def _headline(bad: Sequence[HealthItem]) -> str:
    if not bad:
        return "Health: all well"
    count = "1 thing needs" if len(bad) == 1 else f"{len(bad)} things need"
    return f"Health: {count} you: {', '.join(item.name for item in bad)}"


def _line(item: HealthItem) -> str:
    return f"{MARKS[item.ok]} {esc(item.name)}: {esc(item.detail)}"
