"""A replay as one picture: the price with the range, what is left with the band, and what the account came to."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from bot.backtest.findings import Findings
from bot.charts.colours import NET
from bot.charts.exposure_panels import residual_panel
from bot.charts.hedge_history import Fill, HedgeHistory, Moment
from bot.charts.picture import Line, Panel, Picture
from bot.charts.pnl_picture import PARTS
from bot.charts.price_panel import price_panel
from bot.charts.sampling import split, thinned
from bot.charts.scale import axis_limits, decimal_places, last_text
from bot.charts.time_axis import ticks, zone_label
from core.clock import at_ms

CURVE_POINTS = 600
ACCOUNT_WEIGHT = 1.35
# The curve's own names, in the order of `PARTS`.
CURVES = ("lp_fees", "lp", "hedge", "funding", "costs")


def replay_picture(found: Findings) -> Picture:
    """`found.outcome` has kept its curve and its fills."""
    case, outcome = found.case, found.outcome
    history = _history(found)
    price = price_panel(history)
    return Picture(
        title=f"{case.hedge} · {case.config.symbol} · BACKTEST",
        subtitle=f"{history.start:%d %b %Y} to {history.end:%d %b %Y} · {outcome.plans:,} rebalances",
        end=history.length_s,
        ticks=ticks(history.start, history.end, UTC),
        time_label=zone_label(history.end, UTC),
        panels=(price, residual_panel(history), _account_panel(found)),
        footer=" · ".join(_remarks(found, marks=len(price.marks))),
    )


def _remarks(found: Findings, *, marks: int) -> Iterator[str]:
    missing = " and ".join(name.replace("_", " ").replace("lp", "LP") for name in found.unknown)
    if missing:
        yield f"Not recorded, not counted: {missing}"
    fills = len(found.outcome.fills)
    if marks < fills:
        yield f"Marks: {marks} for {fills:,} fills, near ones joined"


def _history(found: Findings) -> HedgeHistory:
    case, outcome, curve = found.case, found.outcome, found.outcome.curve
    edges = (Decimal(case.position.lower), Decimal(case.position.upper))
    band_base, ratio = outcome.observed.band_base, float(case.config.hedge_ratio)
    moments = tuple(
        Moment(
            at=at_ms(int(point["time_ms"])),
            price=_decimal(point["pool_price"]),
            residual_base=_decimal(point["net_base"] + point["perp_base"]),
            gap_base=_decimal(-ratio * point["net_base"] - point["perp_base"]),
            band_quote=_decimal(band_base * point["pool_price"]) if band_base > 0 else None,
            ranges=(edges,),
        )
        for point in curve
    )
    fills = tuple(
        Fill(
            at_ms(int(fill["time_ms"])),
            "BUY" if fill["side"] > 0 else "SELL",
            _decimal(fill["price"]),
            _decimal(fill["quantity_base"]),
        )
        for fill in outcome.fills
    )
    return HedgeHistory(
        name=case.hedge,
        symbol=case.config.symbol,
        base=case.base,
        quote=case.quote,
        mode="backtest",
        start=at_ms(outcome.start_ms),
        end=at_ms(outcome.end_ms),
        moments=moments,
        fills=fills,
        longest_pause_s=math.inf,
    )


def _account_panel(found: Findings) -> Panel:
    curve, start_ms = found.outcome.curve, found.outcome.start_ms
    xs = [(int(point) - start_ms) / 1000 for point in curve["time_ms"]]
    drawn = list(_known_curves(found))
    values = np.concatenate([each for _, _, each in drawn])
    low, high = axis_limits(min(0.0, float(values.min())), max(0.0, float(values.max())))
    places = decimal_places(low, high)
    lines = []
    for label, colour, series in drawn:
        points = thinned([(x, float(y)) for x, y in zip(xs, series, strict=True)])
        lines.append(Line(label, *split(points), colour, last=last_text(points, places, signed=True)))
    return Panel("Account", found.case.quote, low, high, places, tuple(lines), zero=True, weight=ACCOUNT_WEIGHT)


def _known_curves(found: Findings) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    """Label, colour and values."""
    curve = found.outcome.curve
    yield "net", NET, curve["net"]
    for part, name in zip(PARTS, CURVES, strict=True):
        if name not in found.unknown:
            yield part.label, part.colour, curve[name]


def _decimal(value: float) -> Decimal:
    return Decimal(float(value))
