"""A command run to its end: how long it took, and how much memory it or any process of its own had at most.

Linux counts what a process had been forked from into its largest resident set, so the command is started by a small
process of its own: this file, run as a script.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Ran:
    """`processor_s`: on all cores together, of the process and those that it waited for; less than it took on a busy
    machine. `peak_mib`: the largest resident set among them."""

    took_s: float
    processor_s: float
    peak_mib: float
    output: str


def caches(folder: Path | str) -> dict[str, str]:
    """The environment in which compiled code and read files are kept apart from the user's own: cold is cold."""
    return {"XDG_CACHE_HOME": str(folder)}


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Ran:
    """Raises RuntimeError, with what it wrote to standard error, when the command fails."""
    with tempfile.NamedTemporaryFile("r") as report:
        starting = [sys.executable, "-S", __file__, report.name, *command]
        around = {**os.environ, **(environment or {})}
        done = subprocess.run(starting, check=False, capture_output=True, text=True, env=around)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr[-2000:]}")
        return Ran(**json.load(report), output=done.stdout)


def main() -> int:
    report, *command = sys.argv[1:]
    began_s = time.perf_counter()
    started = subprocess.Popen(command)
    _, status, used = os.wait4(started.pid, 0)
    took_s = time.perf_counter() - began_s
    started.returncode = os.waitstatus_to_exitcode(status)
    found = {"took_s": took_s, "processor_s": used.ru_utime + used.ru_stime, "peak_mib": used.ru_maxrss / 1024}
    Path(report).write_text(json.dumps(found))
    return started.returncode


if __name__ == "__main__":
    sys.exit(main())
