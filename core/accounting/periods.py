"""One statement told period by period: the same steps, so the periods add up to it to the last digit."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from itertools import groupby
from operator import add

from core.accounting.attribution import Parts
from core.accounting.statement import Statement


@dataclass(frozen=True, slots=True)
class PeriodParts:
    """`number`: how many of the cuts are before it; `start`, `end`: the readings that its figures are of."""

    number: int
    start: datetime
    end: datetime
    parts: Parts


def by_period(statement: Statement, cuts: Sequence[datetime]) -> tuple[PeriodParts, ...]:
    """Oldest first; `cuts` are the moments, in order, at which one period ends and the next begins.

    A step counts where it ends. A period in which nothing was read is left out: what it brought is in the next one.
    """
    found: list[PeriodParts] = []
    start = statement.start
    for number, steps in groupby(statement.steps, key=lambda step: bisect_left(cuts, step[0])):
        of_period = list(steps)
        end = of_period[-1][0]
        found.append(PeriodParts(number, start, end, reduce(add, (parts for _, parts in of_period), Parts())))
        start = end
    return tuple(found)
