"""Binance's klines: bars of the perpetual's price."""

from __future__ import annotations

import numpy as np

from core.replay.path import Floats
from core.replay.reading.bars import PriceBars
from core.replay.reading.grid import Grid
from core.replay.reading.table import Table


def price_bars(table: Table, grid: Grid) -> PriceBars:
    """Flat at the last close in a gap. Raises ConfigurationError for prices that no bar can have."""
    prices = table.columns
    opened, high, low, close = (prices[key] for key in ("open", "high", "low", "close"))
    for key in ("open", "high", "low", "close"):
        table.require(prices[key] > 0, f"{key}: a price must be above zero")
    table.require(high >= low, "the high is below the low")
    table.require((low <= opened) & (opened <= high), "the open is outside of low and high")
    table.require((low <= close) & (close <= high), "the close is outside of low and high")
    if "volume" in prices:
        table.require(prices["volume"] >= 0, "volume: below zero")
    closes = close[grid.row]

    def or_close(extremes: Floats) -> Floats:
        return np.where(grid.is_recorded, extremes[grid.row], closes)

    return PriceBars(grid.start_ms + grid.step_ms, closes, or_close(high), or_close(low))
