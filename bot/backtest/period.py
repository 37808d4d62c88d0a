"""The stretch of a recording that is replayed."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import numpy as np

from bot.backtest.figures import minute
from core.clock import at_ms
from core.errors import ConfigurationError
from core.replay.path import DAY_MS, Path, part_of

FEWEST = 2


def cut(path: Path, options: argparse.Namespace) -> Path:
    """By --from, --to and --days. Raises ConfigurationError when that leaves nothing to replay."""
    _refuse_no_period(options)
    first_ms, last_ms = int(path.time_ms[0]), int(path.time_ms[-1])
    start_ms, end_ms = _wanted_ms(options, first_ms, last_ms)
    first, last = (int(each) for each in np.searchsorted(path.time_ms, (start_ms, end_ms + 1)))
    if last - first < FEWEST:
        raise ConfigurationError(
            f"no prices from {_told(at_ms(start_ms))} to {_told(at_ms(end_ms))}: the file has "
            f"{_told(at_ms(first_ms))} to {_told(at_ms(last_ms))}."
        )
    return path if (first, last) == (0, len(path.time_ms)) else part_of(path, first, last)


def _refuse_no_period(options: argparse.Namespace) -> None:
    if options.start is None or options.end is None:
        return
    if options.days is not None:
        raise ConfigurationError("--from and --to tell the period already: leave out --days.")
    if options.start >= options.end:
        raise ConfigurationError(f"--from {_told(options.start)} is not before --to {_told(options.end)}.")


def _wanted_ms(options: argparse.Namespace, first_ms: int, last_ms: int) -> tuple[int, int]:
    """Days count from --from where it is given, else back from the end."""
    start_ms = first_ms if options.start is None else _ms(options.start)
    end_ms = last_ms if options.end is None else _ms(options.end)
    if options.days is None:
        return start_ms, end_ms
    length_ms = int(options.days * DAY_MS)
    if options.start is not None:
        return start_ms, min(end_ms, start_ms + length_ms)
    return max(start_ms, end_ms - length_ms), end_ms


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _told(moment: datetime) -> str:
    return f"{minute(moment.astimezone(UTC))} UTC"
