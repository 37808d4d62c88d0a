"""`lp-hedge backtest` with anything wrong: one sentence, exit code 2, and nothing written."""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot import cli
from bot.backtest import run
from bot.backtest.run import MANY_BARS
from tests.bot.replays import START_MS

ROOT = Path(__file__).parents[2]
POOL = ROOT / "tests" / "data" / "pool" / "ethereum_univ3_usdc_weth_500_minute_2024-01-05.csv.gz"
HEADER = "open_time_ms,open,high,low,close,volume"
POSITION = ("--lower", "1600", "--upper", "2500", "--value-quote", "100000")


def line(minute: int, close: str = "2000") -> str:
    return f"{START_MS + 60_000 * minute},2000,2001,1999,{close},5"


def lines(*some: str) -> bytes:
    return "\n".join((HEADER, *some, "")).encode()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with a hedge and ten good minutes, and no home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "hedge.toml").write_text((ROOT / "examples" / "backtest.toml").read_text())
    (tmp_path / "good.csv").write_bytes(lines(*map(line, range(10))))
    return tmp_path


def complaint(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> str:
    """What is said of a run that ends with 2, asked for every output and writing none."""
    before = sorted(folder.iterdir())
    wanted = ("--trades", "fills.csv", "--plot", "plot.png")
    assert cli.main(["backtest", *wanted, *words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("lp-hedge: ")
    assert said.err.count("\n") == 1, said.err
    assert [path for path in sorted(folder.iterdir()) if path.name != "cache"] == before
    return said.err


BAD_PRICES = [
    (b"", "bad.csv"),
    (f"{HEADER}\n".encode(), "bad.csv"),
    (b"some,other,columns\n1,2,3\n", "bad.csv"),
    (lines(line(0), line(1, "dear"), line(2)), "line 3"),
    (lines(line(0), line(1, "nan"), line(2)), "line 3"),
    (lines(line(0), line(1, "-2000"), line(2)), "line 3"),
    (lines(line(0), line(1, "2500"), line(2)), "line 3"),
    (lines(line(0), line(2), line(1)), "line 4"),
    (lines(line(0), line(1), line(1, "2000.5"), line(2)), "line 4"),
    (lines("2025-05-04 15:34,1,1,1,1,1", "2025-05-04T15:35+00:00,1,1,1,1,1"), "line 3"),
    (gzip.compress(lines(*map(line, range(10))))[:-20], "bad.csv"),
    (b"\x00\xff\x13binary\n" * 5, "bad.csv"),
]


@pytest.mark.parametrize(("content", "words"), BAD_PRICES)
def test_a_bad_file_is_one_sentence(
    capsys: pytest.CaptureFixture[str], folder: Path, content: bytes, words: str
) -> None:
    """With the file, and the line where there is one."""
    (folder / "bad.csv").write_bytes(content)
    said = complaint(capsys, folder, "--prices", "bad.csv", *POSITION)
    assert "bad.csv" in said and words in said


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--prices", "none.csv", *POSITION), "none.csv"),
        (("--prices", ".", *POSITION), "."),
        (("--prices", "good.csv"), "which position? Give --lower, --upper and --value-quote"),
        (("--prices", "good.csv", "--lower", "1600"), "belong together"),
        (("--prices", "good.csv", "--hedge", "bnb", *POSITION), "there is no hedge bnb: the configuration has eth"),
        (("--prices", "good.csv", "--config", "none.toml", *POSITION), "there is no configuration at none.toml"),
        (("--prices", "good.csv", "--trades", "none/fills.csv", *POSITION), "none/fills.csv cannot be written"),
        (("--prices", "good.csv", "--plot", "plot.jpg", *POSITION), "must end in .png"),
        (("--prices", "good.csv", "--trades", "good.csv", *POSITION), "would overwrite what is read"),
        (("--prices", "good.csv", "--from", "2026-01-01", *POSITION), "no prices from 2026-01-01 00:00 UTC"),
        (("--prices", "good.csv", "--pool-minutes", "good.csv", *POSITION), "these are klines"),
        (
            ("--prices", str(POOL), "--pool-token-order", "base-quote", *POSITION),
            "at --pool-token-order and --decimals",
        ),
        (("--prices", str(POOL), "--decimals", "18,18", *POSITION), "--pool-token-order and --decimals"),
        (("--prices", str(POOL), "--fee-apr", "0.2", *POSITION), "leave out --fee-apr"),
    ],
)
def test_a_bad_call_is_one_sentence(
    capsys: pytest.CaptureFixture[str], folder: Path, flags: Sequence[str], words: str
) -> None:
    """That says what to give."""
    assert words in complaint(capsys, folder, *flags)


def test_a_long_run_without_numba_says_what_to_install(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, and on stderr, where it spoils no output; a short one needs no advice."""
    monkeypatch.setattr(run, "can_compile", lambda: False)
    run.tell_of_waiting(MANY_BARS + 1)
    said = capsys.readouterr()
    assert said.out == ""
    assert (
        said.err
        == "numba is not installed: `make research` in the folder of the source makes this a hundred times faster.\n"
    )
    run.tell_of_waiting(MANY_BARS)
    assert capsys.readouterr().err == ""


def test_funding_of_another_time_is_one_sentence(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """It would be a backtest without funding that says nothing of it."""
    (folder / "funding.csv").write_text("funding_time_ms,funding_rate\n1600000000000,0.0001\n1600028800000,0.0001\n")
    assert "funding.csv" in complaint(capsys, folder, "--prices", "good.csv", "--funding", "funding.csv", *POSITION)


def test_a_limit_that_no_order_passes_is_found_before_the_run(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """As the live program finds it."""
    config = folder / "hedge.toml"
    config.write_text(config.read_text() + "max_order_quote = 1\n")
    assert "max_order_quote" in complaint(capsys, folder, "--prices", "good.csv", *POSITION)
