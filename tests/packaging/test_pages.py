"""The pages on deployment and upgrading name paths and commands that exist."""

from __future__ import annotations

import re
import shlex

import pytest

from bot.arguments import build_parser
from tests.packaging.conftest import ROOT

PAGES = ("deployment.md", "upgrading.md")
TEXT = "\n".join((ROOT / "docs" / name).read_text() for name in PAGES)
LINES = [line for block in re.findall(r"^```(?:sh|text)\n(.+?)^```$", TEXT, re.MULTILINE | re.DOTALL)
         for line in block.splitlines()]  # fmt: skip
# By whom the program is started on these pages, up to its own arguments.
STARTED_BY = re.compile(
    r"(?:sudo -u lp-hedge|docker compose (?:exec(?: -T)? lp-hedge|run --rm)|docker run --rm .+?\")"
    r" lp-hedge (?P<words>[^;&]+)"
)


@pytest.mark.parametrize("line", [line for line in LINES if STARTED_BY.search(line)])
def test_the_program_understands_what_is_shown(line: str) -> None:
    """As a server's operator types it."""
    for found in STARTED_BY.finditer(line):
        build_parser().parse_args(shlex.split(found["words"]))


def test_every_line_is_for_a_known_program() -> None:
    """And what is to be copied, started and asked for is there under that name."""
    assert {shlex.split(line)[0] for line in LINES} == {"sudo", "docker", "40"}
    copied = next(line for line in LINES if "/etc/systemd/system" in line).split()
    units = [word for word in copied if word.startswith("examples/")]
    assert sorted(units) == sorted(str(path.relative_to(ROOT)) for path in (ROOT / "examples/systemd").iterdir())
    named = {unit for line in LINES for unit in re.findall(r"lp-hedge[\w-]*\.(?:service|timer)", line)}
    assert named == {unit.rpartition("/")[2] for unit in units}


def test_the_folders_are_those_of_the_units() -> None:
    """Where `make install` puts the program is where the units look for it."""
    assert "sudo make install PREFIX=/usr/local" in LINES
    for unit in (ROOT / "examples" / "systemd").glob("*.service"):
        assert "/usr/local/bin/lp-hedge " in unit.read_text()
    made = next(line for line in LINES if line.startswith("sudo useradd"))
    assert "--home-dir /var/lib/lp-hedge" in made
    assert made.endswith(" lp-hedge")
