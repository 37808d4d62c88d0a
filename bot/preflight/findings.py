"""What an examination found, one line each, for people and for machines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.rendering.settings import Setting


class Verdict(StrEnum):
    """FIX: `run` would refuse, or hedge wrongly. WARN: it would run; the operator should know."""

    OK = "ok"
    WARN = "warn"
    FIX = "fix"


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject`: what was looked at, such as "chain bsc"; `detail`: one sentence, for a FIX what to do."""

    subject: str
    verdict: Verdict
    detail: str


@dataclass(frozen=True, slots=True)
class Examination:
    mode: str
    findings: tuple[Finding, ...]
    settings: tuple[Setting, ...]

    @property
    def must_fix(self) -> bool:
        """Then `check` ends with 3."""
        return must_fix(self.findings)


def ok(subject: str, detail: str) -> Finding:
    """Looked at, and nothing to do."""
    return Finding(subject, Verdict.OK, detail)


def warn(subject: str, detail: str) -> Finding:
    """It would run; the operator should know."""
    return Finding(subject, Verdict.WARN, detail)


def fix(subject: str, detail: str) -> Finding:
    """It would not run, or hedge wrongly; `detail` says what to do."""
    return Finding(subject, Verdict.FIX, detail)


def must_fix(findings: Iterable[Finding]) -> bool:
    """Whether any of them is a FIX."""
    return any(finding.verdict is Verdict.FIX for finding in findings)


def report_text(examination: Examination) -> str:
    """A line for each finding, then every setting in force; last, in sight, what must be fixed and the verdict."""
    findings = examination.findings
    width = max((len(finding.subject) for finding in findings), default=0)
    lines = [f"{_mark(each):4}  {each.subject:{width}}  {each.detail}" for each in findings]
    again = [line for line, each in zip(lines, findings, strict=True) if each.verdict is Verdict.FIX]
    settings = _settings_lines(examination.settings)
    return "\n".join([*lines, "", *settings, "", *again, _verdict_line(examination)])


def report_json(examination: Examination) -> str:
    """A warning leaves `ok` true."""
    content = {
        "ok": not examination.must_fix,
        "mode": examination.mode,
        "checks": [
            {"subject": each.subject, "verdict": each.verdict.value, "detail": each.detail}
            for each in examination.findings
        ],
        "settings": [{"key": each.key, "value": each.value, "from": each.origin} for each in examination.settings],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)


def _mark(finding: Finding) -> str:
    return "FIX" if finding.verdict is Verdict.FIX else finding.verdict.value


def _settings_lines(settings: Sequence[Setting]) -> list[str]:
    width = max((len(setting.key) for setting in settings), default=0)
    shown = [f"  {setting.key:{width}}  {setting.value}  ({setting.origin})" for setting in settings]
    return ["settings in force:", *shown]


def _verdict_line(examination: Examination) -> str:
    counts = {verdict: sum(each.verdict is verdict for each in examination.findings) for verdict in Verdict}
    if examination.must_fix:
        return f"{counts[Verdict.FIX]} to fix before `lp-hedge run`."
    warned = f", {counts[Verdict.WARN]} worth a look" if counts[Verdict.WARN] else ""
    return f"Ready for `lp-hedge run` in {examination.mode} mode{warned}."
