"""Is every part alive and fresh: the findings, and their text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.rendering.markup import bold, esc, lines
from bot.rendering.numbers import span

MARKS = {True: "✅", False: "🚨", None: "❔"}


@dataclass(frozen=True, slots=True)
class HealthItem:
    """`ok` None: nothing to judge by yet. `vital`: without it nothing is hedged, and only a new start may help."""

    name: str
    ok: bool | None
    detail: str
    vital: bool = False


def hedges_turn(items: Sequence[HealthItem]) -> bool:
    """Whether the hedging itself is alive: something vital was started, and none of it is in trouble."""
    vital = [item.ok for item in items if item.vital]
    return bool(vital) and all(vital)


def headline(items: Sequence[HealthItem]) -> str:
    """All well, or what needs the operator."""
    bad = [item.name for item in items if item.ok is False]
    if not bad:
        return "Health: all well"
    count = "1 thing needs" if len(bad) == 1 else f"{len(bad)} things need"
    return f"Health: {count} you: {', '.join(bad)}"


def health_text(items: Sequence[HealthItem], versions: str) -> str:
    """What needs the operator comes first, also in the headline."""
    bad = [item for item in items if item.ok is False]
    ordered = (*bad, *(item for item in items if item.ok is not False))
    return lines(bold(headline(items)), *(map(_line, ordered)), esc(versions))


def age_item(name: str, age_s: float | None, limit_s: float) -> HealthItem:
    """A source's freshness against the age at which hedging stops."""
    if age_s is None:
        return HealthItem(name, None, "not read yet")
    return HealthItem(name, age_s <= limit_s, f"{span(age_s)} old, limit {span(limit_s)}")


def _line(item: HealthItem) -> str:
    return f"{MARKS[item.ok]} {esc(item.name)}: {esc(item.detail)}"
