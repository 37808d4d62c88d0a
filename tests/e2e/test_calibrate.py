"""`lp-hedge calibrate` through the real command line, in a process of its own with workers of its own."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from decimal import Decimal
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.config import Config

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]
MARKET = ROOT / "tests" / "data" / "market"
RANGE = ("--lower", "1600", "--upper", "3000", "--value-quote", "100000")
ETH = (
    "--prices", str(MARKET / "ETHUSDT-perp-1m-2025-05-04_2025-06-15.csv.gz"),
    "--funding", str(MARKET / "ETHUSDT-funding-8h-from-2025-04-15.csv"),
    *RANGE,
)  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hedge.toml").write_text((ROOT / "examples" / "backtest.toml").read_text())
    return tmp_path


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Nothing is compiled: a process that only compiles would take longer than these searches."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
        "NUMBA_DISABLE_JIT": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-m", "bot", "calibrate", *words],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        text=True, start_new_session=True,
    )  # fmt: skip


@contextmanager
def ended(process: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """However the test goes, nothing of it runs on."""
    with process:
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def calibrate(folder: Path, *words: str) -> tuple[int, str, str]:
    with ended(started(folder, *words)) as process:
        told, complaint = process.communicate(timeout=150)
    return process.returncode, told, complaint


def test_a_day_of_eth_gives_lines_that_the_configuration_takes(folder: Path) -> None:
    """The same with one worker and with two; the lines, put into the file, are the setting that was found."""
    words = (*ETH, "--from", "2025-05-08", "--days", "1", "--settings", "10", "--folds", "2", "--json")
    code, told, complaint = calibrate(folder, *words, "--jobs", "2", "--plot", "frontier.png")
    assert code == 0, complaint
    assert "10 settings over 1,440 bars" in complaint
    assert (folder / "frontier.png").read_bytes().startswith(b"\x89PNG")
    found = json.loads(told)
    assert calibrate(folder, *words, "--jobs", "1")[1] == told
    assert (found["settings"], found["bars"]) == ("10", "1440")
    assert found["straight"]["found"]["liquidations"] == "0"
    assert found["found"]["setting"] != found["configured"]["setting"]
    assert float(found["found"]["objective_quote_per_day"]) < float(found["configured"]["objective_quote_per_day"])
    lines = "\n".join(line for line in found["block"].splitlines() if not line.startswith("#"))
    pasted = Config.model_validate(
        tomllib.loads((folder / "hedge.toml").read_text() + "\n" + lines, parse_float=Decimal)
    ).hedges["eth"]
    for key, value in found["found"]["setting"].items():
        in_force = getattr(pasted, key)
        assert (in_force is None) == (value is None)
        assert value is None or str(in_force) == value or Decimal(str(in_force)) == Decimal(value)


@pytest.mark.slow
def test_on_a_random_walk_the_search_ends_near_theory(folder: Path) -> None:
    """Where theory's assumptions hold, what is found costs and risks about what its optimum does."""
    count, minute = 3 * 1440, 60_000
    steps = np.random.default_rng(3).normal(0.0, 0.6 / math.sqrt(365 * 1440), count)
    marks = 2000 * np.exp(np.cumsum(steps))
    rows = (f"{minute * (29_000_000 + i)},{m:.4f},{m:.4f},{m:.4f},{m:.4f},1\n" for i, m in enumerate(marks))
    (folder / "walk.csv").write_text("open_time_ms,open,high,low,close,volume\n" + "".join(rows))
    words = ("--prices", "walk.csv", *RANGE, "--settings", "16", "--folds", "2", "--risk-aversion", "0.005", "--json")
    code, told, complaint = calibrate(folder, *words)
    assert code == 0, complaint
    found = json.loads(told)
    theory, best = float(found["theory"]["delta_band_quote"]), float(found["found"]["setting"]["delta_band_quote"])
    assert theory / 2.5 < best < theory * 2.5
    objective = float(found["theory"]["objective_quote_per_day"])
    assert float(found["found"]["objective_quote_per_day"]) == pytest.approx(objective, rel=0.5)
    assert float(found["theory_replayed"]["objective_quote_per_day"]) == pytest.approx(objective, rel=0.5)


def test_a_position_that_is_never_in_range_leaves_things_as_they_are(folder: Path) -> None:
    """No theory, nothing to choose between, and no figure made up for it."""
    day = ("--from", "2025-05-08", "--days", "1", "--settings", "4", "--folds", "2", "--jobs", "1")
    code, told, complaint = calibrate(
        folder, *ETH[:4], "--lower", "100", "--upper", "200", "--value-quote", "1000", *day
    )
    assert code == 0, complaint
    assert "Theory has no optimum here" in told
    assert "Nothing tried is better than what is configured" in told


def test_a_mistake_in_the_data_is_one_sentence(folder: Path) -> None:
    """With file and line, exit code 2, and an older picture is as it was."""
    (folder / "frontier.png").write_text("older")
    (folder / "bad.csv").write_text("open_time_ms,open,high,low,close,volume\n1746372840000,1,1,1,dear,1\n")
    code, told, complaint = calibrate(folder, "--prices", "bad.csv", *RANGE, "--plot", "frontier.png")
    assert (code, told) == (2, "")
    assert complaint.count("\n") == 1
    assert "bad.csv" in complaint
    assert "line 2" in complaint
    assert (folder / "frontier.png").read_text() == "older"


@pytest.mark.parametrize("end", [lambda pid: os.killpg(pid, signal.SIGINT), lambda pid: os.kill(pid, signal.SIGTERM)])
def test_ctrl_c_and_kill_end_it_and_all_its_workers(folder: Path, end: Callable[[int], None]) -> None:
    """Within seconds, in the middle of the search, with the code of an interruption and no picture."""
    days = ("--from", "2025-05-08", "--days", "5")
    with ended(started(folder, *ETH, *days, "--jobs", "2", "--plot", "frontier.png")) as process:
        workers = _workers(process)
        assert workers
        end(process.pid)
        told, complaint = process.communicate(timeout=60)
    assert process.returncode == 130, complaint
    assert told == ""
    assert complaint == "stopped; nothing was written\n"
    assert not psutil.wait_procs(workers, timeout=60)[1]
    assert not (folder / "frontier.png").exists()


def _workers(process: subprocess.Popen[str], within_s: float = 100.0) -> list[psutil.Process]:
    """Once they are there."""
    end = time.monotonic() + within_s
    while time.monotonic() < end and process.poll() is None:
        found = [
            each for each in psutil.Process(process.pid).children(recursive=True) if "loky" in " ".join(each.cmdline())
        ]
        if len(found) >= 2:
            return found
        time.sleep(0.1)
    return []
