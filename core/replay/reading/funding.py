"""Funding payments."""

from __future__ import annotations

import pathlib

import numpy as np

from core.replay.path import Floats, Milliseconds
from core.replay.reading.grid import rows_in_order, said_span, said_time
from core.replay.reading.layouts import FUNDING
from core.replay.reading.lines import refused
from core.replay.reading.table import read_table

# The exchange never leaves more between two payments; a time carries a few milliseconds.
_LONGEST_INTERVAL_MS = 8 * 3_600_000
_TOLERANCE_MS = 60_000


def read_funding(file: pathlib.Path, start_ms: int, end_ms: int) -> tuple[Milliseconds, Floats, tuple[str, ...]]:
    """(times, rates, notices) of the payments after `start_ms` up to `end_ms`; a rate is a fraction of notional.

    Raises ConfigurationError when the file does not reach into that period.
    """
    table = read_table(file, FUNDING)
    rows, notices = rows_in_order(table)
    rates = table.columns["rate"]
    table.require(np.abs(rates) < 1.0, "rate: a rate is a fraction of notional, below 1")
    times, rates = table.time_ms[rows], rates[rows]
    first, last = int(times[0]), int(times[-1])
    if first > end_ms or last + _LONGEST_INTERVAL_MS < start_ms:
        paid = f"{said_time(first)} to {said_time(last)}"
        raise refused(
            file, None, f"funding of {paid} does not overlap the prices of {said_time(start_ms)} to {said_time(end_ms)}"
        )
    inside = slice(*np.searchsorted(times, (start_ms, end_ms), side="right"))
    return times[inside], rates[inside], (*notices, *_holes(times[inside], start_ms, end_ms))


def _holes(times: Milliseconds, start_ms: int, end_ms: int) -> tuple[str, ...]:
    """What is missing within the period, its ends included."""
    between = np.diff(times, prepend=start_ms, append=end_ms)
    long = np.flatnonzero(between > _LONGEST_INTERVAL_MS + _TOLERANCE_MS)
    if not len(long):
        return ()
    longest = int(np.argmax(between))
    after = start_ms if longest == 0 else int(times[longest - 1])
    told = f"no payment for {said_span(int(between[longest]))} after {said_time(after)}"
    return (f"funding: {told}, where 8 hours are usual; holes like this: {len(long)}",)
