"""The locks: complete with hashes, free of any registry's address, and of one mind."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-research.lock", "requirements-dev.lock")
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[a-z0-9,-]+\])?==(\S+)", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / name).read_text()))


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
    assert runtime.items() < research.items() < development.items()


def test_research_is_locked_whole() -> None:
    """What `make research` brings is what the extra of that name asks for."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = {re.split(r"[<>=]", name)[0] for name in project["optional-dependencies"]["research"]}
    assert asked and asked <= set(pins("requirements-research.lock"))


def test_the_chain_rig_is_pinned_without_addresses() -> None:
    """npm's lock too."""
    lock = json.loads((ROOT / "tests/rigs/chain/package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert not [name for name, entry in packages.items() if "resolved" in entry]
    assert all("integrity" in entry for entry in packages.values())
