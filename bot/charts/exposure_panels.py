"""The lower panels: what the LP holds against what is short, and what is left of it against the band."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from bot.charts.colours import BAND, LEFT_OVER, LP, SHORT
from bot.charts.hedge_history import HedgeHistory, Moment
from bot.charts.picture import Area, Line, Note, Panel, Values
from bot.charts.sampling import known_values, split
from bot.charts.scale import axis_limits, decimal_places, last_text

NOTHING = "nothing recorded"
# A lower and an upper value, both known or neither.
Bounds = tuple[float, float] | tuple[None, None]


def exposure_panel(history: HedgeHistory) -> Panel:
    """The short is drawn as a positive amount, so that a full hedge is two lines in one place."""
    net = history.series(lambda moment: moment.net_base)
    short = history.series(lambda moment: None if moment.perp_base is None else -moment.perp_base)
    values = known_values((*net, *short))
    if not values:
        return Panel("LP against short", history.base, 0, 1, 0, empty=NOTHING)
    low, high = axis_limits(min(0.0, *values), max(values))
    places = decimal_places(low, high)
    lines = (
        Line(f"{history.base} in LP", *split(net), LP, last=last_text(net, places)),
        Line("short", *split(short), SHORT, style="dashed", last=last_text(short, places)),
    )
    between = _between(history)
    return Panel("LP against short", history.base, low, high, places, lines, between, zero=low < 0)


def residual_panel(history: HedgeHistory) -> Panel:
    """A peak among the rarest hundredth does not stretch the axis: a note tells it."""
    left = history.series(lambda moment: moment.residual_base)
    values = known_values(left)
    if not values:
        return Panel("Residual", history.base, 0, 1, 0, empty=NOTHING)
    area = _corridor(history)
    rims = [y for each in area for y in (*each.low, *each.high) if y is not None]
    usual = _without_peaks(values)
    low, high = axis_limits(min(*usual, *rims, 0.0), max(*usual, *rims, 0.0))
    places = decimal_places(low, high)
    line = Line("residual", *split(left), LEFT_OVER, last=last_text(left, places, signed=True))
    notes = tuple(_peaks(min(values), max(values), low, high, places))
    return Panel("Residual and band", history.base, low, high, places, (line,), area, notes=notes, zero=True)


def _without_peaks(values: Sequence[float]) -> Sequence[float]:
    rare = len(values) // 100
    return sorted(values)[rare : len(values) - rare]


def _peaks(least: float, most: float, low: float, high: float, places: int) -> Iterator[Note]:
    """The few moments that would flatten all others, such as a position's move, leave the panel and are named."""
    if most > high:
        yield Note(f"▲ up to {last_text([(0.0, most)], places, signed=True)}", LEFT_OVER, edge="top")
    if least < low:
        yield Note(f"▼ down to {last_text([(0.0, least)], places, signed=True)}", LEFT_OVER, edge="bottom")


def _between(history: HedgeHistory) -> tuple[Area, ...]:
    """What the short does not cover, shaded."""
    xs, net, short = _bounded(history, _net_and_short)
    return (Area("", xs, net, short, LEFT_OVER, 0.18),)


def _net_and_short(moment: Moment) -> Bounds:
    if moment.net_base is None or moment.perp_base is None:
        return None, None
    return float(moment.net_base), float(-moment.perp_base)


def _corridor(history: HedgeHistory) -> tuple[Area, ...]:
    """Where the residual may be without a trade: its own target, which a ratio under 1 lifts, and a band around it."""
    xs, lows, highs = _bounded(history, _around_target)
    if all(low is None for low in lows):
        return ()
    return (Area("band", xs, lows, highs, BAND, 0.2, edges=True),)


def _around_target(moment: Moment) -> Bounds:
    if moment.residual_base is None or moment.gap_base is None or moment.band_quote is None or not moment.price:
        return None, None
    middle, band = moment.residual_base + moment.gap_base, moment.band_quote / moment.price
    return float(middle - band), float(middle + band)


def _bounded(history: HedgeHistory, of: Callable[[Moment], Bounds]) -> tuple[tuple[float, ...], Values, Values]:
    """Times, lower and upper values of an area."""
    moments = history.evenly()
    bounds = [of(each) for each in moments]
    xs = tuple(history.x(each.at) for each in moments)
    return xs, tuple(low for low, _ in bounds), tuple(high for _, high in bounds)
