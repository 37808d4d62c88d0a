"""`python -m benchmarks.demeter`: Demeter 1.3.0 and lp-hedge, one position, the same recorded minutes, one run.

Each runs in a process of its own, one after the other, so that neither takes the other's processor or memory. Demeter
opens the position (20,000 USDC, 10 % either side of the first price); replay is given what came of it.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.child import run
from tests.replay.recorded_pool import DAYS_5, DAYS_25

HERE = Path(__file__).parent
# As the files are called that Demeter is to read: `run_demeter` asks for these.
PREFIX = "polygon-0x45dda9cb7c25131df268515131f647d726f50608"
DEMETER = HERE.parents[1] / ".venv-demeter/bin/python"
FASTER_AT_LEAST, FEES_WITHIN = 25, 0.05
AMOUNTS = ("lp_fees", "lvr", "hedge", "funding", "cost", "net", "drawdown")
Figures = dict[str, Any]


class Period(NamedTuple):
    file: Path
    first: str
    last: str


PERIODS = (Period(DAYS_5, "2023-08-13", "2023-08-17"), Period(DAYS_25, "2022-07-19", "2022-08-12"))
BANDS = ("none", "0.02")


def main() -> int:
    if not DEMETER.exists():
        print("Demeter is not installed: `make bench-demeter` does it.", file=sys.stderr)
        return 2
    kept = True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for period in PERIODS:
            _split(period.file, folder)
            for band in BANDS:
                theirs = _demeter(folder, period, band)
                kept &= _compare(period, band, theirs, _ours(period, band, theirs))
    return 0 if kept else 1


def _split(file: Path, folder: Path) -> None:
    """Into a file for each day, as Demeter wants them."""
    days: dict[str, list[str]] = {}
    with gzip.open(file, "rt") as lines:
        header = next(lines)
        for line in lines:
            days.setdefault(line[:10], [header]).append(line)
    for day, text in days.items():
        (folder / f"{PREFIX}-{day}.minute.csv").write_text("".join(text))


def _demeter(folder: Path, period: Period, band: str) -> Figures:
    """Its own home each time: it would take what it cached under these dates for what is in the files."""
    with tempfile.TemporaryDirectory() as home:
        command = [str(DEMETER), str(HERE / "run_demeter.py"), str(folder), period.first, period.last, band]
        done = run(command, {"HOME": home, "TQDM_DISABLE": "1"})
    return {**json.loads(done.output), "whole_s": done.took_s}


def _ours(period: Period, band: str, theirs: Figures) -> Figures:
    place = json.dumps({name: theirs[name] for name in ("lower", "upper", "liquidity", "edge_base")})
    command = [sys.executable, "-m", "benchmarks.demeter.run_replay", str(period.file), band, place]
    run(command)  # compiles, where nothing is compiled yet
    done = run(command)
    return {**json.loads(done.output), "whole_s": done.took_s}


def _compare(period: Period, band: str, theirs: Figures, ours: Figures) -> bool:
    """Prints one table; true when replay was as much faster as asked and the fees agree."""
    hedged = "no hedge" if band == "none" else f"hedge with a band of {float(band):.0%} of the BASE at the lower edge"
    print(f"\n{period.first} to {period.last}, {hedged}")
    print(f"{'':34}{'Demeter':>14}{'lp-hedge':>14}{'ratio':>12}")
    pace = {name: each["bars"] / each["ran_s"] for name, each in (("theirs", theirs), ("ours", ours))}
    _row("bars a second", pace["theirs"], pace["ours"], ",.0f", ",.0f")
    _row("whole process, s", theirs["whole_s"], ours["whole_s"], ".2f")
    _row("loading the minutes, s", theirs["loaded_s"], ours["loaded_s"], ".2f")
    _row("peak memory, MiB", theirs["peak_mib"], ours["peak_mib"], ".0f")
    for name in AMOUNTS:
        _row(f"{name.replace('_', ' ')}, QUOTE", theirs[name], ours[name], ",.1f")
    _row("residual rms, BASE", theirs["rms_base"], ours["rms_base"], ".3f")
    _row("trades", theirs["trades"], ours["trades"], ",.0f")
    fees_agree: bool = abs(ours["lp_fees"] / theirs["lp_fees"] - 1) <= FEES_WITHIN
    return fees_agree and bool(pace["ours"] >= FASTER_AT_LEAST * pace["theirs"])


def _row(name: str, theirs: float, ours: float, form: str, ratio_form: str = ".3f") -> None:
    ratio = format(ours / theirs, ratio_form) if theirs else "-"
    print(f"{name:34}{theirs:>14{form}}{ours:>14{form}}{ratio:>12}")


if __name__ == "__main__":
    sys.exit(main())
