"""The documentation speaks of what exists."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from bot.arguments import TWINS, build_parser
from bot.commands import BY_NAME, parse
from bot.environment import Environment
from bot.pulse import BEAT_S, STALE_AFTER_S
from core.config import HedgeConfig
from core.hedging.states import EXPLANATIONS, Reason

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
# Of `make lint` and `make setup`.
PARTS_OF_CHORES = {"format-check", "types", "imports", "chain"}


def test_every_reason_is_documented_in_its_own_words() -> None:
    """What the program says about itself and what the documentation says is one text."""
    rows = re.findall(r"^\| `(\w+)` \| (.+) \|$", (ROOT / "docs" / "reasons.md").read_text(), re.MULTILINE)
    assert dict(rows) == {reason.text: EXPLANATIONS[reason] for reason in Reason}


def test_every_command_is_in_the_readme_and_none_other() -> None:
    """A command that is not described does not exist; one that is described must."""
    commands = {"run", "demo", "init", "check", "status", "health", "report", "backtest", "calibrate", "db", *TWINS}
    table = README.split("## Commands")[1].split("Exit codes")[0]
    named = set(re.findall(r"`([a-z]+)[ `]", table))
    assert commands <= named
    for line in re.findall(r"`lp-hedge ([a-z]+)", README):
        assert line in commands, line


@pytest.mark.parametrize("line", re.findall(r"^ +\.venv/bin/lp-hedge (.+?)(?: {2,}.*)?$", README, re.MULTILINE))
def test_every_shown_command_line_is_understood(line: str) -> None:
    """Copied from the README, it parses."""
    build_parser().parse_args(line.split())


def test_the_settings_named_exist() -> None:
    """No key in the table that the models do not know."""
    table = README.split("| key of `[hedges.NAME]`")[1].split("\n\n")[0]
    first_cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    keys = {key for cell in first_cells for key in re.findall(r"`(\w+)`", cell)}
    assert keys
    assert keys <= set(HedgeConfig.model_fields)


def test_local_links_lead_somewhere() -> None:
    """A file that the README points to is there."""
    for target, anchor in re.findall(r"\]\((?!http)([^)#]+)#?([^)]*)\)", README):
        assert (ROOT / target).exists(), target
        headings = re.findall(r"^#+ (.+)$", (ROOT / target).read_text(), re.MULTILINE) if anchor else [""]
        assert anchor in {re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-")) for heading in headings}, anchor


def test_the_chores_are_those_of_make() -> None:
    """`make help` lists them all, and so does the development guide's table, with what they do."""
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    known = re.findall(r"^  make ([a-z-]+) ", listed, re.MULTILINE)
    defined = re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(defined) - set(known) == PARTS_OF_CHORES
    table = (ROOT / "docs" / "development.md").read_text().split("## Chores")[1]
    rows = re.findall(r"^\| (.+) \|$", table, re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`make ([a-z-]+)`", row)} == set(known)


def test_the_logs_page_speaks_of_what_exists() -> None:
    """Its variables, flags, limits and examples are the program's."""
    page = (ROOT / "docs" / "logs.md").read_text()
    names = set(re.findall(r"`(LP_HEDGE_\w+)`", page))
    assert names == {name.upper() for name in Environment.model_fields if name.startswith("lp_hedge_log")}
    for line in re.findall(r"`lp-hedge (.+?)`|\$ lp-hedge (.+)", page):
        build_parser().parse_args("".join(line).split())
    assert f"What is older than {STALE_AFTER_S:.0f} s counts as hanging" in page and BEAT_S == 10
    (example,) = re.findall(r"^    (\{.+\})$", page, re.MULTILINE)
    assert list(json.loads(example))[:4] == ["at", "level", "logger", "event"]


DECISIONS = sorted((ROOT / "docs" / "decisions").glob("0*.md"))


def test_every_decision_is_in_the_index_and_shown_by_tests_that_exist() -> None:
    """A page whose proof was renamed away would promise what nothing holds."""
    index = (ROOT / "docs" / "decisions" / "README.md").read_text()
    assert re.findall(r"^\| \[\d+\]\((.+?)\)", index, re.MULTILINE) == [page.name for page in DECISIONS]
    tests = {path.name for path in (ROOT / "tests").rglob("test_*.py")}
    for page in DECISIONS:
        shown = page.read_text().split("## What shows it")[1]
        named = {name.rpartition("/")[2] for name in re.findall(r"`([\w/]+\.py)`", shown)}
        assert named and named <= tests, (page.name, named - tests)


def test_every_threat_is_shown_by_tests_that_exist() -> None:
    """Each row of the threat model names at least one, and none that was renamed away."""
    rows = [
        line
        for table in re.split(r"^\| threat .*\n", (ROOT / "docs" / "security.md").read_text(), flags=re.MULTILINE)[1:]
        for line in table.split("\n\n")[0].splitlines()[1:]
    ]
    assert len(rows) > 20
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert named, row
        for path, test in named:
            assert re.search(rf"^(async )?def {test}\(", (ROOT / path).read_text(), re.MULTILINE), (path, test)


PAGES = sorted((ROOT / "docs").rglob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_says_is_shown_by_exists(page: Path) -> None:
    """Files of tests, with or without their folder, and single tests in them: a renamed one would be a promise."""
    files = {path.relative_to(ROOT).as_posix(): path for path in (ROOT / "tests").rglob("*.py")}
    for name, test in re.findall(r"`((?:tests/[\w/]+|test_\w+)\.py)(?:::(\w+))?`", page.read_text()):
        meant = [path for file, path in files.items() if file == name or file.endswith(f"/{name}")]
        assert meant, name
        assert not test or any(re.search(rf"^(async )?def {test}\(", path.read_text(), re.MULTILINE) for path in meant)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    """Relative ones, from where the page is."""
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_chat_command_is_in_the_phone_page_with_an_example() -> None:
    """And no example that the program would not know."""
    text = (ROOT / "docs" / "phone.md").read_text()
    table = text.split("## Every command")[1].split("## When")[0]
    assert {parse(example).word for example in re.findall(r"`(/[^`]+)`", table)} == set(BY_NAME)


BOTFATHERS_OWN = "newbot"


@pytest.mark.parametrize("name", ["alerts", "operating", "phone", "reasons", "runbook", "settings", "start"])
def test_what_pages_tell_to_type_is_understood(name: str) -> None:
    """A command in a page for operators is one of the chat's."""
    typed = re.findall(r"`(/[a-z][^`]*)`", (ROOT / "docs" / f"{name}.md").read_text())
    assert {parse(example).word for example in typed} <= {*BY_NAME, BOTFATHERS_OWN}


def test_pictures_in_the_phone_page_are_there_and_small() -> None:
    """Made by `make pictures`; none is left over."""
    text = (ROOT / "docs" / "phone.md").read_text() + README
    shown = set(re.findall(r"pictures/([\w-]+\.(?:svg|png))", text))
    kept = {path.name for path in (ROOT / "docs" / "pictures").iterdir()}
    assert shown <= kept
    assert all((ROOT / "docs" / "pictures" / name).stat().st_size <= 200_000 for name in kept)


def test_the_theory_page_names_each_formula_and_none_other() -> None:
    """Functions of the room and first cells of the page's table are the same."""
    rows = re.findall(r"^\| (`.+?`) \|", (ROOT / "docs" / "theory.md").read_text(), re.MULTILINE)
    told = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
    room = ROOT / "core" / "replay" / "theory"
    assert told == {
        name for path in room.glob("*.py") for name in re.findall(r"^def ([a-z]\w*)", path.read_text(), re.MULTILINE)
    }
