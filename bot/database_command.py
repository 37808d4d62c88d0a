"""`lp-hedge db`: each action, and what is said of it."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from storage.restoring import restore
from storage.upkeep import Finding, back_up, check_database


def backed_up(path: Path, copy: Path, now: datetime) -> str:
    """Raises ConfigurationError."""
    asyncio.run(back_up(path, copy, now=now))
    return f"{copy} holds a complete copy of {path}."


def restored(path: Path, copy: Path, now: datetime) -> str:
    """Raises ConfigurationError."""
    before = asyncio.run(restore(path, copy, now=now))
    kept = f" What was there is kept as {before}." if before else ""
    return f"{path} is {copy} again.{kept} What was traded since is unknown to it: see docs/storage.md."


def examined(path: Path, now: datetime) -> tuple[str, bool]:
    """Every finding on its line, and whether one of them is a fault. Raises ConfigurationError."""
    findings = asyncio.run(check_database(path, now=now))
    text = "\n".join(map(_line, findings)) or f"{path} is sound."
    return text, any(finding.is_fault for finding in findings)


def _line(finding: Finding) -> str:
    return f"{'FAULT' if finding.is_fault else 'note '} {finding.check}: {finding.detail}"
