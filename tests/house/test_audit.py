"""`make audit` passes aloud where the database of known weaknesses is out of reach, and fails for any other reason."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NOBODY = "http://127.0.0.1:9"


def audit(*files: str) -> subprocess.CompletedProcess[str]:
    """With a way out that leads nowhere."""
    ways = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), NOBODY)
    environment = {**os.environ, **ways, "no_proxy": "", "NO_PROXY": "", "VENV": sys.prefix}
    command = [str(ROOT / ".ci" / "audit"), *files]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_out_of_reach_is_said_and_passes() -> None:
    """A machine without the internet can still run everything else."""
    done = audit()
    assert done.returncode == 0, done.stderr
    assert "SKIPPED" in done.stdout


def test_a_lock_that_cannot_be_audited_fails(tmp_path: Path) -> None:
    """Without hashes nobody knows what would be installed."""
    (tmp_path / "loose.lock").write_text("idna>=3\n")
    done = audit(str(tmp_path / "loose.lock"))
    assert done.returncode == 1
    assert "SKIPPED" not in done.stdout
