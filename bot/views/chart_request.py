"""What `/chart` was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DEFAULT_HOURS = 24
MOST_HOURS = 720


@dataclass(frozen=True, slots=True)
class ChartRequest:
    """`hedge` None: none was named."""

    hours: int
    hedge: str | None


def chart_request(args: Sequence[str], names: Sequence[str]) -> ChartRequest | str:
    """Hours and name in either order, each at most once; a sentence about what is wrong with them otherwise."""
    hours: int | None = None
    hedge: str | None = None
    for arg in args:
        word = arg.lower()
        if word in names and hedge is None:
            hedge = word
        elif word.isascii() and word.removesuffix("h").isdigit() and hours is None:
            # Longer than any number that is meant.
            hours = int(word.removesuffix("h")[:9])
        else:
            return f"I do not understand {arg!r}. /chart HOURS NAME: 1 to {MOST_HOURS} hours, and {_known(names)}."
    if hours is not None and not 1 <= hours <= MOST_HOURS:
        return f"A chart shows 1 to {MOST_HOURS} hours."
    return ChartRequest(hours or DEFAULT_HOURS, hedge)


def _known(names: Sequence[str]) -> str:
    return f"one of {', '.join(names)}" if names else "no hedge is known yet"
