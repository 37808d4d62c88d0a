"""What the running program loads and holds: a small machine is enough for it."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from bot.pulse import pulse_file
from tests.e2e.stage import Service, Stage, resident_mb

pytestmark = [pytest.mark.e2e, pytest.mark.chain]
IMPORTED = re.compile(r"^import time:[ \d]+\|[ \d]+\| +([\w.]+)$", re.MULTILINE)
# Of commands that replay and search, of the process that draws, and what libraries bring for uses that are not ours.
NEVER_LOADED = {
    "numpy", "numba", "llvmlite", "matplotlib", "PIL", "joblib", "tqdm", "dask", "distributed", "pandas", "scipy",
    "setuptools", "pkg_resources", "pytest",
    "core.replay", "bot.backtest.run", "bot.calibrate.run", "bot.demo.run", "bot.preflight", "bot.first_config",
    "bot.charts.drawing",
}  # fmt: skip
RESIDENT_MB = 120


def test_the_service_loads_what_it_uses_and_no_more(stage: Stage) -> None:
    """Every import of the whole process, by the interpreter's own account, and what it holds once its hedge turns."""
    stage.environment = {"PYTHONPROFILEIMPORTTIME": "1"}
    with Service(stage) as service:
        stage.telegram.wait_for(
            lambda: pulse_file(stage.database).exists() and ": decision " in service.output(), timeout_s=120
        )
        held_mb = resident_mb(service.process.pid)
        assert service.stop() == 0
    imported = set(IMPORTED.findall(service.output()))
    assert {"bot.pulse", "core.amm.reader", "telegram.ext", "binance.client", "aiosqlite"} <= imported
    assert sorted(imported & NEVER_LOADED) == []
    assert held_mb <= RESIDENT_MB


def test_what_reads_no_node_loads_no_web3() -> None:
    """The whole program is at hand without it; the first node brings it, with all that a request has no use for."""
    code = "import sys, bot.compose; sys.exit(sorted({'web3', 'eth_account'} & sys.modules.keys()) or 0)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
