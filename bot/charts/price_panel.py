"""The upper panel: the price, the ranges of the positions, and the fills."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from typing import Literal

from bot.charts.colours import LP, PRICE
from bot.charts.hedge_history import Fill, HedgeHistory, Range
from bot.charts.picture import Area, Line, Mark, Note, Panel
from bot.charts.sampling import known_values, split
from bot.charts.scale import axis_limits, decimal_places, last_text

# An edge further away than this many times what the price moved would flatten the price: it is named at the rim.
FAR = 2
# A range this wide is no range: the position covers every price.
FULL_RANGE = Decimal(1_000_000)
MOST_MARKS = 120
BEYOND = {"top": "▲ upper edge", "bottom": "▼ lower edge"}
WEIGHT = 1.35


def price_panel(history: HedgeHistory) -> Panel:
    """With every range that the positions had in that time. Empty when no price was recorded."""
    points = history.series(lambda moment: moment.price)
    values = known_values(points)
    unit = f"{history.quote} per {history.base}"
    if not values:
        return Panel("Price", unit, 0, 1, 0, empty="nothing recorded", weight=WEIGHT)
    runs = list(_range_runs(history))
    low, high = _price_limits(values, [float(edge) for run in runs for edge in run.edges])
    places = decimal_places(low, high)
    return Panel(
        title=_title(history, runs),
        unit=unit,
        low=low,
        high=high,
        places=places,
        lines=(Line("price", *split(points), PRICE, last=last_text(points, places)),),
        areas=tuple(_areas(runs)),
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
    known = [(moment.at, moment.ranges) for moment in history.moments if moment.ranges is not None]
    for ranges, same in groupby(known, key=lambda each: each[1]):
        stretch = list(same)
        (start, _), (end, _) = stretch[0], stretch[-1]
        for edges in ranges:
            if not _covers_all(edges):
                yield _Run(history.x(start), history.x(end), edges)


def _title(history: HedgeHistory, runs: Sequence[_Run]) -> str:
    return "Price (full range)" if not runs and _is_full_range(history) else "Price"


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


def _areas(runs: Sequence[_Run]) -> Iterator[Area]:
    """One name in the legend for all."""
    for index, run in enumerate(runs):
        yield run.area(label="" if index else "range")


def _edge_notes(runs: Sequence[_Run], low: float, high: float, places: int) -> Iterator[Note]:
    """The edges that held last; those out of sight are named at the rim."""
    end = max((run.end for run in runs), default=0.0)
    for lower, upper in {run.edges for run in runs if run.end == end}:
        yield _edge_note(upper, low, high, places, rim="top")
        yield _edge_note(lower, low, high, places, rim="bottom")


def _edge_note(edge: Decimal, low: float, high: float, places: int, *, rim: Literal["top", "bottom"]) -> Note:
    text = f"{edge:,.{places}f}"
    if low <= float(edge) <= high:
        return Note(text, LP, y=float(edge))
    return Note(f"{BEYOND[rim]} {text}", LP, edge=rim)


def _marks(history: HedgeHistory) -> Iterator[Mark]:
    """One mark for each fill, or for those of a side in the same stretch of time when there are many."""
    groups = list(_joined(history))
    largest_base = max(map(_quantity_base, groups), default=Decimal(1))
    for fills in groups:
        yield _mark(history, fills, largest_base)


def _joined(history: HedgeHistory) -> Iterator[Sequence[Fill]]:
    width_s = (history.end - history.start).total_seconds() / (MOST_MARKS / 2)
    ordered = sorted(history.fills, key=lambda fill: (fill.side, fill.at))
    for _, same in groupby(ordered, key=lambda fill: (fill.side, int(history.x(fill.at) / width_s))):
        yield tuple(same)


def _mark(history: HedgeHistory, fills: Sequence[Fill], largest_base: Decimal) -> Mark:
    """Of fills of one side, at their mean time and price."""
    size = _quantity_base(fills)
    price = sum((fill.price * fill.quantity_base for fill in fills), Decimal(0)) / size
    middle = sum(history.x(fill.at) for fill in fills) / len(fills)
    return Mark(middle, float(price), "buy" if fills[0].side == "BUY" else "sell", math.sqrt(size / largest_base))


def _quantity_base(fills: Sequence[Fill]) -> Decimal:
    return sum((fill.quantity_base for fill in fills), Decimal(0))
