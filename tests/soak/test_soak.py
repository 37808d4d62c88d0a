"""Two and a half hours of the soak in as many minutes; `make soak` runs a week."""

from __future__ import annotations

import faulthandler
from pathlib import Path

import pytest

from tests.soak.run import Plan, run_soak

PLAN = Plan(
    hours=2.4,
    speed=60,
    seed=11,
    restart_every_h=0.5,
    restarts_for=0.8,
    trouble_every_h=0.2,
    act_every_h=0.1,
    quiet_every_h=1.2,
)
WATCHED_FOR_S = 900.0


@pytest.mark.slow
@pytest.mark.e2e
@pytest.mark.chain
def test_two_hours_with_everything_going_wrong(tmp_path: Path) -> None:
    """No order twice, no alert lost, books and journal equal, nothing off its band without a word."""
    faulthandler.dump_traceback_later(WATCHED_FOR_S, exit=True)  # longer than pytest's own watch allows
    result = run_soak(PLAN, tmp_path, "pytest tests/soak")
    assert list(result.findings) == []
    assert "kill -9" in result.facts["ends survived"] and "SIGTERM" in result.facts["ends survived"]
