"""Recorded prices on the soak's time."""

from __future__ import annotations

import csv
import gzip
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

RECORDED = Path(__file__).parents[1] / "data" / "market"
ETH = RECORDED / "ETHUSDT-perp-1m-2025-05-04_2025-06-15.csv.gz"
BNB = RECORDED / "BNBUSDT-perp-1m-2025-05-04_2025-06-03.csv.gz"
MINUTE_S = 60.0


@dataclass(frozen=True, slots=True)
class PricePath:
    """Closes of minutes, QUOTE per BASE; in between the price goes straight."""

    closes: tuple[Decimal, ...]

    def at(self, elapsed_s: float) -> Decimal:
        """To eight digits; the last price goes on for ever."""
        place = max(elapsed_s, 0.0) / MINUTE_S
        minute = min(int(place), len(self.closes) - 2)
        part = Decimal(str(round(min(place - minute, 1.0), 4)))
        price = self.closes[minute] + (self.closes[minute + 1] - self.closes[minute]) * part
        return price.quantize(Decimal("1e-6"))

    def quantile(self, part: float) -> Decimal:
        return sorted(self.closes)[int(part * (len(self.closes) - 1))]


def recorded(file: Path, *, minutes: int, skip_minutes: int, times: int = 1) -> PricePath:
    """So many minutes after the first ones, each price `times` as high: another asset that moves as this one did."""
    with gzip.open(file, "rt", newline="") as text:
        closes = [Decimal(row["close"]) * times for row in csv.DictReader(text)]
    assert skip_minutes + minutes < len(closes), f"{file.name} holds {len(closes)} minutes only"
    return PricePath(tuple(closes[skip_minutes : skip_minutes + minutes + 2]))
