"""A year of minutes for the stopwatches: recorded ETHUSDT returns end to end, the same every time.

Every other pass over the recording is mirrored (a rise becomes a fall), so that the price stays where the recording
was, without a jump at a seam. `python -m benchmarks.year FOLDER` writes the two files that `measure` is run on.
"""

from __future__ import annotations

import csv
import gzip
import sys
from pathlib import Path as FilePath
from typing import NamedTuple

import numpy as np

from core.replay.path import Floats, Milliseconds, Path

RECORDED = FilePath(__file__).parents[1] / "tests/data/market"
BARS = 525_600
MINUTE_MS, EIGHT_HOURS_MS = 60_000, 28_800_000
FIRST_MS = 1_735_689_600_000  # 2025-01-01
# Stands for a pool that turns over 2 % of the perpetual's volume at 5 bp; liquidity in sqrt(BASE * QUOTE).
POOL_FEE_OF_VOLUME, POOL_LIQUIDITY = 0.02 * 0.0005, 5_000_000.0
KLINE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


class Year(NamedTuple):
    """Bars by their opening time; prices in QUOTE per BASE, `volume` in BASE, `funding_rate` every eight hours."""

    open_ms: Milliseconds
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    funding_ms: Milliseconds
    funding_rate: Floats


def year(bars: int = BARS) -> Year:
    with gzip.open(RECORDED / "ETHUSDT-perp-1m-2025-05-04_2025-06-15.csv.gz", "rt") as file:
        recorded = np.loadtxt(file, delimiter=",", skiprows=1)
    close = recorded[:, 4]
    returns = np.diff(np.log(close))
    above, below = (np.log(recorded[1:, column] / close[1:]) for column in (2, 3))
    passes = -(-bars // len(returns))
    logs = np.concatenate([returns * (-1) ** number for number in range(passes)])[:bars]
    highs = np.concatenate([-below if number % 2 else above for number in range(passes)])[:bars]
    lows = np.concatenate([-above if number % 2 else below for number in range(passes)])[:bars]
    closes = _cents(close[0] * np.exp(np.cumsum(logs)))
    opens = np.concatenate([_cents(close[:1]), closes[:-1]])
    funding_ms = np.arange(FIRST_MS, FIRST_MS + bars * MINUTE_MS + 1, EIGHT_HOURS_MS, dtype=np.int64)
    return Year(
        open_ms=FIRST_MS + MINUTE_MS * np.arange(bars, dtype=np.int64),
        open=opens,
        high=np.maximum(_cents(closes * np.exp(highs)), np.maximum(opens, closes)),
        low=np.minimum(_cents(closes * np.exp(lows)), np.minimum(opens, closes)),
        close=closes,
        volume=np.resize(recorded[1:, 5], bars),
        funding_ms=funding_ms,
        funding_rate=np.resize(_recorded_funding(), len(funding_ms)),
    )


def path_of(market: Year) -> Path:
    """With a pool that follows the perpetual and pays fees, so that nothing of a replay stands idle."""
    logs = np.log(market.close), np.log(market.open)
    half_fee = market.volume * POOL_FEE_OF_VOLUME / 2
    return Path(
        time_ms=market.open_ms + MINUTE_MS,
        mark=market.close,
        high=market.high,
        low=market.low,
        pool=market.close,
        fee_base=half_fee,
        fee_quote=half_fee * market.close,
        pool_liquidity=np.full(len(market.close), POOL_LIQUIDITY),
        pool_low=np.minimum(*logs),
        pool_high=np.maximum(*logs),
        funding_ms=market.funding_ms,
        funding_rate=market.funding_rate,
    )


def write(folder: FilePath, market: Year) -> tuple[FilePath, FilePath]:
    """Klines as data.binance.vision has them, and funding; returns where they are."""
    klines, funding = folder / "ETHUSDT-1m-year.csv", folder / "ETHUSDT-funding-year.csv"
    with klines.open("w") as file:
        file.write(KLINE_HEADER + "\n")
        for row in zip(*(each.tolist() for each in market[:6]), strict=True):
            open_ms, opened, high, low, close, volume = row
            prices = f"{opened:.2f},{high:.2f},{low:.2f},{close:.2f},{volume:.3f}"
            turnover = f"{volume * close:.2f},0,{volume / 2:.3f},{volume * close / 2:.2f},0"
            file.write(f"{open_ms},{prices},{open_ms + MINUTE_MS - 1},{turnover}\n")
    with funding.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("funding_time_ms", "funding_rate"))
        writer.writerows(zip(market.funding_ms.tolist(), market.funding_rate.tolist(), strict=True))
    return klines, funding


def _cents(prices: Floats) -> Floats:
    return np.round(prices, 2)


def _recorded_funding() -> Floats:
    with (RECORDED / "ETHUSDT-funding-8h-from-2025-04-15.csv").open() as file:
        return np.loadtxt(file, delimiter=",", skiprows=1)[:, 1]


def main() -> int:
    folder = FilePath(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    print(*write(folder, year()), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
