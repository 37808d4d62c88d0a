"""What was recorded of one hedge, as its picture needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from bot.charts.sampling import Point, thinned, with_gaps

# Recorded once a minute; two that failed are no outage.
LONGEST_PAUSE_S = 200.0
# Of what was thinned out, one a quarter of an hour.
LONGEST_THINNED_PAUSE_S = 1200.0
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
        kept: list[Moment] = []
        before, stretch = None, -1
        for each in self.moments:
            if before is not None and (each.at - before).total_seconds() > self.longest_pause_s:
                kept.append(Moment(before + timedelta(seconds=1)))
                stretch = -1
            before, latest = each.at, int(self.x(each.at) * MOST_AREA_POINTS / self.length_s)
            if latest != stretch:
                kept.append(each)
                stretch = latest
        return kept


def as_float(value: Decimal | None) -> float | None:
    """Exact enough to be drawn."""
    return None if value is None else float(value)
