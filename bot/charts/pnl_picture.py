"""The picture of a profit and loss: what each part has added up to, and the sum of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from itertools import chain, groupby

from bot.charts.colours import COSTS, FEES, FUNDING, HEDGE, LEFT_OVER, LP, NET
from bot.charts.picture import Area, Line, Panel, Picture
from bot.charts.sampling import known_values, split, thinned
from bot.charts.scale import axis_limits, decimal_places, last_text
from bot.charts.time_axis import ticks, zone_label
from core.accounting.pnl import PnlSeries, PnlStep

MOST_AREA_POINTS = 300
Of = Callable[[PnlStep], Decimal]


@dataclass(frozen=True, slots=True)
class Part:
    label: str
    colour: str
    of: Of


PARTS = (
    Part("fees", FEES, lambda step: step.fees),
    Part("LP", LP, lambda step: step.lp),
    Part("hedge", HEDGE, lambda step: step.hedge),
    Part("funding", FUNDING, lambda step: step.funding),
    Part("costs", COSTS, lambda step: step.costs),
)
LINES = (
    Part("fees", FEES, lambda step: step.fees),
    Part("LP + hedge", LEFT_OVER, lambda step: step.lp + step.hedge),
    Part("funding + costs", COSTS, lambda step: step.funding + step.costs),
)


def pnl_picture(series: PnlSeries, *, title: str, quote: str, zone: tzinfo) -> Picture:
    """`series` has at least two steps."""
    steps = series.steps
    start, end = steps[0].at, steps[-1].at
    return Picture(
        title=title,
        subtitle=f"{start.astimezone(zone):%d %b %Y %H:%M} to {end.astimezone(zone):%d %b %Y %H:%M}",
        end=(end - start).total_seconds(),
        ticks=ticks(start, end, zone),
        time_label=zone_label(end, zone),
        panels=(_stacked(steps, quote), _net(steps, quote)),
        footer=f"Not counted: {'; '.join(series.left_out)}" if series.left_out else "",
    )


def summed(several: Sequence[PnlSeries]) -> PnlSeries:
    """Of several hedges in one QUOTE: at each time of any, what each had come to."""
    newest = {number: series.steps[0] for number, series in enumerate(several)}
    steps: list[PnlStep] = []
    for at, same in groupby(_in_order(several), key=lambda move: move[0]):
        newest |= {number: step for _, number, step in same}
        steps.append(_sum(at, tuple(newest.values())))
    left_out = chain.from_iterable(series.left_out for series in several)
    return PnlSeries(tuple(steps), tuple(dict.fromkeys(left_out)))


def _in_order(several: Sequence[PnlSeries]) -> list[tuple[datetime, int, PnlStep]]:
    """Every step with its time and the number of its series."""
    moves = ((step.at, number, step) for number, series in enumerate(several) for step in series.steps)
    return sorted(moves, key=lambda move: move[:2])


def _sum(at: datetime, steps: Sequence[PnlStep]) -> PnlStep:
    fees, lp, hedge, funding, costs = (sum(map(part.of, steps), Decimal(0)) for part in PARTS)
    return PnlStep(at, fees, lp, hedge, funding, costs, sum((step.net for step in steps), Decimal(0)))


def _stacked(steps: Sequence[PnlStep], quote: str) -> Panel:
    """Gains upon each other above zero, losses below it, so that the net is the difference of the two."""
    chosen = _few(steps)
    xs = tuple(_x(steps, step) for step in chosen)
    gains, losses = [0.0] * len(chosen), [0.0] * len(chosen)
    areas = []
    for part in PARTS:
        upper, lower = _outer(gains, losses, [float(part.of(step)) for step in chosen])
        areas.append(Area(part.label, xs, tuple(gains), tuple(upper), part.colour, 0.6))
        areas.append(Area("", xs, tuple(lower), tuple(losses), part.colour, 0.6))
        gains, losses = upper, lower
    net = tuple(float(step.net) for step in chosen)
    low, high = axis_limits(min(*losses, *net, 0.0), max(*gains, *net, 0.0))
    places = decimal_places(low, high)
    line = Line("net", xs, net, NET, last=last_text([(xs[-1], net[-1])], places, signed=True))
    return Panel("Parts", quote, low, high, places, (line,), tuple(areas), zero=True, weight=1.2)


def _outer(gains: Sequence[float], losses: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """The rims of the stack with one more part upon it."""
    upper = [gain + max(0.0, value) for gain, value in zip(gains, values, strict=True)]
    lower = [loss + min(0.0, value) for loss, value in zip(losses, values, strict=True)]
    return upper, lower


def _net(steps: Sequence[PnlStep], quote: str) -> Panel:
    drawn = [(part, _series(steps, part.of)) for part in (Part("net", NET, lambda step: step.net), *LINES)]
    values = known_values(chain.from_iterable(points for _, points in drawn))
    low, high = axis_limits(min(*values, 0.0), max(*values, 0.0))
    places = decimal_places(low, high)
    lines = tuple(
        Line(part.label, *split(points), part.colour, last=last_text(points, places, signed=True))
        for part, points in drawn
    )
    return Panel("Net", quote, low, high, places, lines, zero=True)


def _series(steps: Sequence[PnlStep], of: Of) -> list[tuple[float, float | None]]:
    return thinned([(_x(steps, step), float(of(step))) for step in steps])


def _few(steps: Sequence[PnlStep]) -> Sequence[PnlStep]:
    stride = max(1, len(steps) // MOST_AREA_POINTS)
    chosen = list(steps[::stride])
    return chosen if chosen[-1] is steps[-1] else [*chosen, steps[-1]]


def _x(steps: Sequence[PnlStep], step: PnlStep) -> float:
    return (step.at - steps[0].at).total_seconds()
