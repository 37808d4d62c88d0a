"""Which fill belongs between which two readings of the position."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from core.accounting.books import Books
from core.ports import BookedFill

# A trade's time is the venue's, a reading's is ours.
CLOCK_ROOM = timedelta(seconds=30)
ZERO = Decimal(0)


def dealt(fills: Sequence[BookedFill], books: Sequence[Books]) -> tuple[tuple[BookedFill, ...], ...]:
    """For each step from one of `books` to the next the fills made in it; `fills` oldest first.

    The times decide. Near a reading, where two clocks may differ, the position read does: the fills up to there are
    those that lead to it, if any such cut explains it.
    """
    steps: list[tuple[BookedFill, ...]] = []
    times = [fill.trade.at for fill in fills]
    done = _opening(fills, times, books[0], books[1]) if len(books) > 1 else 0
    for before, now in pairwise(books):
        cuts = _cuts(times, now, done)
        end = _explained(fills, cuts, done, before, now)
        end = cuts[0] if end is None else end
        steps.append(tuple(fills[done:end]))
        done = end
    return tuple(steps)


def signed_base(fills: Sequence[BookedFill]) -> Decimal:
    """What they added to the net position."""
    return sum((fill.trade.side.sign * fill.trade.quantity_base for fill in fills), ZERO)


def _opening(fills: Sequence[BookedFill], times: Sequence[datetime], first: Books, second: Books) -> int:
    """How many of the fills are in the first reading already."""
    cuts = _cuts(times, first, 0)
    explained = (cut for cut in cuts if _explained(fills, _cuts(times, second, cut), cut, first, second) is not None)
    return next(explained, cuts[0])


def _explained(fills: Sequence[BookedFill], cuts: Sequence[int], done: int, before: Books, now: Books) -> int | None:
    """Where the step's fills end, so that they make its change of position; None where no cut does."""
    wanted = now.perp_base - before.perp_base
    return next((cut for cut in cuts if signed_base(fills[done:cut]) == wanted), None)


def _cuts(times: Sequence[datetime], books: Books, done: int) -> list[int]:
    """Where the fills up to a reading may end, first where the times say."""
    by_time = max(done, bisect_right(times, books.at))
    earliest = max(done, bisect_right(times, books.at - CLOCK_ROOM))
    latest = max(done, bisect_right(times, books.at + CLOCK_ROOM))
    return sorted(range(earliest, latest + 1), key=lambda cut: abs(cut - by_time))
