"""`python -m benchmarks.replay`: a year of minutes through replay, `lp-hedge backtest` and `lp-hedge calibrate`.

The same year runs through a bare compiled loop in the same process, so that the pace has something to stand beside.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path as FilePath

from benchmarks import calibration
from benchmarks.bare_loop import Banded, compiled
from benchmarks.child import caches, run
from benchmarks.hedged import flags, position, setup
from benchmarks.lines import Line, tell
from benchmarks.year import path_of, write, year
from core.replay.path import Path
from core.replay.replay import replay

TIMES = 7
# The default band of the position, and one so narrow that a hedge is traded every few minutes.
QUIET_QUOTE, BUSY_QUOTE = 2000, 100
BARS_PER_S, WARM_S, PEAK_MIB = 5_000_000, 2.0, 300
TAKER_RATE = 0.0005
_FIRST_REPLAY = """
import time
from benchmarks.replay import short_path
from benchmarks.hedged import setup
from core.replay.replay import replay
path = short_path()
began_s = time.perf_counter()
replay(path, setup(2000, path.pool[0]))
print(time.perf_counter() - began_s)
"""


def main() -> int:
    return tell([*measure(), *calibration.measure()])


def measure() -> list[Line]:
    path = path_of(year())
    return [*_compiling(), *_paces(path), *_commands()]


def short_path() -> Path:
    return path_of(year(1500))


def _paces(path: Path) -> Iterator[Line]:
    bars, first_price = len(path.time_ms), float(path.pool[0])
    bare = compiled()
    for name, band_quote in (("quiet", QUIET_QUOTE), ("busy", BUSY_QUOTE)):
        given = setup(band_quote, first_price)
        banded = Banded(band_quote / first_price, 0.5, TAKER_RATE)
        traded = replay(path, given).trades
        seconds = _seconds(partial(replay, path, given))
        bare_s = _seconds(partial(bare, path, position(first_price), banded))
        pace, bare_pace = bars / min(seconds) / 1e6, bars / min(bare_s) / 1e6
        yield Line(f"replay, {name} band: bars a second, best", pace, "M/s", least=BARS_PER_S / 1e6)
        processor_s = _seconds(partial(replay, path, given), time.process_time)
        yield Line("  in processor time, best", bars / min(processor_s) / 1e6, "M/s")
        yield Line("  median", bars / statistics.median(seconds) / 1e6, "M/s")
        yield Line("  trades in the year", traded, "")
        yield Line("  bare compiled loop, best", bare_pace, "M/s")
        yield Line("  a bar of replay is so many of the bare loop", bare_pace / pace, "")


def _seconds(work: Callable[[], object], stopwatch: Callable[[], float] = time.perf_counter) -> list[float]:
    """The first run compiles what is not compiled, and is not counted."""
    work()
    took_s = []
    for _ in range(TIMES):
        began_s = stopwatch()
        work()
        took_s.append(stopwatch() - began_s)
    return took_s


def _compiling() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("first replay of all, compiling", "first replay of a process, compiled before"):
            done = run([sys.executable, "-c", _FIRST_REPLAY], caches(folder))
            yield Line(name, float(done.output), "s")
            yield Line("  processor time of the whole process", done.processor_s, "s")


def _commands() -> Iterator[Line]:
    with tempfile.TemporaryDirectory() as name:
        folder = FilePath(name)
        klines, funding = write(folder, year())
        command = [sys.executable, "-m", "bot", "backtest", *flags(folder, klines, funding)]
        cold = run(command, caches(folder))
        unread = run([*command, "--no-cache"], caches(folder))
        warm = min((run(command, caches(folder)) for _ in range(3)), key=lambda ran: ran.took_s)
    yield Line("backtest of a year, nothing cached", cold.took_s, "s")
    yield Line("backtest of a year, file not read before", unread.took_s, "s")
    yield Line("backtest of a year, read before, best", warm.took_s, "s", WARM_S)
    yield Line("  its processor time", warm.processor_s, "s")
    yield Line("  peak memory, warm", warm.peak_mib, "MiB", PEAK_MIB)
    yield Line("  peak memory, reading the file", unread.peak_mib, "MiB", PEAK_MIB)
    yield Line("  peak memory, compiling", cold.peak_mib, "MiB")


if __name__ == "__main__":
    sys.exit(main())
