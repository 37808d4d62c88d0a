"""What `make dist` builds holds all that the program needs, and works where nothing of this folder is."""

from __future__ import annotations

import re
import tarfile
import zipfile
from pathlib import Path

import pytest

from bot.version import VERSION
from tests.packaging.conftest import ROOT, Archives, new_environment, ran

PACKAGES = ("bot", "core", "storage")
# Told by their ends: every other file in the packages is source.
DATA = {".sql", ".csv", ".gz", ".md", ".typed"}


@pytest.fixture(scope="module")
def installed(archives: Archives, dependencies: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in an environment of its own; the folder of its commands."""
    folder = tmp_path_factory.mktemp("installed")
    python = new_environment(folder / "venv", dependencies)
    ran(python, "-m", "pip", "install", "--quiet", "--no-deps", archives.wheel, cwd=folder)
    return python.parent


def test_the_wheel_holds_every_file_of_the_packages(archives: Archives) -> None:
    """A migration or the demo's market left out would be missed on the machine of somebody else."""
    packaged = {name for name in zipfile.ZipFile(archives.wheel).namelist() if name.startswith(PACKAGES)}
    kept = {path.relative_to(ROOT) for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file()}
    assert packaged == {str(path) for path in kept if "__pycache__" not in path.parts}
    assert {Path(name).suffix for name in packaged} == {".py", *DATA}


def test_the_wheel_brings_what_people_read(archives: Archives) -> None:
    """In share/lp-hedge of the environment: every example, every page and picture, and the changelog."""
    shared = f"lp_hedge-{VERSION}.data/data/share/lp-hedge/"
    names = zipfile.ZipFile(archives.wheel).namelist()
    read = {str(path.relative_to(ROOT)) for folder in ("examples", "docs") for path in (ROOT / folder).rglob("*.*")}
    assert {name.removeprefix(shared) for name in names if name.startswith(shared)} == {
        *read, "README.md", "CHANGELOG.md", ".env.example",
    }  # fmt: skip


def test_the_source_archive_holds_what_an_installation_needs(archives: Archives) -> None:
    """And neither secrets nor databases nor tests."""
    with tarfile.open(archives.source) as archive:
        top = {Path(name).parts[1] for name in archive.getnames() if "/" in name}
    assert {"Makefile", "requirements.lock", "Dockerfile", "compose.yaml", "docs", "examples", *PACKAGES} <= top
    assert not top & {"tests", "benchmarks", ".env", "data", "hedge.toml"}


def test_it_is_of_this_version(installed: Path, tmp_path: Path) -> None:
    """The archive's, pip's and the program's own word."""
    assert ran(installed / "lp-hedge", "--version", cwd=tmp_path) == f"lp-hedge {VERSION}\n"
    said = "import bot, importlib.metadata as of; print(of.version('lp-hedge'), bot.__file__)"
    version, place = ran(installed / "python", "-c", said, cwd=tmp_path).split()
    assert version == VERSION
    assert Path(place).is_relative_to(installed.parent)


def test_help_says_where_the_pages_are(installed: Path, tmp_path: Path) -> None:
    """Sentences of the program name pages as `docs/...`: they are there without the source too."""
    (place,) = re.findall(r"^pages: +(.+)$", ran(installed / "lp-hedge", "--help", cwd=tmp_path), re.MULTILINE)
    assert Path(place).is_relative_to(installed.parent)
    assert (Path(place) / "docs" / "index.md").exists() and (Path(place) / "README.md").exists()


def test_the_demo_runs(installed: Path, tmp_path: Path) -> None:
    """With the market, the migrations and everything else from the wheel."""
    shown = ran(installed / "lp-hedge", "demo", "--fast", "--hours", "1", "--approvals", "approve", cwd=tmp_path)
    assert "net quote" in shown
    assert not list(tmp_path.iterdir())


def test_the_first_steps_say_what_is_missing(installed: Path, tmp_path: Path) -> None:
    """`init` without a terminal asks nobody and writes nothing; `check` names the next step."""
    for command, hint in (("init", "give it with --chain"), ("check", "lp-hedge init")):
        with pytest.raises(AssertionError, match=hint):
            ran(installed / "lp-hedge", command, cwd=tmp_path)
    assert not list(tmp_path.iterdir())
