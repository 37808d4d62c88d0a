"""A recorded market: files in, one path out."""

from __future__ import annotations

import pathlib
from typing import NamedTuple

import numpy as np

from core.errors import ConfigurationError
from core.replay.path import Path, path_of_prices
from core.replay.reading.bars import PoolBars, PriceBars
from core.replay.reading.cache import Recording, key_of, load, store
from core.replay.reading.funding import read_funding
from core.replay.reading.grid import grid_of, said_span, said_time
from core.replay.reading.joint import joined
from core.replay.reading.klines import price_bars
from core.replay.reading.layouts import KLINES, POOL_EVENTS, POOL_MINUTES
from core.replay.reading.lines import digest_of, refused
from core.replay.reading.pair import PoolPair
from core.replay.reading.pool_events import MINUTE_MS, minutes_of_events
from core.replay.reading.pool_minutes import pool_bars
from core.replay.reading.table import Table, read_table


class _Read(NamedTuple):
    """One file. `prices`: the pool's own where it is a pool's."""

    said: str
    prices: PriceBars
    pool: PoolBars | None
    step_ms: int
    notices: tuple[str, ...]


def read_path(
    prices: pathlib.Path,
    *,
    funding: pathlib.Path | None = None,
    pool_minutes: pathlib.Path | None = None,
    pair: PoolPair | None = None,
    cache: pathlib.Path | None = None,
) -> Recording:
    """The market in these files. `prices`: klines, or a pool's minutes or events, whose price then stands for the
    perpetual's too. `pair` is needed where a file is a pool's. `cache`: a directory that keeps what was read.

    Raises ConfigurationError with the file and the line of what cannot be used.
    """
    files = (prices, funding, pool_minutes)
    if cache is None:
        return _read(prices, funding, pool_minutes, pair)
    key = _key(files, pair)
    if (kept := load(cache, key)) is not None:
        return kept
    read = _read(prices, funding, pool_minutes, pair)
    # A file that changed meanwhile is not what the key says.
    if _key(files, pair) == key:
        store(cache, key, read)
    return read


def _key(files: tuple[pathlib.Path | None, ...], pair: PoolPair | None) -> str:
    return key_of([file and digest_of(file) for file in files], pair)


def _read(
    prices: pathlib.Path, funding: pathlib.Path | None, pool_minutes: pathlib.Path | None, pair: PoolPair | None
) -> Recording:
    first = _read_file(prices, pair)
    bars, pool, notices, said = first.prices, first.pool, first.notices, first.said
    if pool_minutes is not None:
        second = _read_file(pool_minutes, pair)
        if second.pool is None:
            raise refused(pool_minutes, 1, "these are klines; pool minutes or pool events were expected")
        bars, pool, more = joined(bars, second.pool, pool_minutes)
        notices, said = (*notices, *second.notices, *more), f"{said} with {second.said}"
    path = _path(bars, pool)
    if funding is None:
        notices = (*notices, "no funding file was given: funding is left out of the result")
    else:
        funding_ms, rates, more = read_funding(funding, int(path.time_ms[0]), int(path.time_ms[-1]))
        path, notices, said = (
            path._replace(funding_ms=funding_ms, funding_rate=rates),
            (*notices, *more),
            f"{said} with funding",
        )
    start, end = (said_time(int(path.time_ms[place])) for place in (0, -1))
    source = f"{said}, every {said_span(first.step_ms)}, {start} to {end} UTC"
    return Recording(path, notices, first.step_ms, source)


def _read_file(file: pathlib.Path, pair: PoolPair | None) -> _Read:
    table = read_table(file, KLINES, POOL_MINUTES, POOL_EVENTS)
    said = table.layout.said
    if table.layout is KLINES:
        grid = grid_of(table)
        return _Read(said, price_bars(table, grid), None, grid.step_ms, (*_units(table), *grid.notices))
    if pair is None:
        raise ConfigurationError(f"{file}: these are {said}; say which token is BASE, the decimals and the fee")
    if table.layout is POOL_EVENTS:
        pool, notices = minutes_of_events(table, pair)
        return _Read(said, pool.prices, pool, MINUTE_MS, (*_units(table), *notices))
    grid = grid_of(table)
    pool = pool_bars(table, grid, pair)
    return _Read(said, pool.prices, pool, grid.step_ms, (*_units(table), *grid.notices))


def _units(table: Table) -> tuple[str, ...]:
    """Milliseconds are what everybody expects; any other unit was guessed by its size and is told."""
    if table.units in {(), ("milliseconds",)}:
        return ()
    return (f"{table.layout.said}: times were taken as {' and '.join(table.units)}",)


def _path(bars: PriceBars, pool: PoolBars | None) -> Path:
    if pool is None:
        return path_of_prices(bars.end_ms, bars.close, high=bars.high, low=bars.low)
    return Path(*bars, *pool[1:], np.zeros(0, np.int64), np.zeros(0))
