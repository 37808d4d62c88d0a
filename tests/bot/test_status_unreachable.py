"""What `lp-hedge status` says when neither the chain nor the exchange answers: who is stopped, and both troubles."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest

from bot import cli
from core.clock import SystemClock
from core.hedge_memory import Remembered, to_json
from core.hedging.kernel_types import Memory
from storage.lock import InstanceLock
from storage.store import Store

OURS = ("TELEGRAM_", "BINANCE_", "LP_HEDGE_", "BSC_")
# Nobody listens there.
NOWHERE = "http://127.0.0.1:9"
CONFIG = """
[hedges.bnb]
chain = "bsc"
amm_type = "pancakeswap_v3"
lp_position_ids = [7]
symbol = "BNBUSDT"
"""


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: logging.Logger) -> Path:
    for name in [name for name in os.environ if name.startswith(OURS)]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BSC_RPC_URL", NOWHERE)
    monkeypatch.setenv("BINANCE_FUTURES_URL", NOWHERE)
    (tmp_path / "hedge.toml").write_text(CONFIG)
    return tmp_path


def remember(home: Path, kernel: Memory) -> None:
    async def save() -> None:
        clock = SystemClock()
        async with await Store.open(home / "data" / "lp_hedge.db", scope="paper:paper", clock=clock) as store:
            await store.memory.save("bnb", to_json(replace(Remembered(), kernel=kernel)), clock.now())

    asyncio.run(save())


def shown(capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, str]]:
    """The text, and the hedge of the JSON; facts are missing, so both exit 1."""
    assert cli.main(["status"]) == 1
    text = capsys.readouterr().out
    assert cli.main(["status", "--json"]) == 1
    return text, json.loads(capsys.readouterr().out)["hedges"][0]


@pytest.mark.parametrize(
    ("kernel", "reason", "says"),
    [
        (Memory(halted=True), "halted", "SUSPENDED: halted ("),
        (Memory(paused=True), "paused", "SUSPENDED: paused by the operator"),
    ],
)
def test_a_stop_shows_whatever_fails(
    home: Path, kernel: Memory, reason: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is stored, so it is known."""
    remember(home, kernel)
    text, hedge = shown(capsys)
    assert (hedge["state"], hedge["reason"]) == ("SUSPENDED", reason)
    assert says in text
    assert reason.upper() in text.splitlines()[0]
    assert "NOT RUNNING" in text.splitlines()[0]


def test_a_halt_that_waits_for_the_next_start_shows(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It will count before anything else does."""
    remember(home, Memory())
    assert cli.main(["halt", "bnb"]) == 0
    capsys.readouterr()
    assert shown(capsys)[1]["reason"] == "halted"


def test_it_says_whether_a_service_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The lock of the database tells; without one a look is no running program."""
    text, _ = shown(capsys)
    assert text.splitlines()[0] == "PAPER · NOT RUNNING 💤"
    assert "bnb · BNBUSDT · would be SUSPENDED" in text
    with InstanceLock(home / "data" / "lp_hedge.db"):
        text, _ = shown(capsys)
    assert text.splitlines()[0] == "PAPER · SUSPENDED ⚠️"
    assert "NOT RUNNING" not in text


def test_both_troubles_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    """Who mends the one must not learn of the other only then."""
    text, hedge = shown(capsys)
    assert hedge["reason"] in ("no_price", "stale_venue")
    assert "the bsc node did not answer (nothing listens there)" in text
    assert "Binance" in text
