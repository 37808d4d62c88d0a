"""The archives that `make dist` builds, and environments to install them into without a registry."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("lp_hedge", "__editable__")
PATIENCE_S = 300


@dataclass(frozen=True, slots=True)
class Archives:
    wheel: Path
    source: Path


def ran(*command: str | Path, cwd: Path) -> str:
    """Its output; the test fails with it when the command did. As somebody to whom this source tree is unknown, on a
    machine where pip can reach nothing."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "PIP_NO_INDEX": "1", "PIP_NO_CACHE_DIR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> Archives:
    """Of this source tree, which stays as it is."""
    folder = tmp_path_factory.mktemp("dist")
    # The environment is there, whatever make thinks of its age.
    tree = folder / "venv"
    ran("make", "dist", f"PY={sys.executable}", f"VENV={tree}", f"DIST={folder}", "-o", f"{tree}/.dev", cwd=ROOT)
    (wheel,), (source,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return Archives(wheel, source)


@pytest.fixture(scope="session")
def dependencies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All that is installed here but lp-hedge itself."""
    folder = tmp_path_factory.mktemp("dependencies")
    for package in Path(next(path for path in sys.path if path.endswith("site-packages"))).iterdir():
        if not package.name.startswith(OURS):
            (folder / package.name).symlink_to(package)
    return folder


def new_environment(folder: Path, dependencies: Path) -> Path:
    """A virtual environment that sees them; the path of its Python."""
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python3.*/site-packages")
    (packages / "dependencies.pth").write_text(f"{dependencies}\n")
    return folder / "bin" / "python"
