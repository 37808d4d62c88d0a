"""What was recorded of one hedge, as its picture needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.charts.sampling import Point, thinned, with_gaps

# Recorded once a minute; two that failed are no outage.
LONGEST_PAUSE_S = 200.0
MOST_AREA_POINTS = 300

Range = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Moment:
    """What is known of one minute; None is unknown. `ranges`: each position's edges, QUOTE per BASE."""

    at: datetime
    price: Decimal | None = None
    net_base: Decimal | None = None
    perp_base: Decimal | None = None
    gap_base: Decimal | None = None
    residual_base: Decimal | None = None
    band_quote: Decimal | None = None
    ranges: tuple[Range, ...] | None = None


@dataclass(frozen=True, slots=True)
class Fill:
    """`side`: "BUY" or "SELL"."""

    at: datetime
    side: str
    price: Decimal
    quantity_base: Decimal


@dataclass(frozen=True, slots=True)
class Stop:
    """A stretch without hedging; `label` is its reason."""

    start: datetime
    end: datetime
    label: str


@dataclass(frozen=True, slots=True)
class HedgeHistory:
    """Everything of `[start, end]`, oldest first. `longest_pause_s`: moments further apart have a gap between them."""

    name: str
    symbol: str
    base: str
    quote: str
    mode: str
    start: datetime
    end: datetime
    moments: tuple[Moment, ...]
    fills: tuple[Fill, ...] = ()
    stops: tuple[Stop, ...] = ()
    remark: str = ""
    longest_pause_s: float = LONGEST_PAUSE_S

    @property
    def length_s(self) -> float:
        """Of the time that was asked for, recorded or not."""
        return (self.end - self.start).total_seconds()

    def x(self, at: datetime) -> float:
        """Seconds since the start."""
        return round((at - self.start).total_seconds(), 1)

    def series(self, of: Callable[[Moment], Decimal | None]) -> list[Point]:
        """For a line: few enough to be drawn, every peak kept, gaps where nothing was recorded."""
        found = ((self.x(each.at), as_float(of(each))) for each in self.moments)
        return thinned(list(with_gaps(found, longest_s=self.longest_pause_s)))

    def evenly(self) -> list[Moment]:
        """For an area: few enough to be drawn, with an unknown moment where nothing was recorded."""
        step = max(1, len(self.moments) // MOST_AREA_POINTS)
        kept: list[Moment] = []
        for each in self.moments[::step]:
            if kept and (each.at - kept[-1].at).total_seconds() > self.longest_pause_s + 60.0 * step:
                kept.append(Moment(kept[-1].at + timedelta(seconds=1)))
            kept.append(each)
        return kept


def as_float(value: Decimal | None) -> float | None:
    """Exact enough to be drawn."""
    return None if value is None else float(value)
