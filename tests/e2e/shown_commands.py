"""Every command that README and docs show, and how each is carried out by a test: where, with what, what it says."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
PROGRAM = "lp-hedge"
BEGINS = re.compile(r"^(\$ )?(\.venv/bin/)?(lp-hedge|make|python -m|pip install|docker|systemctl|sudo|journalctl)\s")
FENCE = re.compile(r"^```(?:sh|bash|console)\n(.+?)^```$", re.MULTILINE | re.DOTALL)
OTHER_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"^    (\S.*)$", re.MULTILINE)
INLINE = re.compile(r"`([^`\n]+)`")
RESULTS = ("> ", "# ")

# What cannot be carried out here, by how it begins, and why not. It must still be a line that a shell can read.
NOT_RUN: Mapping[str, str] = {
    "make": "sets up, or takes minutes; make itself says what it would do",
    "(?:python -m )?pip install": "would ask a package index; the extras that it names exist",
    "python -m (?:benchmarks|tests)": "measures for minutes; the module exists",
    "docker": "no container engine in the tests",
    "systemctl": "no service manager in the tests",
    "sudo": "changes the machine",
    "journalctl": "no service manager in the tests",
    "apt": "changes the machine",
    "lp-hedge run --log-format": "the tests of the log run it",
    "git": "would ask a remote repository",
    "curl": "would leave the machine",
}
# A line that names what is to be put in is no command yet: `lp-hedge db backup FILE`, `lp-hedge halt [NAME]`.
SYNOPSIS = re.compile(rf"^{PROGRAM}((?: [a-z]+)*) (?:\[|[A-Z]{{2,}}\b)")


class Scene(Enum):
    """`FRESH`: nothing but the checkout; `PAPER`: a new user with a node; `LIVE`: a service runs and hedges."""

    FRESH = auto()
    PAPER = auto()
    LIVE = auto()


@dataclass(frozen=True, slots=True)
class Shown:
    """`line` as it is shown; `says` is in its output.

    `instead`: what stands for its example values. `adds`: further arguments that make it short, or `--help` where only
    the command's name is shown.
    """

    line: str
    scene: Scene
    says: str
    code: int = 0
    instead: Mapping[str, str] = field(default_factory=dict)
    adds: tuple[str, ...] = ()

    def arguments(self, values: Mapping[str, str]) -> list[str]:
        """`values`: what the scene knows, such as the id of its position."""
        known = {**values, **self.instead}
        words = shlex.split(self.line.replace("python -m bot", PROGRAM))
        return [known.get(word, word) for word in words[1:]] + list(self.adds)


HELP = ("--help",)
DATA = (
    "--prices tests/data/market/ETHUSDT-perp-1m-2025-05-04_2025-06-15.csv.gz"
    " --funding tests/data/market/ETHUSDT-funding-8h-from-2025-04-15.csv"
    " --lower 1600 --upper 3000 --value-quote 100000"
)
# In the order in which they are carried out.
RUN = (
    Shown("python -m bot", Scene.FRESH, "exit codes", adds=HELP),
    Shown("lp-hedge --help", Scene.FRESH, "pages: "),
    Shown("lp-hedge demo --fast --hours 24", Scene.FRESH, "net quote", instead={"24": "2"}),
    Shown(
        "lp-hedge demo --fast --hours 24 --approvals approve --json", Scene.FRESH, '"net_quote"', instead={"24": "2"}
    ),
    Shown("lp-hedge backtest", Scene.FRESH, "--prices", adds=HELP),
    Shown(f"lp-hedge --config examples/backtest.toml backtest {DATA}", Scene.FRESH, "Hedging", adds=("--days", "1")),
    Shown(
        f"lp-hedge --config examples/backtest.toml backtest {DATA} --fee-apr 0.25 --plot backtest.png"
        " --trades fills.csv",
        Scene.FRESH,
        "LP fees",
        adds=("--days", "1"),
    ),
    Shown("lp-hedge calibrate", Scene.FRESH, "--settings", adds=HELP),
    Shown(
        f"lp-hedge --config examples/backtest.toml calibrate {DATA} --plot frontier.png",
        Scene.FRESH,
        "Calibration of eth",
        adds=("--days", "1", "--settings", "2", "--jobs", "1"),
    ),
    Shown("lp-hedge init", Scene.PAPER, "--chain", code=2),
    Shown("lp-hedge init --chain bsc --id 123456 --symbol BNBUSDT --rpc https://...", Scene.PAPER, "Wrote hedge.toml"),
    Shown("lp-hedge init --telegram", Scene.PAPER, "4711"),
    Shown("lp-hedge check", Scene.PAPER, "ok"),
    Shown("lp-hedge run", Scene.PAPER, ""),
    Shown("lp-hedge status", Scene.PAPER, "PAPER"),
    Shown("lp-hedge status --json", Scene.LIVE, '"residual_base"'),
    Shown("lp-hedge health", Scene.LIVE, "Health: "),
    Shown("lp-hedge pause", Scene.LIVE, "Paused: eth."),
    Shown("lp-hedge resume eth", Scene.LIVE, "Resumed: eth."),
    Shown("lp-hedge halt", Scene.LIVE, "Halted: eth."),
    Shown("lp-hedge resume", Scene.LIVE, "Resumed: eth."),
    Shown("lp-hedge hedge eth --yes", Scene.LIVE, "nothing to trade", code=1),
    Shown("lp-hedge follow keep eth", Scene.LIVE, "othing", code=1),
    Shown("lp-hedge follow close eth --yes", Scene.LIVE, "othing", code=1),
    Shown("lp-hedge report", Scene.LIVE, "Net"),
    Shown("lp-hedge report --days 30 --by day", Scene.LIVE, "Net"),
    Shown("lp-hedge report --days 30 --csv fills.csv --parts parts.csv --json", Scene.LIVE, '"total"'),
    Shown("lp-hedge db backup", Scene.LIVE, "FILE", adds=HELP),
    Shown("lp-hedge db backup copy.db", Scene.LIVE, "holds a complete copy"),
    Shown("lp-hedge --db copy.db db check", Scene.LIVE, "is sound"),
    Shown("lp-hedge db restore", Scene.LIVE, "FILE", adds=HELP),
    Shown("lp-hedge db restore copy.db", Scene.LIVE, "already runs", code=2),
    Shown("lp-hedge db check", Scene.LIVE, "is sound"),
    Shown("lp-hedge flatten eth --yes", Scene.LIVE, "Flattening eth"),
)

# Where JSON is shown, and which of the commands gives its keys: one block in each page.
JSON_OF: Mapping[str, str] = {"docs/operating.md": "lp-hedge status --json"}
JSON_FENCE = re.compile(r"^```json\n(.+?)^```", re.MULTILINE | re.DOTALL)


def shown_lines() -> dict[str, str]:
    """Each command line that a page shows, in one spelling, with the page where it stands first."""
    found: dict[str, str] = {}
    for page in PAGES:
        for line in lines_in(page.read_text()):
            found.setdefault(line, str(page.relative_to(ROOT)))
    return found


def lines_in(text: str) -> Iterator[str]:
    """In blocks for a shell every line is one; elsewhere, indented or inline, what begins as one."""
    text = text.replace("\\\n", " ")
    for block in FENCE.findall(text):
        yield from (plain(line) for line in block.splitlines() if line.strip() and not line.startswith(RESULTS))
    rest = OTHER_FENCE.sub("", text)
    for line in (*INDENTED.findall(rest), *INLINE.findall(rest)):
        if BEGINS.match(line):
            yield plain(line)


def plain(line: str) -> str:
    """Without prompt, folder, comment, and what an indented line says of itself after two blanks."""
    command = line.strip().removeprefix("$ ").removeprefix(".venv/bin/")
    command = re.split(r" {2,}(?! |--)", command)[0]
    return re.sub(r"\s+", " ", command.partition(" # ")[0]).strip()


def why_not_run(line: str) -> str | None:
    return next((why for words, why in NOT_RUN.items() if re.match(rf"{words}\b", line)), None)
