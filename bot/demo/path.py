"""The recorded price path, second by second.

Prices are integers in ticks of 0.01 QUOTE; time is whole seconds since the path began. Behind its end the path runs
backwards to its beginning, then forwards again, so it has no end and never jumps.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise
from random import Random

from core.clock import at_ms

RECORDED_START = datetime(2025, 5, 8, tzinfo=UTC)
TICKS_PER_QUOTE = 100
MINUTE_S = 60
_PER_MINUTE_SEED = 1_000_003


@dataclass(frozen=True, slots=True)
class Minute:
    """One recorded candle, in ticks."""

    open: int
    high: int
    low: int
    close: int


@dataclass(frozen=True, slots=True)
class Funding:
    """A payment `at_s` after the path began; positive rate: longs pay shorts."""

    at_s: int
    rate: Decimal


class RecordedPath:
    """`seed` only moves the price within minutes; each minute keeps its open, high, low and close."""

    def __init__(self, minutes: Sequence[Minute], funding: Sequence[Funding], *, seed: int) -> None:
        self._minutes = minutes
        self._forward_s = len(minutes) * MINUTE_S
        there_and_back = [(f.at_s, f.rate) for f in funding]
        there_and_back += [
            (2 * self._forward_s - at_s, rate) for at_s, rate in there_and_back if 0 < at_s < self._forward_s
        ]
        self._funding = tuple(Funding(at_s, rate) for at_s, rate in sorted(there_and_back))
        self._seed = seed
        self._cached: tuple[int, tuple[int, ...]] | None = None

    @classmethod
    def load(cls, *, seed: int) -> RecordedPath:
        """From the files that the package brings along."""
        return cls(_load_minutes(), _load_funding(), seed=seed)

    def price_ticks(self, second: int) -> int:
        """The traded price; exactly a minute's open in its first second and its close in its last."""
        second %= 2 * self._forward_s
        if second >= self._forward_s:
            second = 2 * self._forward_s - 1 - second
        index, within = divmod(second, MINUTE_S)
        if self._cached is None or self._cached[0] != index:
            self._cached = (index, _within(self._minutes[index], Random(self._seed * _PER_MINUTE_SEED + index)))
        return self._cached[1][within]

    def funding_after(self, second: int) -> Funding:
        """The first payment after this second, by the path's own time."""
        lap, within = divmod(second, 2 * self._forward_s)
        for funding in self._funding:
            if funding.at_s > within:
                return Funding(lap * 2 * self._forward_s + funding.at_s, funding.rate)
        first = self._funding[0]
        return Funding((lap + 1) * 2 * self._forward_s + first.at_s, first.rate)


def _within(minute: Minute, random: Random) -> tuple[int, ...]:
    """60 prices: from open by both extremes to close, the extreme against the minute's direction first."""
    extremes = (minute.low, minute.high) if minute.close >= minute.open else (minute.high, minute.low)
    knots = (
        (0, minute.open),
        (random.randint(8, 25), extremes[0]),
        (random.randint(33, 50), extremes[1]),
        (MINUTE_S - 1, minute.close),
    )
    wobble = (minute.high - minute.low) // 12
    prices: list[int] = []
    for (start, price), (end, next_price) in pairwise(knots):
        prices.append(price)
        for second in range(start + 1, end):
            straight = price + (next_price - price) * (second - start) // (end - start)
            prices.append(min(max(straight + random.randint(-wobble, wobble), minute.low), minute.high))
    return (*prices, minute.close)


def _load_minutes() -> tuple[Minute, ...]:
    with files(__package__).joinpath("ethusdt_1m.csv.gz").open("rb") as packed:
        text = gzip.decompress(packed.read()).decode()
    return tuple(
        Minute(*(int(Decimal(row[key]) * TICKS_PER_QUOTE) for key in ("open", "high", "low", "close")))
        for row in csv.DictReader(text.splitlines())
    )


def _load_funding() -> tuple[Funding, ...]:
    text = files(__package__).joinpath("ethusdt_funding.csv").read_text()
    return tuple(_funding_rows(text))


def _funding_rows(text: str) -> Iterator[Funding]:
    for row in csv.DictReader(text.splitlines()):
        since = at_ms(int(row["funding_time_ms"])) - RECORDED_START
        yield Funding(since // timedelta(seconds=1), Decimal(row["funding_rate"]))
