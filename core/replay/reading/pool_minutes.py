"""Bars of a pool as recorders publish them: ticks, what swaps paid in, liquidity."""

from __future__ import annotations

import numpy as np

from core.amm.ticks import MAX_TICK
from core.replay.path import Floats
from core.replay.reading.bars import PoolBars, with_the_way_there
from core.replay.reading.grid import Grid
from core.replay.reading.pair import PoolPair
from core.replay.reading.table import Table

# The price within a tick is not recorded: its middle is the best guess, and decides as the pool does which side of a
# range's edge it is on.
_WITHIN_TICK = 0.5


def pool_bars(table: Table, grid: Grid, pair: PoolPair) -> PoolBars:
    """In a gap no fees are paid and the price stands still. Raises ConfigurationError for what no pool can have."""
    raw = table.columns
    for key in ("closeTick", "lowestTick", "highestTick"):
        table.require(np.abs(raw[key]) <= MAX_TICK, f"{key}: no pool has such a tick")
    for key in ("inAmount0", "inAmount1", "currentLiquidity"):
        table.require(raw[key] >= 0, f"{key}: below zero")
    table.require(raw["highestTick"] >= raw["lowestTick"], "the highest tick is below the lowest")
    close = pair.log_price(raw["closeTick"] + _WITHIN_TICK)[grid.row]
    low, high = (_extreme(raw[key], grid, pair, close) for key in ("lowestTick", "highestTick"))
    low, high = with_the_way_there(close, *pair.ordered(low, high))
    recorded = grid.is_recorded * pair.fee_kept
    fee_base, fee_quote = pair.base_quote(raw["inAmount0"][grid.row] * recorded, raw["inAmount1"][grid.row] * recorded)
    liquidity = raw["currentLiquidity"][grid.row] / pair.liquidity_unit
    return PoolBars(grid.start_ms + grid.step_ms, np.exp(close), fee_base, fee_quote, liquidity, low, high)


def _extreme(ticks: Floats, grid: Grid, pair: PoolPair, close: Floats) -> Floats:
    return np.where(grid.is_recorded, pair.log_price(ticks + _WITHIN_TICK)[grid.row], close)
