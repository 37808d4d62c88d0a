"""`lp-hedge demo --fast`: hours of market through the whole program in seconds, the same for the same seed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from functools import reduce
from pathlib import Path
from typing import Literal

import pytest
from structlog.testing import capture_logs

from bot.demo.run import run_demo
from bot.settings import DemoOptions
from core.accounting.books import EXACT

ROOT = Path(__file__).parents[2]

FIGURES = {
    "seed",
    "hours",
    "cycles",
    "orders",
    "fills",
    "rebalances",
    "approvals_asked",
    "approvals_approved",
    "approvals_rejected",
    "approvals_expired",
    "final_gap_base",
    "final_gap_quote",
    "band_quote",
    "lp_base",
    "position_base",
    "trading_fees_quote",
    "realised_pnl_quote",
    *(ACCOUNT := ("lp_fees_quote", "lp_value_quote", "hedge_quote", "funding_quote", "costs_quote", "net_quote")),
}


async def summary(
    capsys: pytest.CaptureFixture[str],
    *,
    seed: int = 1,
    hours: int = 1,
    approvals: Literal["ask", "approve", "reject", "ignore"] = "approve",
) -> dict[str, str | int]:
    options = DemoOptions(hours=hours, speed=None, seed=seed, approvals=approvals, json=True)
    with capture_logs():
        assert await run_demo(options) == 0
    said: dict[str, str | int] = json.loads(capsys.readouterr().out)
    return said


async def test_the_same_seed_gives_the_same_figures(capsys: pytest.CaptureFixture[str]) -> None:
    """To the last digit; another seed gives others."""
    first = await summary(capsys)
    assert await summary(capsys) == first
    assert await summary(capsys, seed=2) != first | {"seed": 2}


def test_standard_output_is_one_json_object(tmp_path: Path) -> None:
    """Of the program itself: numbers of things as numbers, amounts as plain decimal text, and nothing else said."""
    command = [sys.executable, "-m", "bot", "demo", "--fast", "--hours", "1", "--json"]
    around = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    done = subprocess.run(command, check=False, cwd=tmp_path, env=around, capture_output=True, text=True, timeout=150)
    assert (done.returncode, done.stderr, list(tmp_path.iterdir())) == (0, "", [])
    said = json.loads(done.stdout)
    assert set(said) == FIGURES
    amounts = [value for value in said.values() if isinstance(value, str)]
    assert len(amounts) == 13 and all(re.fullmatch(r"-?\d+(\.\d+)?", amount) for amount in amounts)


@pytest.mark.parametrize(("level", "lines"), [(None, False), ("INFO", True), ("warning", False)])
def test_it_logs_as_the_environment_says(tmp_path: Path, level: str | None, lines: bool) -> None:
    """Unset, nothing under a warning: what is to be seen is printed."""
    command = [sys.executable, "-m", "bot", "demo", "--fast", "--hours", "1", "--json"]
    around = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    around |= {"LP_HEDGE_LOG_LEVEL": level} if level else {}
    done = subprocess.run(command, check=True, cwd=tmp_path, env=around, capture_output=True, text=True, timeout=150)
    assert (": decision hedge='eth'" in done.stderr) is lines, done.stderr


@pytest.mark.parametrize(("approvals", "said"), [("ask", True), ("approve", False)])
async def test_a_run_that_can_ask_nobody_says_so(
    capsys: pytest.CaptureFixture[str], approvals: Literal["ask", "approve"], said: bool
) -> None:
    """Before it says yes by itself."""
    with capture_logs():
        assert await run_demo(DemoOptions(hours=1, speed=None, seed=1, approvals=approvals)) == 0
    assert capsys.readouterr().out.startswith("Nobody can be asked in a run this fast: proposals are approved") is said


async def test_a_fast_demo_hedges(capsys: pytest.CaptureFixture[str]) -> None:
    """The first, large hedge was asked for; at the end the short is the LP's BASE within the band."""
    said = await summary(capsys, hours=3)
    assert said["approvals_asked"] == said["approvals_approved"] != 0
    assert Decimal(said["final_gap_quote"]) <= Decimal(said["band_quote"])
    assert Decimal(said["position_base"]) < 0


async def test_the_account_of_a_fast_demo_adds_up(capsys: pytest.CaptureFixture[str]) -> None:
    """To the last digit, with a short that moves against the LP's value, and as a sentence for people."""
    said = await summary(capsys, hours=9)
    *parts, net = (Decimal(said[name]) for name in ACCOUNT)
    assert EXACT.subtract(reduce(EXACT.add, parts), net) == 0
    assert Decimal(said["lp_fees_quote"]) > 0 > Decimal(said["costs_quote"])
    assert Decimal(said["lp_value_quote"]) * Decimal(said["hedge_quote"]) < 0 != Decimal(said["funding_quote"])
    with capture_logs():
        await run_demo(DemoOptions(hours=1, speed=None, seed=1, approvals="approve"))
    shown = capsys.readouterr().out
    assert "Net is the sum: LP fees, LP value, hedge, funding and costs" in shown
    assert re.search(r"^net quote +-?\d+(\.\d\d?)? USDT$", shown, re.MULTILINE)  # every digit is for --json
    shown_of = dict(re.findall(r"^(lp fees|lp value|net) quote +(-?[\d.]+) USDT$", shown, re.MULTILINE))
    alone = Decimal(re.findall(r"The position alone, LP fees and LP value: (-?[\d.]+) USDT; with the hedge", shown)[0])
    assert abs(Decimal(shown_of["lp fees"]) + Decimal(shown_of["lp value"]) - alone) <= Decimal("0.02")
    assert f"with the hedge: {shown_of['net']} USDT." in shown


@pytest.mark.parametrize("approvals", ["reject", "ignore"])
async def test_without_a_yes_nothing_large_is_traded(
    capsys: pytest.CaptureFixture[str], approvals: Literal["reject", "ignore"]
) -> None:
    """A rejected question rests, an unanswered one expires; neither trades."""
    said = await summary(capsys, approvals=approvals)
    answered = said["approvals_rejected"] if approvals == "reject" else said["approvals_expired"]
    assert answered != 0
    assert (said["orders"], said["position_base"]) == (0, "0")
