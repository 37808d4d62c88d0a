"""One version, in one place, and a changelog that knows it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from bot.version import VERSION

ROOT = Path(__file__).parents[2]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text()
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_the_newest_version_of_the_changelog_is_the_programs() -> None:
    """The others come after it, each smaller than the one before."""
    versions = re.findall(r"^## \[(\d+\.\d+\.\d+)\] - (?:\d{4}-\d{2}-\d{2}|unreleased)$", CHANGELOG, re.MULTILINE)
    assert versions[0] == VERSION
    numbers = [tuple(map(int, version.split("."))) for version in versions]
    assert numbers == sorted(set(numbers), reverse=True)


def test_the_changelog_has_its_form() -> None:
    """No other headings than versions and the kinds of change of Keep a Changelog."""
    headings = re.findall(r"^(#{2,}) (.+)$", CHANGELOG, re.MULTILINE)
    assert all(re.match(r"\[(Unreleased|\d+\.\d+\.\d+)\]", text) for level, text in headings if level == "##")
    assert {text for level, text in headings if level != "##"} <= KINDS


def test_the_package_takes_its_version_from_the_program() -> None:
    """So that they cannot differ."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert "version" in project["project"]["dynamic"]
    assert project["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "bot.version.VERSION"}
