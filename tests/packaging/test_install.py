"""`make install` from the source archive: in an environment of its own, again, and away."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bot.version import VERSION
from tests.packaging.conftest import Archives, new_environment, ran

Make = Callable[..., str]


@pytest.fixture
def source(archives: Archives, tmp_path: Path) -> Path:
    """Unpacked, as somebody has it who got the archive alone."""
    ran("tar", "xzf", archives.source, cwd=tmp_path)
    return tmp_path / f"lp_hedge-{VERSION}"


@pytest.fixture
def make(source: Path, dependencies: Path, tmp_path: Path) -> Make:
    """The locked dependencies are there already: no registry is asked in a test."""
    new_environment(tmp_path / "usr" / "lib" / "lp-hedge" / VERSION, dependencies)
    return lambda target: ran("make", target, f"PREFIX={tmp_path}/usr", "RUNTIME_LOCK=/dev/null", cwd=source)


def test_installed_twice_and_removed(make: Make, source: Path, tmp_path: Path) -> None:
    """The second time renews it; what an operator keeps beside it stays."""
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    command, mine = tmp_path / "usr" / "bin" / "lp-hedge", tmp_path / "usr" / "bin" / "mine"
    assert make("install") == f"lp-hedge {VERSION} is installed as {command}\n"
    mine.touch()
    (installed,) = (tmp_path / "usr").rglob("bot/version.py")
    installed.unlink()
    make("install")
    assert ran(command, "--version", cwd=tmp_path) == f"lp-hedge {VERSION}\n"
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
    make("uninstall")
    assert not command.exists()
    assert not (tmp_path / "usr" / "lib" / "lp-hedge").exists()
    assert mine.exists()
    assert make("uninstall") == f"Nothing of lp-hedge is under {tmp_path}/usr.\n"


def test_what_was_only_ours_leaves_nothing(make: Make, tmp_path: Path) -> None:
    """Also the folders, where nothing else is in them."""
    make("install")
    assert "is removed" in make("uninstall")
    assert not list((tmp_path / "usr").iterdir())


def test_another_command_of_that_name_is_left_alone(make: Make, tmp_path: Path) -> None:
    """Uninstalling takes its own link away and no other."""
    other = tmp_path / "usr" / "bin" / "lp-hedge"
    other.parent.mkdir()
    other.symlink_to("/bin/true")
    make("uninstall")
    assert other.is_symlink()
