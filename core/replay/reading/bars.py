"""What the files of a market hold once read: bars of prices, and bars of a pool."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.replay.path import Floats, Milliseconds


class PriceBars(NamedTuple):
    """Bars by their ends. Prices in QUOTE per BASE."""

    end_ms: Milliseconds
    close: Floats
    high: Floats
    low: Floats

    def between(self, start_ms: int, end_ms: int) -> PriceBars:
        """The bars that end from `start_ms` to `end_ms`, both included."""
        inside = _inside(self.end_ms, start_ms, end_ms)
        return PriceBars(self.end_ms[inside], self.close[inside], self.high[inside], self.low[inside])


class PoolBars(NamedTuple):
    """Bars of a pool by their ends, each array as `Path` names and measures it."""

    end_ms: Milliseconds
    price: Floats
    fee_base: Floats
    fee_quote: Floats
    liquidity: Floats
    low: Floats
    high: Floats

    @property
    def prices(self) -> PriceBars:
        """The pool's price in the perpetual's place."""
        return PriceBars(self.end_ms, self.price, np.exp(self.high), np.exp(self.low))

    def between(self, start_ms: int, end_ms: int) -> PoolBars:
        """The bars that end from `start_ms` to `end_ms`, both included."""
        inside = _inside(self.end_ms, start_ms, end_ms)
        return PoolBars(
            self.end_ms[inside],
            self.price[inside],
            self.fee_base[inside],
            self.fee_quote[inside],
            self.liquidity[inside],
            self.low[inside],
            self.high[inside],
        )


def _inside(end_ms: Milliseconds, start_ms: int, last_ms: int) -> slice:
    first, last = np.searchsorted(end_ms, (start_ms, last_ms + 1))
    return slice(first, last)


def with_the_way_there(log_close: Floats, low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """(low, high) of each bar, logarithms, with its own close and the close before it taken in: a swap earns fees all
    along the way from where the price stood."""
    before = np.concatenate((log_close[:1], log_close[:-1]))
    return np.minimum(np.minimum(low, log_close), before), np.maximum(np.maximum(high, log_close), before)
