"""`python -m tests.soak.publish FOLDER` puts the result of a run on docs/reliability.md, in place of its last."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- result of a soak -->", "<!-- end of the result -->"
SHOWN_FINDINGS = 30


def table(command: str, facts: Mapping[str, str], findings: Sequence[str]) -> str:
    """Markdown: the command, the verdict and every fact, and the first of the findings."""
    verdict = "every rule held" if not findings else f"{len(findings)} findings, below"
    rows = {"verdict": verdict} | dict(facts)
    lines = [f"    {command}", "", "| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]
    return "\n".join([*lines, "", *(f"- {finding}" for finding in findings[:SHOWN_FINDINGS])]).rstrip("\n")


def published(page: str, folder: Path) -> str:
    """The page with the result that lies in the folder."""
    result = json.loads((folder / "result.json").read_text())
    head, _, rest = page.partition(BEGIN)
    _, _, tail = rest.partition(END)
    made = table(result["command"], result["facts"], result["findings"])
    return f"{head}{BEGIN}\n\n{made}\n\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(published(PAGE.read_text(), Path(sys.argv[1])))
