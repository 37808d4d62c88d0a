"""Where an axis ends, how many decimals its numbers need, and what is written at the end of a line."""

from __future__ import annotations

from collections.abc import Sequence

from bot.charts.sampling import Point


def axis_limits(low: float, high: float) -> tuple[float, float]:
    """Some room on either side, also when all is one value."""
    room = (high - low) * 0.08 or abs(high) * 0.01 or 1.0
    return low - room, high + room


def decimal_places(low: float, high: float) -> int:
    """Decimals that tell a hundredth of the axis apart."""
    places, height = 0, high - low
    while height < 20 and places < 10:
        height *= 10
        places += 1
    return places


def last_text(points: Sequence[Point], places: int, *, signed: bool = False) -> str:
    """One decimal more than the axis has."""
    last = next((y for _, y in reversed(points) if y is not None), None)
    return "" if last is None else f"{last:{'+' if signed else ''},.{places + 1}f}".replace("-", "\N{MINUS SIGN}")
