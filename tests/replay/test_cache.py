"""A market read once is not read again, and the cache is never a reason to fail."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from core.errors import ConfigurationError
from core.replay.reading import cache
from core.replay.reading import recording as reading
from core.replay.reading.cache import Recording
from core.replay.reading.pair import PoolPair
from core.replay.reading.recording import read_path
from tests.replay.recorded import MAINNET_MINUTES, USDC_WETH, klines, write


def equal(one: Recording, other: Recording) -> bool:
    arrays = zip(one.path, other.path, strict=True)
    said = (one.notices, one.step_ms, one.source) == (other.notices, other.step_ms, other.source)
    return said and all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in arrays)


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "cache"


def forbid_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_again(*_: object) -> None:
        raise AssertionError("the files were read again")

    monkeypatch.setattr(reading, "read_table", read_again)


def test_the_second_read_is_of_the_cache(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same recording to the last bit, by content: another name of the same file is the same market."""
    first = read_path(MAINNET_MINUTES, pair=USDC_WETH, cache=kept)
    copy = Path(shutil.copy(MAINNET_MINUTES, tmp_path / "other.csv.gz"))
    forbid_reading(monkeypatch)
    assert equal(read_path(MAINNET_MINUTES, pair=USDC_WETH, cache=kept), first)
    assert equal(read_path(copy, pair=USDC_WETH, cache=kept), first)


def test_no_one_else_reads_the_cache(kept: Path) -> None:
    """Which markets somebody looks at is theirs to know."""
    read_path(MAINNET_MINUTES, pair=USDC_WETH, cache=kept)
    assert kept.stat().st_mode & 0o777 == 0o700
    assert [entry.stat().st_mode & 0o077 for entry in kept.iterdir()] == [0]


def test_changed_content_under_the_same_name_is_read(kept: Path, tmp_path: Path) -> None:
    """Also when size and time of change stay what they were."""
    file = write(tmp_path / "a.csv", klines(range(5)))
    before = file.stat()
    assert read_path(file, cache=kept).path.mark[4] == 104.0
    write(file, [line.replace("104.0", "104.1") for line in klines(range(5))])
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert read_path(file, cache=kept).path.mark[4] == 104.1


def test_another_pair_is_another_market(kept: Path) -> None:
    """The same file with another share of the protocol."""
    poorer = PoolPair(base_is_token0=False, decimals0=6, decimals1=18, fee=0.0005, protocol_share=0.34)
    rich, poor = (read_path(MAINNET_MINUTES, pair=pair, cache=kept).path for pair in (USDC_WETH, poorer))
    assert poor.fee_quote == pytest.approx(rich.fee_quote * 0.66)


def test_the_files_places_count(kept: Path, tmp_path: Path) -> None:
    """The pool as prices is not the pool beside prices."""
    alone = read_path(MAINNET_MINUTES, pair=USDC_WETH, cache=kept)
    both = read_path(MAINNET_MINUTES, pool_minutes=MAINNET_MINUTES, pair=USDC_WETH, cache=kept)
    assert alone.source != both.source and len(list(kept.iterdir())) == 2


@pytest.mark.parametrize("left", [0.0, 0.1, 0.5, 0.999])
def test_a_truncated_entry_is_read_anew(kept: Path, left: float) -> None:
    """And mended on the way."""
    first = read_path(MAINNET_MINUTES, pair=USDC_WETH, cache=kept)
    (entry,) = kept.iterdir()
    whole = entry.read_bytes()
    entry.write_bytes(whole[: int(len(whole) * left)])
    assert equal(read_path(MAINNET_MINUTES, pair=USDC_WETH, cache=kept), first)
    assert len(entry.read_bytes()) == len(whole)


def test_an_entry_damaged_anywhere_is_never_believed(kept: Path) -> None:
    """Every place is tried: the arrays come out right or the files are read."""
    first = read_path(MAINNET_MINUTES, pair=USDC_WETH, cache=kept)
    (entry,) = kept.iterdir()
    whole = entry.read_bytes()
    for place in range(0, len(whole), 997):
        entry.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        found = cache.load(kept, entry.stem)
        assert found is None or equal(Recording(found.path, found.notices, found.step_ms, found.source), first)


def test_a_cache_that_cannot_be_is_no_error(tmp_path: Path) -> None:
    """A file stands where the directory should be."""
    blocked = tmp_path / "file"
    blocked.write_text("mine")
    for directory in (blocked, blocked / "below"):
        assert len(read_path(MAINNET_MINUTES, pair=USDC_WETH, cache=directory).path.time_ms) == 1440
    assert blocked.read_text() == "mine"


def test_a_failed_read_leaves_nothing(kept: Path, tmp_path: Path) -> None:
    """No entry for what was refused."""
    with pytest.raises(ConfigurationError):
        read_path(write(tmp_path / "a.csv", ["nonsense"]), cache=kept)
    assert not kept.exists()


def test_the_oldest_entries_go(kept: Path, tmp_path: Path) -> None:
    """Twenty stay, used ones before unused ones, what a killed writer left behind included."""
    kept.mkdir(parents=True)
    for age in range(30):
        old = kept / f"left-{age}"
        old.touch()
        os.utime(old, (1e9 - age, 1e9 - age))
    read_path(MAINNET_MINUTES, pair=USDC_WETH, cache=kept)
    names = {entry.name for entry in kept.iterdir()}
    assert len(names) == 20
    assert {"left-0", "left-18"} <= names and "left-19" not in names


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/x"}, Path("/x/lp-hedge/replay")),
        ({}, Path.home() / ".cache/lp-hedge/replay"),
        ({"XDG_CACHE_HOME": "relative"}, Path.home() / ".cache/lp-hedge/replay"),
    ],
)
def test_where_the_cache_is(environment: dict[str, str], expected: Path) -> None:
    """As the desktop standard has it."""
    assert cache.default_directory(environment) == expected
