"""Rows into an even row of bars: order checked, duplicates dropped, gaps filled forward and all of it told."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.clock import at_ms
from core.replay.path import DAY_MS, Milliseconds
from core.replay.reading.lines import refused
from core.replay.reading.table import Table

Rows = NDArray[np.int64]
# A hole larger than all that was recorded is a wrong time, not a gap; small files may have a day of it.
_MOST_MISSING = 1_440


class Grid(NamedTuple):
    """Bars `step_ms` apart. `start_ms`: when each opened; `row`: the table's row in force, the last one before in a
    gap; `is_recorded`: False in a gap."""

    start_ms: Milliseconds
    row: Rows
    is_recorded: NDArray[np.bool_]
    step_ms: int
    notices: tuple[str, ...]


def said_time(time_ms: int) -> str:
    """A time as notices write it, UTC."""
    return at_ms(time_ms).strftime("%Y-%m-%d %H:%M")


def said_span(span_ms: int) -> str:
    """A span in the largest unit that it fills."""
    for unit_ms, unit in ((DAY_MS, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second")):
        if span_ms >= unit_ms:
            return f"1 {unit}" if span_ms == unit_ms else f"{span_ms / unit_ms:.3g} {unit}s"
    return f"{span_ms} ms"


def rows_in_order(table: Table) -> tuple[Rows, tuple[str, ...]]:
    """The rows with each time once. Raises ConfigurationError for times that fall back and for two rows of one time
    that differ."""
    steps = np.diff(table.time_ms)
    if (steps < 0).any():
        row = int(np.argmax(steps < 0)) + 1
        raise table.refused(row, f"the time {said_time(int(table.time_ms[row]))} is before the line above")
    again = np.flatnonzero(steps == 0) + 1
    for row in map(int, again):
        if any(column[row] != column[row - 1] for column in table.columns.values()):
            raise table.refused(row, f"a second row of {said_time(int(table.time_ms[row]))}, and it differs")
    return np.delete(np.arange(len(table.time_ms)), again), table.told_repeats(len(again))


def grid_of(table: Table) -> Grid:
    """Raises ConfigurationError as `rows_in_order` does, for a single bar, for bars that are not evenly apart and for
    a gap that cannot be one."""
    rows, notices = rows_in_order(table)
    times = table.time_ms[rows]
    if len(times) < 2:
        raise refused(table.file, table.first_line, "a single bar; a replay needs two or more")
    steps = np.diff(times)
    spans, counts = np.unique(steps, return_counts=True)
    step_ms = int(spans[np.argmax(counts)])
    if (steps % step_ms).any():
        place = int(np.argmax(steps % step_ms != 0))
        off = f"{said_span(int(steps[place]))} after the line above, in a file of bars every {said_span(step_ms)}"
        raise table.refused(int(rows[place + 1]), off)
    return _filled(table, rows, times, step_ms, notices)


def _filled(table: Table, rows: Rows, times: Milliseconds, step_ms: int, notices: tuple[str, ...]) -> Grid:
    bars = int(times[-1] - times[0]) // step_ms + 1
    missing = bars - len(times)
    longest = int(np.argmax(np.diff(times)))
    hole = f"{said_span(int(times[longest + 1] - times[longest]) - step_ms)} after {said_time(int(times[longest]))}"
    if missing > max(_MOST_MISSING, len(times)):
        raise table.refused(int(rows[longest + 1]), f"more bars are missing than recorded, {hole}")
    if missing:
        told = f"{missing} of {bars} bars are missing and were filled with the last price, the longest gap {hole}"
        notices = (*notices, f"{table.layout.said}: {told}")
    start_ms = np.arange(bars, dtype=np.int64) * step_ms + times[0]
    before = np.searchsorted(times, start_ms, side="right") - 1
    return Grid(start_ms, rows[before], times[before] == start_ms, step_ms, notices)
