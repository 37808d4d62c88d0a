"""What a change must pass: every step is taken, and one that fails fails the whole."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.house.source import ROOT

STEPS = ["setup", "lint", "audit", "test"]
# Stands in for make: notes what it is called for, and fails at one step.
MAKE = """#!/bin/sh
echo "$1" >> {called}
echo "=== 1 passed in 1.00s ==="
[ "$1" != "{fails}" ]
"""


@pytest.mark.parametrize("fails", ["", *STEPS])
def test_every_step_is_taken_until_one_fails(fails: str, tmp_path: Path) -> None:
    """In their order; the last one's output is passed on, which must not hide how it ended."""
    called, make = tmp_path / "called", tmp_path / "make"
    make.write_text(MAKE.format(called=called, fails=fails))
    make.chmod(0o700)
    around = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TMPDIR": str(tmp_path)}
    done = subprocess.run([ROOT / ".ci" / "run"], env=around, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode == 0) is (not fails), done
    assert called.read_text().split() == (STEPS[: STEPS.index(fails) + 1] if fails else STEPS)
