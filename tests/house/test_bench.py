"""A benchmark that misses its limit says so, and so does its exit code."""

from __future__ import annotations

import json

import pytest

from benchmarks.lines import Line, tell

REPORTED = Line("longest", 9.0, "s")


@pytest.mark.parametrize(
    ("promised", "code", "word"),
    [
        (Line("start", 1.5, "s", 2.0), 0, "(at most 2)"),
        (Line("start", 2.5, "s", 2.0), 1, "(at most 2) MISSED"),
        (Line("pace", 7.0, "M/s", least=5), 0, "(at least 5)"),
        (Line("pace", 3.0, "M/s", least=5), 1, "(at least 5) MISSED"),
        (Line("start", float("nan"), "s", 2.0), 1, "MISSED"),
    ],
)
def test_a_missed_limit_is_told_and_ends_with_1(
    promised: Line, code: int, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What has no limit is reported alone; what could not be measured is not kept."""
    assert tell([REPORTED, promised]) == code
    reported, line = capsys.readouterr().out.splitlines()
    assert reported.endswith("9.000 s")
    assert line.endswith(word)
    assert tell([REPORTED, promised], as_json=True) == code
    assert [each["kept"] for each in json.loads(capsys.readouterr().out)] == [True, code == 0]
