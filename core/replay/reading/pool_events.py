"""A pool's own events, each swap, mint and burn, and their fold into minutes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from core.amm.ticks import MAX_SQRT_RATIO_X96, MIN_SQRT_RATIO_X96
from core.replay.path import DAY_MS, Floats, Milliseconds
from core.replay.reading.bars import PoolBars, with_the_way_there
from core.replay.reading.grid import said_span, said_time
from core.replay.reading.lines import refused
from core.replay.reading.pair import PoolPair
from core.replay.reading.table import Table
from core.replay.swap_fees import LOG_TICK
from core.replay.swaps import Swaps

MINUTE_MS = 60_000
# A pool may be silent; for half an hour it is told, for a month it is no recording.
_LONG_SILENCE_MS = 30 * MINUTE_MS
_LONGEST_SILENCE_MS = 30 * DAY_MS
_LOG_X96 = 96 * np.log(2.0)


def swaps_of(table: Table, pair: PoolPair) -> Swaps:
    """Each swap by itself, in the pool's order. Raises ConfigurationError for events that no pool can have sent."""
    return _swaps(table, _rows_once(table), pair)


def minutes_of_events(table: Table, pair: PoolPair) -> tuple[PoolBars, tuple[str, ...]]:
    """(minutes, notices). `liquidity` is what shares out each minute's fees as its single swaps did, the liquidity
    after the last event in minutes without one. Raises ConfigurationError as `swaps_of` does."""
    rows = _rows_once(table)
    swaps = _swaps(table, rows, pair)
    notices = table.told_repeats(len(table.time_ms) - len(rows)) + _silences(table, rows)
    first = int(swaps.time_ms[0]) // MINUTE_MS
    # Events before the first swap are of no known price.
    rows = rows[np.argmax(table.columns["is_swap"][rows] > 0) :]
    minute, event_minute = swaps.time_ms // MINUTE_MS - first, table.time_ms[rows] // MINUTE_MS - first
    bars = int(event_minute[-1]) + 1
    if bars < 2:
        raise refused(table.file, None, "the events are of a single minute; a replay needs two or more")
    last_swap = np.searchsorted(minute, np.arange(bars), side="right") - 1
    last_event = np.searchsorted(event_minute, np.arange(bars), side="right") - 1
    close = swaps.log_price[last_swap]
    at_end = table.columns["total_liquidity"][rows][last_event] / pair.liquidity_unit
    low, high = close.copy(), close.copy()
    np.minimum.at(low, minute, swaps.log_price)
    np.maximum.at(high, minute, swaps.log_price)
    pool = PoolBars(
        (np.arange(bars, dtype=np.int64) + first + 1) * MINUTE_MS,
        np.exp(close),
        _totals(minute, swaps.fee_base, bars),
        _totals(minute, swaps.fee_quote, bars),
        _sharing_liquidity(swaps, minute, at_end),
        *with_the_way_there(close, low, high),
    )
    return pool, notices


def _rows_once(table: Table) -> NDArray[np.int64]:
    """Rows in the order of blocks and logs, exact repeats left out."""
    block, log = table.columns["block_number"], table.columns["log_index"]
    ahead = np.diff(block)
    is_after = (ahead > 0) | ((ahead == 0) & (np.diff(log) > 0))
    is_again = (ahead == 0) & (np.diff(log) == 0) & (np.diff(table.time_ms) == 0)
    for column in table.columns.values():
        is_again &= np.diff(column) == 0
    fine = np.concatenate(([True], is_again | (is_after & (np.diff(table.time_ms) >= 0))))
    table.require(fine, "the event is not after the line above by block, log index and time")
    return np.flatnonzero(np.concatenate(([True], ~is_again)))


def _swaps(table: Table, rows: NDArray[np.int64], pair: PoolPair) -> Swaps:
    raw, is_swap = table.columns, table.columns["is_swap"] > 0
    sqrt, amount0, amount1 = raw["sqrtPriceX96"], raw["amount0"], raw["amount1"]
    table.require(
        (sqrt >= float(MIN_SQRT_RATIO_X96)) & (sqrt < float(MAX_SQRT_RATIO_X96)),
        "sqrtPriceX96: no pool has such a price",
    )
    table.require(raw["total_liquidity"] >= 0, "total_liquidity: below zero")
    table.require(~is_swap | (amount0 <= 0) | (amount1 <= 0), "a swap cannot pay both tokens into the pool")
    rows = rows[is_swap[rows]]
    if not len(rows):
        raise refused(table.file, None, "there is no swap among the events")
    ticks = 2.0 * (np.log(sqrt[rows]) - _LOG_X96) / LOG_TICK
    paid = (np.maximum(amounts[rows], 0.0) * pair.fee_kept for amounts in (amount0, amount1))
    fee_base, fee_quote = pair.base_quote(*paid)
    liquidity = raw["total_liquidity"][rows] / pair.liquidity_unit
    return Swaps(table.time_ms[rows], pair.log_price(ticks), fee_base, fee_quote, liquidity)


def _totals(minute: Milliseconds, paid: Floats, bars: int) -> Floats:
    return np.bincount(minute, paid, bars).astype(np.float64)


def _sharing_liquidity(swaps: Swaps, minute: Milliseconds, at_end: Floats) -> Floats:
    """Total fee over the fee per liquidity, in QUOTE: a mean in which the swaps that paid more count more."""
    paid = swaps.fee_quote + swaps.fee_base * np.exp(swaps.log_price)
    shared = np.divide(paid, swaps.pool_liquidity, out=np.zeros_like(paid), where=swaps.pool_liquidity > 0)
    of_minute, per_liquidity = (_totals(minute, each, len(at_end)) for each in (paid, shared))
    return np.divide(of_minute, per_liquidity, out=at_end.copy(), where=per_liquidity > 0)


def _silences(table: Table, rows: NDArray[np.int64]) -> tuple[str, ...]:
    times = table.time_ms[rows]
    silent = np.diff(times, append=times[-1])
    longest = int(np.argmax(silent))
    told = f"no event for {said_span(int(silent[longest]))} after {said_time(int(times[longest]))}"
    if silent[longest] > _LONGEST_SILENCE_MS:
        raise table.refused(int(rows[longest + 1]), told)
    if silent[longest] < _LONG_SILENCE_MS:
        return ()
    return (f"{table.layout.said}: {told}, the price was taken as unchanged",)
