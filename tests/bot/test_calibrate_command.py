"""The command line of `calibrate`: what is refused before anything is read or written."""

from __future__ import annotations

import importlib.util
import io
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from bot.arguments import build_parser
from bot.calibrate.run import progress_of
from bot.cli import main


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


NEEDED = ["calibrate", "--prices", "prices.csv"]


def test_the_defaults_are_as_documented() -> None:
    """A thousand settings over four parts on all cores."""
    options = build_parser().parse_args(NEEDED)
    assert (options.settings, options.folds, options.jobs, options.backend) == (1000, 4, None, "local")
    assert (options.ratios, options.order_types, options.risk_aversion, options.max_residual_quote) == (
        (),
        (),
        None,
        None,
    )


def test_lists_are_read_once_each() -> None:
    """In their order."""
    options = build_parser().parse_args([*NEEDED, "--ratios", "0.8, 1,0.8", "--order-types", "post_only,market"])
    assert options.ratios == (Decimal("0.8"), Decimal(1))
    assert options.order_types == ("post_only", "market")


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--settings", "1"),
        ("--settings", "many"),
        ("--folds", "1"),
        ("--ratios", "0.5,1.5"),
        ("--ratios", "0.5,,1"),
        ("--ratios", "nan"),
        ("--order-types", "market,iceberg"),
        ("--risk-aversion", "0"),
        ("--risk-aversion", "-1"),
        ("--max-residual-quote", "inf"),
        ("--jobs", "0"),
        ("--backend", "spark"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(flag: str, value: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With the flag, the value, and exit code 2."""
    with pytest.raises(SystemExit) as ended:
        build_parser().parse_args([*NEEDED, flag, value])
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert flag in said
    assert value in said


def test_two_aims_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """A risk aversion decides nothing under a limit."""
    with pytest.raises(SystemExit):
        build_parser().parse_args([*NEEDED, "--risk-aversion", "0.1", "--max-residual-quote", "10"])
    assert "not allowed with" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--address", "tcp://127.0.0.1:1"], "add --backend dask"),
        (["--plot", "frontier.jpg"], "must end in .png"),
        (["--plot", "nowhere/frontier.png"], "cannot be written"),
    ],
)
def test_what_cannot_end_well_is_not_begun(
    more: list[str], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 before any file is read, and none is written."""
    monkeypatch.chdir(tmp_path)
    assert main([*NEEDED, *more]) == 2
    assert sentence in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_missing_packages_are_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With what to install."""
    monkeypatch.chdir(tmp_path)
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *more: None if name == "numba" else found(name, *more)
    )
    assert main(NEEDED) == 2
    assert (
        capsys.readouterr().err
        == "lp-hedge: calibrate: this needs more packages: make research (see docs/calibration.md).\n"
    )


def test_on_a_terminal_there_is_progress_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    """While nothing is done yet, and it says why; elsewhere there is none."""
    shown, piped = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    with progress_of(1000):
        assert "compiling, half a minute, once" in shown.getvalue()
        assert "0/1000" in shown.getvalue()
    monkeypatch.setattr(sys, "stderr", piped)
    with progress_of(1000):
        assert piped.getvalue() == ""
