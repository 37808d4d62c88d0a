"""A recorded market as arrays: what replay runs over.

A point is the end of one bar. All arrays have one length, oldest first, but those of the funding payments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Milliseconds = NDArray[np.int64]

DAY_MS = 86_400_000


class Path(NamedTuple):
    """`time_ms`: since the epoch, UTC, strictly rising. Prices in QUOTE per BASE, above zero.

    `mark`: the perpetual at the bar's end; `high`, `low`: its extremes within the bar. `pool`: the pool's price at the
    bar's end, the marks themselves where no pool was recorded. Swap fees that the bar paid to all liquidity in range,
    the protocol's share taken off: `fee_base`, `fee_quote`, all zero where none were recorded. `pool_liquidity`: in
    range at the bar's end, in sqrt(BASE * QUOTE) of whole tokens, another provider's than ours. `pool_low`,
    `pool_high`: natural logarithms of the pool's extreme prices within the bar.
    `funding_ms`, `funding_rate`: the perpetual's payments; a short receives notional times a positive rate.
    """

    time_ms: Milliseconds
    mark: Floats
    high: Floats
    low: Floats
    pool: Floats
    fee_base: Floats
    fee_quote: Floats
    pool_liquidity: Floats
    pool_low: Floats
    pool_high: Floats
    funding_ms: Milliseconds
    funding_rate: Floats

    @property
    def has_pool_fees(self) -> bool:
        """False when no bar has any, as on a path that was recorded without them."""
        return bool(self.fee_base.any() or self.fee_quote.any())


def path_of_prices(
    time_ms: Milliseconds,
    mark: Floats,
    *,
    high: Floats | None = None,
    low: Floats | None = None,
    funding_ms: Milliseconds | None = None,
    funding_rate: Floats | None = None,
) -> Path:
    """A market of which only the perpetual was recorded: the pool follows it exactly and its fees are not known."""
    none = np.zeros_like(mark)
    logs = np.log(mark)
    return Path(
        time_ms=time_ms,
        mark=mark,
        high=mark if high is None else high,
        low=mark if low is None else low,
        pool=mark,
        fee_base=none,
        fee_quote=none,
        pool_liquidity=none,
        pool_low=logs,
        pool_high=logs,
        funding_ms=np.zeros(0, np.int64) if funding_ms is None else funding_ms,
        funding_rate=np.zeros(0) if funding_rate is None else funding_rate,
    )


def part_of(path: Path, first: int, last: int) -> Path:
    """The points from index `first` up to, not including, `last`, with the funding between them."""
    start_ms, end_ms = int(path.time_ms[first]), int(path.time_ms[last - 1])
    points = slice(first, last)
    paid = slice(*np.searchsorted(path.funding_ms, (start_ms, end_ms), side="right"))
    return Path(
        time_ms=path.time_ms[points],
        mark=path.mark[points],
        high=path.high[points],
        low=path.low[points],
        pool=path.pool[points],
        fee_base=path.fee_base[points],
        fee_quote=path.fee_quote[points],
        pool_liquidity=path.pool_liquidity[points],
        pool_low=path.pool_low[points],
        pool_high=path.pool_high[points],
        funding_ms=path.funding_ms[paid],
        funding_rate=path.funding_rate[paid],
    )
