"""`lp-hedge backtest`: everything is checked, then replayed, and only then is anything written."""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

from bot.backtest.case import gather, inputs_of
from bot.backtest.findings import Findings, findings_of
from bot.backtest.period import FEWEST
from bot.backtest.report_json import report_json
from bot.backtest.text import report_text
from bot.backtest.trades_csv import csv_of
from bot.settings import Places
from bot.whole_file import require_writable, write_all
from core.clock import Clock
from core.replay.compiled import can_compile
from core.replay.path import part_of
from core.replay.replay import replay

# Below this an interpreted replay takes a few seconds at most, and nobody needs to be told.
MANY_BARS = 20_000
SLOWLY = "numba is not installed: `make research` in the folder of the source makes this a hundred times faster."


@dataclass(frozen=True, slots=True)
class Result:
    """`text`: for standard output. `spent_s`: what the replay alone took."""

    text: str
    bars: int
    spent_s: float


def backtest(options: argparse.Namespace, places: Places, clock: Clock) -> Result:
    """Raises ConfigurationError before anything is written."""
    _require_outputs(options)
    case = gather(options, places)
    setup = case.setup()
    tell_of_waiting(len(case.path.time_ms))
    replay(part_of(case.path, 0, FEWEST), setup)  # what has to be compiled or loaded first is no speed of the replay
    started_s = clock.monotonic_s()
    wants_fills = options.trades is not None or options.plot is not None
    outcome = replay(case.path, setup, fills=wants_fills, curve_points=_curve_points(options))
    spent_s = clock.monotonic_s() - started_s
    found = findings_of(case, setup, outcome)
    text = report_json(found) if options.json else report_text(found)
    write_all(_contents(found, options))
    return Result(text, outcome.bars, spent_s)


def tell_of_waiting(bars: int) -> None:
    """On stderr, before a replay of so many bars."""
    if can_compile():
        if sys.stderr.isatty():
            sys.stderr.write(f"Replaying {bars:,} bars. The first run of a new version compiles for a minute or two.\n")
    elif bars > MANY_BARS:
        sys.stderr.write(f"{SLOWLY}\n")


def _require_outputs(options: argparse.Namespace) -> None:
    inputs = inputs_of(options)
    if options.plot is not None:
        require_writable("--plot", options.plot, suffix=".png", inputs=inputs)
    if options.trades is not None:
        require_writable("--trades", options.trades, suffix=".csv", inputs=inputs)


def _curve_points(options: argparse.Namespace) -> int:
    if options.plot is None:
        return 0
    from bot.backtest.picture import CURVE_POINTS

    return CURVE_POINTS


def _contents(found: Findings, options: argparse.Namespace) -> dict[Path, bytes]:
    contents = {}
    if options.trades is not None:
        contents[options.trades] = csv_of(found.outcome.fills)
    if options.plot is not None:
        from bot.backtest.picture import replay_picture
        from bot.charts.maker import keep_fonts_apart

        keep_fonts_apart()
        from bot.charts.drawing import png

        contents[options.plot] = png(replay_picture(found))
    return contents
