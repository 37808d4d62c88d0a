"""Which fill belongs between which two readings of the position."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise

from core.accounting.books import Books
from core.ports import BookedFill

# A trade's time is the venue's, a reading's is ours.
CLOCK_ROOM = timedelta(seconds=5)
ZERO = Decimal(0)


def dealt(fills: Sequence[BookedFill], books: Sequence[Books]) -> tuple[tuple[BookedFill, ...], ...]:
    """For each step from one of `books` to the next the fills made in it; `fills` oldest first.

    The times decide. Near a reading, where two clocks may differ, the position read does: the fills up to there are
    those that lead to it, if any such cut explains it.
    """
    done = _count_until(fills, books[0], timedelta(0)) if books else 0
    steps = []
    for before, now in pairwise(books):
        wanted = now.perp_base - before.perp_base
        end = _cut(fills, done, now, wanted)
        steps.append(tuple(fills[done:end]))
        done = end
    return tuple(steps)


def signed_base(fills: Sequence[BookedFill]) -> Decimal:
    """What they added to the net position."""
    return sum((fill.trade.side.sign * fill.trade.quantity_base for fill in fills), ZERO)


def _cut(fills: Sequence[BookedFill], done: int, now: Books, wanted: Decimal) -> int:
    """Where the step's fills end: nearest to where the times say, of all cuts that explain the change."""
    by_time = max(done, _count_until(fills, now, timedelta(0)))
    earliest = max(done, _count_until(fills, now, -CLOCK_ROOM))
    latest = max(done, _count_until(fills, now, CLOCK_ROOM))
    cuts = sorted(range(earliest, latest + 1), key=lambda cut: abs(cut - by_time))
    return next((cut for cut in cuts if signed_base(fills[done:cut]) == wanted), by_time)


def _count_until(fills: Sequence[BookedFill], books: Books, more: timedelta) -> int:
    return bisect_right(fills, books.at + more, key=lambda fill: fill.trade.at)
