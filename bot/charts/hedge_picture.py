"""The picture of one hedge: its price with the range, what is held against what is short, what is left over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta, tzinfo

from bot.charts.exposure_panels import exposure_panel, residual_panel
from bot.charts.hedge_history import Fill, HedgeHistory
from bot.charts.picture import Picture, Span
from bot.charts.price_panel import price_panel
from bot.charts.time_axis import ticks, zone_label


def hedge_picture(history: HedgeHistory, zone: tzinfo) -> Picture:
    """`zone`: of the time axis and the dates in its title."""
    hours = (history.end - history.start) / timedelta(hours=1)
    spans = tuple(_spans(history))
    return Picture(
        title=f"{history.name} · {history.symbol} · {history.mode.upper()}",
        subtitle=f"{_hours(hours)} to {history.end.astimezone(zone):%d %b %Y %H:%M}" + _fill_count(history.fills),
        end=(history.end - history.start).total_seconds(),
        ticks=ticks(history.start, history.end, zone),
        time_label=zone_label(history.end, zone),
        panels=(price_panel(history), exposure_panel(history), residual_panel(history)),
        spans=spans,
        footer=_footer(spans, history.remark),
    )


def _footer(spans: Sequence[Span], remark: str) -> str:
    """What the grey stretches mean."""
    reasons = dict.fromkeys(span.label.replace("_", " ") for span in spans)
    grey = f"Grey: suspended ({', '.join(reasons)})" if reasons else ""
    return " · ".join(filter(None, (grey, remark)))


def _hours(hours: float) -> str:
    return f"{hours:.0f} h" if hours <= 48 else f"{hours / 24:.3g} days"


def _fill_count(fills: Sequence[Fill]) -> str:
    return f" · {len(fills)} fill{'' if len(fills) == 1 else 's'}" if fills else " · no fills"


def _spans(history: HedgeHistory) -> Iterator[Span]:
    for stop in history.stops:
        start, end = max(0.0, history.x(stop.start)), min(history.length_s, history.x(stop.end))
        if end > start:
            yield Span(start, end, stop.label)
