"""`python -m tests.soak`: hours by default those of a week."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from tempfile import mkdtemp

from tests.soak.publish import table
from tests.soak.run import Plan, run_soak

WEEK_H = 168.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--hours", type=float, default=WEEK_H, help="simulated")
    parser.add_argument("--speed", type=int, default=120, help="times real time; what the machine holds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where database, log and result are kept; default: a new one")
    options = parser.parse_args()
    folder = options.folder or Path(mkdtemp(prefix="lp-hedge-soak-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"in {folder}", flush=True)
    command = f"python -m tests.soak --hours {options.hours:g} --speed {options.speed} --seed {options.seed}"
    plan = Plan(options.hours, options.speed, options.seed)
    result = run_soak(plan, folder, command, partial(print, flush=True))
    print(table(result.command, result.facts, result.findings))
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main())
