"""`python -m benchmarks.calibration`: a thousand settings over a year of minutes, on all cores."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from benchmarks.child import caches, run
from benchmarks.hedged import flags
from benchmarks.lines import Line, tell
from benchmarks.year import BARS, write, year

SETTINGS, WHOLE_S = 1000, 120.0


def main() -> int:
    return tell(measure())


def measure() -> list[Line]:
    """The user's own caches are left alone: the first of all compiles and reads the file, as it would for a user."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        command = [sys.executable, "-m", "bot", "calibrate", *flags(folder, *write(folder, year()))]
        done = run([*command, "--settings", str(SETTINGS)], caches(folder))
    cores = len(os.sched_getaffinity(0))
    return [
        Line(f"calibrate, {SETTINGS:,} settings, {cores} cores", done.took_s, "s", WHOLE_S),
        Line("  processor time, all cores", done.processor_s, "s"),
        Line("  bars a second, all cores", SETTINGS * BARS / done.took_s / 1e6, "M/s"),
        Line("  peak memory of its largest process", done.peak_mib, "MiB"),
    ]


if __name__ == "__main__":
    sys.exit(main())
