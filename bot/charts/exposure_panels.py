"""The lower panels: what the LP holds against what is short, and what is left of it against the band."""

from __future__ import annotations

from collections.abc import Iterator

from bot.charts.colours import BAND, LEFT_OVER, LP, SHORT
from bot.charts.hedge_history import HedgeHistory, as_float
from bot.charts.picture import Area, Line, Note, Panel
from bot.charts.sampling import split
from bot.charts.scale import axis_limits, decimal_places, last_text

NOTHING = "nothing recorded"


def exposure_panel(history: HedgeHistory) -> Panel:
    """The short is drawn as a positive amount, so that a full hedge is two lines in one place."""
    net = history.series(lambda moment: moment.net_base)
    short = history.series(lambda moment: None if moment.perp_base is None else -moment.perp_base)
    values = [y for _, y in (*net, *short) if y is not None]
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
    values = [y for _, y in left if y is not None]
    if not values:
        return Panel("Residual", history.base, 0, 1, 0, empty=NOTHING)
    area = _corridor(history)
    rims = [y for each in area for y in (*each.low, *each.high) if y is not None]
    usual = sorted(values)[len(values) // 100 : -(len(values) // 100) or None]
    low, high = axis_limits(min(*usual, *rims, 0.0), max(*usual, *rims, 0.0))
    places = decimal_places(low, high)
    line = Line("residual", *split(left), LEFT_OVER, last=last_text(left, places, signed=True))
    notes = tuple(_peaks(min(values), max(values), low, high, places))
    return Panel("Residual and band", history.base, low, high, places, (line,), area, notes=notes, zero=True)


def _peaks(least: float, most: float, low: float, high: float, places: int) -> Iterator[Note]:
    """The few moments that would flatten all others, such as a position's move, leave the panel and are named."""
    if most > high:
        yield Note(f"▲ up to {last_text([(0.0, most)], places, signed=True)}", LEFT_OVER, edge="top")
    if least < low:
        yield Note(f"▼ down to {last_text([(0.0, least)], places, signed=True)}", LEFT_OVER, edge="bottom")


def _between(history: HedgeHistory) -> tuple[Area, ...]:
    """What the short does not cover, shaded."""
    moments = history.evenly()
    xs = tuple(history.x(each.at) for each in moments)
    pairs = [
        (each.net_base, -each.perp_base) if each.net_base is not None and each.perp_base is not None else (None, None)
        for each in moments
    ]
    low, high = (tuple(as_float(pair[side]) for pair in pairs) for side in (0, 1))
    return (Area("", xs, low, high, LEFT_OVER, 0.18),)


def _corridor(history: HedgeHistory) -> tuple[Area, ...]:
    """Where the residual may be without a trade: its own target, which a ratio under 1 lifts, and a band around it."""
    rims: list[tuple[float, float | None, float | None]] = []
    for each in history.evenly():
        low = high = None
        if each.residual_base is not None and each.gap_base is not None and each.band_quote is not None and each.price:
            middle, band = each.residual_base + each.gap_base, each.band_quote / each.price
            low, high = float(middle - band), float(middle + band)
        rims.append((history.x(each.at), low, high))
    if all(low is None for _, low, _ in rims):
        return ()
    xs, lows, highs = zip(*rims, strict=True)
    return (Area("band", xs, lows, highs, BAND, 0.2, edges=True),)
