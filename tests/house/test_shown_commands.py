"""No page shows a command that no test carries out, or, where that cannot be, one that does not exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import tomllib

import pytest

from bot.arguments import build_parser
from tests.e2e.shown_commands import (
    JSON_FENCE,
    JSON_OF,
    PAGES,
    ROOT,
    RUN,
    SYNOPSIS,
    lines_in,
    shown_lines,
    why_not_run,
)

SHOWN = shown_lines()
# A command of the program that another one carries out: as its user, in its container.
INNER = re.compile(
    r"(?:sudo -u lp-hedge lp-hedge|compose exec(?: -T)? lp-hedge lp-hedge|compose run --rm lp-hedge) (.+)"
)


def test_every_shown_command_is_carried_out_or_has_a_reason() -> None:
    """A new one belongs into `RUN` of tests/e2e/shown_commands.py, or among `NOT_RUN` with the reason."""
    run = {shown.line for shown in RUN}
    unknown = {
        line: page for line, page in SHOWN.items() if not (line in run or SYNOPSIS.match(line) or why_not_run(line))
    }
    assert not unknown, unknown
    assert run <= set(SHOWN), f"shown no more: {run - set(SHOWN)}"


def test_json_is_shown_where_its_keys_are_looked_at() -> None:
    """Beside the command that gives it, which is run; one block in a page."""
    shown = {str(page.relative_to(ROOT)): len(JSON_FENCE.findall(page.read_text())) for page in PAGES}
    assert {page: count for page, count in shown.items() if count} == dict.fromkeys(JSON_OF, 1)
    assert set(JSON_OF.values()) <= {shown.line for shown in RUN}


@pytest.mark.parametrize("line", [line for line in SHOWN if why_not_run(line)])
def test_what_is_not_run_exists(line: str) -> None:
    """A shell can read it; make knows its target, the module is there, the extras are declared."""
    words = shlex.split(line)
    match words:
        case ["make", *_]:
            said = subprocess.run(
                ["make", "--dry-run", *words[1:]], cwd=ROOT, capture_output=True, text=True, check=False
            )
            assert said.returncode == 0, said.stderr
        case ["python", "-m", "pip", "install", package] | ["pip", "install", package]:
            extras = re.findall(r"[\w]+", package.partition("[")[2])
            declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
            assert set(extras) <= set(declared)
        case ["python", "-m", module, *_]:
            assert importlib.util.find_spec(module)
        case ["lp-hedge", *arguments]:
            build_parser().parse_args(arguments)
        case _:
            assert len(words) > 1
            if inner := INNER.search(line):
                build_parser().parse_args(shlex.split(inner[1]))


@pytest.mark.parametrize("shown", RUN, ids=lambda shown: shown.line)
def test_what_is_run_is_a_line_of_the_program(shown: object) -> None:
    """Told at once, before the long test of them all; `--help` ends a parser."""
    assert hasattr(shown, "arguments")
    words = shown.arguments({})
    if "--help" not in words:
        build_parser().parse_args(words)


@pytest.mark.parametrize("line", [line for line in SHOWN if SYNOPSIS.match(line)])
def test_what_is_only_outlined_is_a_command(line: str) -> None:
    """Its command has a help."""
    outlined = SYNOPSIS.match(line)
    assert outlined
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([*outlined[1].split(), "--help"])
    assert ended.value.code == 0


def test_lines_are_found_wherever_they_stand() -> None:
    """In a block, indented with its description, continued, inline; output and other programs are none."""
    text = """
    .venv/bin/lp-hedge demo --fast       a day in seconds
    lp-hedge backtest \\
      --prices x
    eth: ETHUSDT
Say `lp-hedge halt` or `halt`.
```sh
$ make docs
# a comment
systemctl restart lp-hedge
```
```toml
lp-hedge = 1
```
"""
    assert set(lines_in(text)) == {
        "lp-hedge demo --fast", "lp-hedge backtest --prices x", "lp-hedge halt", "make docs",
        "systemctl restart lp-hedge",
    }  # fmt: skip
