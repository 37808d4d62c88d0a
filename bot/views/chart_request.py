"""What `/chart` was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.views.arguments import whole_number

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
        if hedge is None and word in names:
            hedge = word
        elif hours is None and (number := whole_number(word.removesuffix("h"))) is not None:
            hours = number
        else:
            return f"I do not understand {arg!r}. /chart HOURS NAME: 1 to {MOST_HOURS} hours, and {_known(names)}."
    return _request(hours, hedge)


def _request(hours: int | None, hedge: str | None) -> ChartRequest | str:
    hours = DEFAULT_HOURS if hours is None else hours
    if not 1 <= hours <= MOST_HOURS:
        return f"A chart shows 1 to {MOST_HOURS} hours."
    return ChartRequest(hours, hedge)


def _known(names: Sequence[str]) -> str:
    return f"one of {', '.join(names)}" if names else "no hedge is known yet"
