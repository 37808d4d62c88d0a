"""The locks: complete with hashes, free of any registry's address, and of one mind."""

from __future__ import annotations

import json
import re
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-research.lock", "requirements-dev.lock")
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z0-9,-]+\])?==(\S+)", re.MULTILINE)


def pins(name: str) -> set[tuple[str, str]]:
    """(package, version): a package is in it twice where its version depends on that of Python."""
    return set(PIN.findall((ROOT / name).read_text()))


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry(name: str) -> None:
    """Whoever installs chooses from where; the hashes say what."""
    assert not re.search(r"://|--index|--extra-index|--find-links|^file:", (ROOT / name).read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_a_hash(name: str) -> None:
    """pip's --require-hashes would refuse it otherwise, on the machine of somebody else."""
    text = (ROOT / name).read_text()
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


def test_the_locks_agree() -> None:
    """What was tested is what runs."""
    runtime, research, development = map(pins, LOCKS)
    assert runtime < research < development


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_is_whole(name: str) -> None:
    """Whatever a package of it wants here is in it too: pip's --require-hashes refuses to fetch what is not."""
    names = {package for package, _ in pins(name)}
    extras = {"requirements.lock": [], "requirements-research.lock": ["research"]}.get(name, ["research", "dev"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = set(map(Requirement, project["dependencies"]))
    wanted |= {Requirement(each) for extra in extras for each in project["optional-dependencies"][extra]}
    for package in names:
        with suppress(PackageNotFoundError):  # of another system
            wanted |= set(map(Requirement, distribution(package).requires or ()))
    here = {each.name for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})}
    assert len(here) > 40
    assert {canonicalize_name(each) for each in here} <= names


def test_the_chain_rig_is_pinned_without_addresses() -> None:
    """npm's lock too."""
    lock = json.loads((ROOT / "tests/rigs/chain/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all("integrity" in entry for entry in packages.values())
