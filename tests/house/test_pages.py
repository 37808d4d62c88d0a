"""The pages build strictly, are complete, and speak of files, settings and reasons that exist."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from mkdocs.utils.yaml import yaml_load

from bot.loudness import ALWAYS_TOLD
from core.config import AlertsConfig, Config
from core.hedging.kernel import decide
from core.hedging.states import Reason, State
from tests.hedging.moments import Moment, moments

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
RUNBOOK = (DOCS / "runbook.md").read_text()
LOUDNESS = {key for key, field in AlertsConfig.model_fields.items() if isinstance(field.default, str)}
TOML = re.compile(r"^```toml\n(.+?)^```", re.MULTILINE | re.DOTALL)
AN_ADDRESS = "0x" + "0" * 39 + "1"
WHOLE_HEDGE = {"chain": "bsc", "amm_type": "uniswap_v3", "lp_position_ids": [1], "symbol": "BNBUSDT"}
# A word of the development guide that is a place in the tree: it has a folder, or it is a file of the top one.
PLACE = re.compile(r"`((?:[\w.]+/)[\w./]*|[\w.]*\.(?:toml|md|example))`")


def paths_in(nav: object) -> list[str]:
    match nav:
        case str():
            return [nav]
        case list():
            return [path for each in nav for path in paths_in(each)]
        case dict():
            return [path for each in nav.values() for path in paths_in(each)]
    raise AssertionError(nav)


NAV = paths_in(yaml_load((ROOT / "mkdocs.yml").read_text())["nav"])


def test_the_pages_build_strictly(tmp_path: Path) -> None:
    """A broken link, a missing anchor, a page that is in no list or a list's page that is not there ends the build."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "site" / "index.html").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_every_page_is_listed(page: Path) -> None:
    """In `nav` of mkdocs.yml and, but for single decisions, in the first page's table."""
    name = str(page.relative_to(DOCS))
    title = page.read_text().partition("\n")[0].removeprefix("# ")
    assert name in NAV, f"add to nav in mkdocs.yml, under the heading it belongs to:  - {title}: {name}"
    if name != "index.md" and not name.startswith("decisions/0"):
        assert f"]({name}" in (DOCS / "index.md").read_text(), f"add a link to {name} in docs/index.md"


@pytest.mark.parametrize(
    ("page", "block"),
    [(page, block) for page in (ROOT / "README.md", *PAGES) for block in TOML.findall(page.read_text())],
)
def test_a_configuration_that_is_shown_is_one(page: Path, block: str) -> None:
    """What a fragment leaves out is put beside it; `0x…` stands for an address."""
    data: dict[str, Any] = tomllib.loads(block.replace("0x…", AN_ADDRESS), parse_float=Decimal)
    hedges = data.setdefault("hedges", {"bnb": {}})
    data["hedges"] = {name: WHOLE_HEDGE | hedge for name, hedge in hedges.items()}
    assert Config.model_validate(data).hedges, page


def test_what_the_development_guide_names_is_there() -> None:
    """Each file and folder of it."""
    named = set(PLACE.findall((DOCS / "development.md").read_text()))
    assert len(named) > 60
    assert not [name for name in named if not (ROOT / name).exists()]


def sections_of(heading: str) -> dict[str, str]:
    """Of a chapter of the runbook: what it says, by key."""
    chapter = RUNBOOK.split(f"\n## {heading}\n")[1].partition("\n## ")[0]
    _, *parts = re.split(r"^### `(\w+)`$", chapter, flags=re.MULTILINE)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def test_the_runbook_has_every_alert() -> None:
    """Each kind with what it means and what to do, and each event that no setting silences."""
    alerts = sections_of("Alerts")
    assert set(alerts) == LOUDNESS
    assert all(len(text.split()) > 8 for text in alerts.values())
    rows = re.findall(r"^\| (`.+?`) \|", RUNBOOK.split("## Always told")[1].partition("\n## ")[0], re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"\w+", row)} == {kind.value for kind in ALWAYS_TOLD}


def reasons_of_no_trouble() -> set[str]:
    sentence = RUNBOOK.split("## No trouble")[1].partition("Each is explained")[0]
    return set(re.findall(r"`(\w+)`", sentence))


def test_the_runbook_has_every_reason_once() -> None:
    """As a stop with what to do, or among those that are no trouble."""
    stops, others = set(sections_of("SUSPENDED, and why")), reasons_of_no_trouble()
    assert not stops & others
    assert stops | others == {reason.text for reason in Reason}


@settings(max_examples=150)
@given(moments())
def test_whatever_suspends_has_a_section(moment: Moment) -> None:
    """No situation ends in SUSPENDED for a reason that the runbook takes for harmless."""
    decision = decide(moment.seen, moment.rules, moment.mind)
    if decision.state == State.SUSPENDED:
        assert Reason(decision.reason).text not in reasons_of_no_trouble()
