"""The upper panel: the price, the ranges of the positions, and the fills."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from bot.charts.colours import LP, PRICE
from bot.charts.hedge_history import HedgeHistory, Range
from bot.charts.picture import Area, Line, Mark, Note, Panel
from bot.charts.sampling import split
from bot.charts.scale import axis_limits, decimal_places, last_text

# An edge further away than this many times what the price moved would flatten the price: it is named at the rim.
FAR = 2
# A range this wide is no range: the position covers every price.
FULL_RANGE = Decimal(1_000_000)
MOST_MARKS = 120
WEIGHT = 1.35


def price_panel(history: HedgeHistory) -> Panel:
    """With every range that the positions had in that time. Empty when no price was recorded."""
    points = history.series(lambda moment: moment.price)
    values = [y for _, y in points if y is not None]
    unit = f"{history.quote} per {history.base}"
    if not values:
        return Panel("Price", unit, 0, 1, 0, empty="nothing recorded", weight=WEIGHT)
    runs = list(_range_runs(history))
    low, high = _price_limits(values, [float(edge) for run in runs for edge in run.edges])
    places = decimal_places(low, high)
    return Panel(
        title="Price (full range)" if not runs and _is_full_range(history) else "Price",
        unit=unit,
        low=low,
        high=high,
        places=places,
        lines=(Line("price", *split(points), PRICE, last=last_text(points, places)),),
        areas=tuple(run.area(label="range" if index == 0 else "") for index, run in enumerate(runs)),
        marks=tuple(_marks(history)),
        notes=tuple(_edge_notes(runs, low, high, places)),
        weight=WEIGHT,
    )


@dataclass(frozen=True, slots=True)
class _Run:
    """A position's range for as long as it was the same."""

    start: float
    end: float
    edges: Range

    def area(self, *, label: str) -> Area:
        low, high = map(float, self.edges)
        return Area(label, (self.start, self.end), (low, low), (high, high), LP, 0.12, edges=True)


def _range_runs(history: HedgeHistory) -> Iterator[_Run]:
    known = [moment for moment in history.moments if moment.ranges is not None]
    for ranges, same in groupby(known, key=lambda moment: moment.ranges):
        moments = list(same)
        for edges in ranges or ():
            if not _covers_all(edges):
                yield _Run(history.x(moments[0].at), history.x(moments[-1].at), edges)


def _is_full_range(history: HedgeHistory) -> bool:
    return any(map(_covers_all, next((m.ranges for m in reversed(history.moments) if m.ranges), ())))


def _covers_all(edges: Range) -> bool:
    low, high = edges
    return low <= 0 or high / low > FULL_RANGE


def _price_limits(values: Sequence[float], edges: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    reach = FAR * (high - low or high / 100)
    near = [edge for edge in edges if low - reach <= edge <= high + reach]
    return axis_limits(min([low, *near]), max([high, *near]))


def _edge_notes(runs: Sequence[_Run], low: float, high: float, places: int) -> Iterator[Note]:
    """The edges that held last; those out of sight are named at the rim."""
    end = max((run.end for run in runs), default=0.0)
    for lower, upper in {run.edges for run in runs if run.end == end}:
        for edge, sign, rim in ((upper, "▲", "top"), (lower, "▼", "bottom")):
            text = f"{edge:,.{places}f}"
            if low <= float(edge) <= high:
                yield Note(text, LP, y=float(edge))
            elif rim == "top":
                yield Note(f"{sign} upper edge {text}", LP, edge="top")
            else:
                yield Note(f"{sign} lower edge {text}", LP, edge="bottom")


def _marks(history: HedgeHistory) -> Iterator[Mark]:
    """One mark for each fill, or for those of a side in the same stretch of time when there are many."""
    width_s = (history.end - history.start).total_seconds() / (MOST_MARKS / 2)
    ordered = sorted(history.fills, key=lambda fill: (fill.side, fill.at))
    groups = [
        list(same) for _, same in groupby(ordered, key=lambda fill: (fill.side, int(history.x(fill.at) / width_s)))
    ]
    sizes = [sum((fill.quantity_base for fill in same), Decimal(0)) for same in groups]
    largest = max(sizes, default=Decimal(1))
    for same, size in zip(groups, sizes, strict=True):
        price = sum((fill.price * fill.quantity_base for fill in same), Decimal(0)) / size
        middle = sum(history.x(fill.at) for fill in same) / len(same)
        yield Mark(middle, float(price), "buy" if same[0].side == "BUY" else "sell", math.sqrt(size / largest))
