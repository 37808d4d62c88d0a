"""`lp-hedge backtest` on recorded markets, through the real command line in a process of its own."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from tests.e2e.stage import Stage

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).resolve().parents[2]
MARKET, POOL = ROOT / "tests" / "data" / "market", ROOT / "tests" / "data" / "pool"
ETH = (
    "--prices", str(MARKET / "ETHUSDT-perp-1m-2025-05-04_2025-06-15.csv.gz"),
    "--funding", str(MARKET / "ETHUSDT-funding-8h-from-2025-04-15.csv"),
    "--lower", "1600", "--upper", "3000", "--value-quote", "100000",
)  # fmt: skip
POOL_DAYS = POOL / "polygon_univ3_usdc_weth_500_minute_2023-08-13_2023-08-17.csv.gz"
JSON_NAMES = {
    "hedge", "symbol", "source", "start", "end", "days", "bars", "bar_seconds", "position", "parts", "unknown",
    "impermanent_loss", "hedging", "exposure", "risk", "theory", "observed", "states", "reasons", "notices",
}  # fmt: skip
# Nothing is compiled: a process that only compiles would take longer than all of these replays.
INTERPRETED = {"NUMBA_DISABLE_JIT": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "hedge.toml").write_text((ROOT / "examples" / "backtest.toml").read_text())
    return tmp_path


def surroundings(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
        **INTERPRETED,
    }


def backtest(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", "backtest", *words],
        cwd=folder, env=surroundings(folder), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip


def test_a_day_of_eth_with_funding(folder: Path) -> None:
    """What is told adds up, every fill is in the file, and a second run, from the cache, tells the same."""
    words = (*ETH, "--from", "2025-05-08", "--days", "1", "--fee-apr", "0.25")
    done = backtest(folder, *words, "--json", "--trades", "fills.csv", "--plot", "plot.png")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("1,440 bars in ")
    data = json.loads(done.stdout)
    assert set(data) == JSON_NAMES
    parts = {name: Decimal(value) for name, value in data["parts"].items()}
    beside = ("net", "residual", "realised", "unrealised")
    assert sum(value for name, value in parts.items() if name not in beside) == parts["net"]
    assert parts["funding"] != 0 and parts["lp_fees"] > 0 > parts["lvr"]
    assert data["unknown"] == []
    rows = list(csv.DictReader((folder / "fills.csv").read_text().splitlines()))
    assert len(rows) == int(data["hedging"]["fills"]) > 5
    turnover = sum(Decimal(row["quantity"]) * Decimal(row["price"]) for row in rows)
    assert float(turnover) == pytest.approx(float(data["hedging"]["turnover_quote"]))
    fees = sum(Decimal(row["fee"]) for row in rows)
    assert float(fees) == pytest.approx(-float(parts["commissions"]))
    held = sum((1 if row["side"] == "BUY" else -1) * Decimal(row["quantity"]) for row in rows)
    assert float(held) == pytest.approx(float(rows[-1]["position"]))
    assert (folder / "plot.png").read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in folder.iterdir()) == ["cache", "fills.csv", "hedge.toml", "plot.png"]
    again = backtest(folder, *words, "--json")
    assert again.stdout == done.stdout


def test_a_pool_tells_its_own_fees(folder: Path) -> None:
    """A pool's minutes as the only recording: fees are known without any flag, funding is not."""
    place = ("--lower", "1500", "--upper", "2200", "--value-quote", "50000", "--days", "1")
    done = backtest(folder, "--prices", str(POOL_DAYS), *place)
    assert done.returncode == 0, done.stderr
    assert "Fees would pay for the LVR up to a volatility of" in done.stdout
    assert "Not in it: funding (not recorded: --funding)." in " ".join(done.stdout.split())
    assert max(map(len, done.stdout.splitlines())) <= 100
    kept = backtest(folder, "--prices", str(POOL_DAYS), *place, "--json", "--protocol-share", "0.34")
    whole = backtest(folder, "--prices", str(POOL_DAYS), *place, "--json")
    share = float(json.loads(kept.stdout)["parts"]["lp_fees"]) / float(json.loads(whole.stdout)["parts"]["lp_fees"])
    assert share == pytest.approx(0.66, rel=1e-3)


def test_nobody_answers(folder: Path) -> None:
    """The opening needs a person: without one there is no short, and the time is spent waiting."""
    done = backtest(folder, *ETH, "--days", "0.25", "--answer-after", "never", "--json")
    data = json.loads(done.stdout)
    assert data["hedging"]["fills"] == "0"
    assert data["risk"]["liquidation_distance_low_pct"] is None
    assert data["parts"]["commissions"] == "0.0"
    assert max(data["states"], key=lambda name: float(data["states"][name])) != "READY"


def test_it_runs_without_the_research_extra(folder: Path) -> None:
    """Interpreted, with the same result: numba is not there at all."""
    words = ["backtest", *ETH, "--days", "0.1", "--json"]
    code = f"import sys; sys.modules['numba'] = None; from bot.cli import main; sys.exit(main({words!r}))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=surroundings(folder), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == backtest(folder, *words[1:]).stdout


@pytest.mark.chain
def test_without_a_position_it_is_the_hedges_own(stage: Stage) -> None:
    """Read from the chain as `status` reads it; what it is worth at the first price is what was put in."""
    rows = [f"{1746372840000 + 60_000 * minute},2000,2001,1999,2000,5" for minute in range(30)]
    (stage.folder / "flat.csv").write_text("\n".join(["open_time_ms,open,high,low,close,volume", *rows, ""]))
    stage.configure({}, INTERPRETED | {"XDG_CACHE_HOME": str(stage.folder / "cache")})
    done = stage.call("backtest", "--prices", "flat.csv", "--json")
    assert done.returncode == 0, done.stderr
    replayed = json.loads(done.stdout)
    (lp,) = json.loads(stage.call("status", "--json").stdout)["hedges"][0]["lp"]["positions"]
    assert float(replayed["position"]["lower"]) == pytest.approx(float(lp["price_lower"]))
    assert float(replayed["position"]["upper"]) == pytest.approx(float(lp["price_upper"]))
    worth = float(lp["base"]) * 2000 + float(lp["quote"])
    assert float(replayed["position"]["first_value_quote"]) == pytest.approx(worth, rel=1e-6)
    assert "as its chain shows it now" in replayed["notices"][-1]
    assert stage.orders_sent() == 0
    assert not stage.database.exists()
    stage.configure({}, {"LOCAL_RPC_URL": ""})
    alone = stage.call("backtest", "--prices", "flat.csv")
    assert alone.returncode == 2
    assert "which position? Give --lower, --upper and --value-quote" in alone.stderr


def test_a_mistake_writes_nothing(folder: Path) -> None:
    """One sentence, 2, and an older file of that name is as it was."""
    (folder / "fills.csv").write_text("older")
    (folder / "bad.csv").write_text("open_time_ms,open,high,low,close,volume\n1746372840000,1,1,1,dear,1\n")
    done = backtest(folder, "--prices", "bad.csv", *ETH[4:], "--trades", "fills.csv", "--plot", "plot.png")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("lp-hedge: ") and done.stderr.count("\n") == 1
    assert "bad.csv" in done.stderr and "line 2" in done.stderr
    assert (folder / "fills.csv").read_text() == "older"
    assert not (folder / "plot.png").exists()
    assert not [path.name for path in folder.iterdir() if path.name.endswith(".part")]
