"""What is no market is refused in one sentence with the file and the line."""

from __future__ import annotations

import gzip
import os
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.replay.reading.cache import Recording
from core.replay.reading.lines import CHUNK_BYTES
from core.replay.reading.pair import PoolPair
from core.replay.reading.recording import read_path
from tests.replay.recorded import (
    ETH_FUNDING,
    EVENT_HEADER,
    KLINE_HEADER,
    MAINNET_EVENTS,
    MAINNET_MINUTES,
    MINUTE_MS,
    POLYGON_FALL,
    POOL_HEADER,
    START_MS,
    USDC_WETH,
    kline,
    klines,
    pool_minute,
    write,
)

POOL = [POOL_HEADER, *(pool_minute(f"2024-01-05 00:0{minute}:00") for minute in range(5))]
EVENTS = [
    EVENT_HEADER,
    "1,2024-01-05 00:00:23,SWAP,0xa,1,-22686110,10000000000000000,1662995104975155420368771254341874,199045,10,,,,",
    "1,2024-01-05 00:00:23,SWAP,0xb,2,1779711470,-783707260129944808,1662990119151672310826534140478120,199045,10,,,,",
    "2,2024-01-05 00:01:35,MINT,0xc,1,1,1,1662990119151672310826534140478120,199045,12,7,199000,199100,2",
]


def refusal(file: Path, **others: Path) -> str:
    """The sentence, which is one."""
    with pytest.raises(ConfigurationError) as caught:
        read_path(file, pair=USDC_WETH, **others)
    said = str(caught.value)
    assert "\n" not in said
    return said


def changed(lines: list[str], place: int, old: str, new: str) -> list[str]:
    assert old in lines[place]
    return [*lines[:place], lines[place].replace(old, new, 1), *lines[place + 1 :]]


BARS = klines(range(6))
AT_BAR_3 = str(START_MS + 2 * MINUTE_MS)


@pytest.mark.parametrize(
    ("lines", "line", "said"),
    [
        ([KLINE_HEADER], None, "nothing below it"),
        (["time;open;high"], 1, "`time;open;high` are not known; expected klines (open_time,"),
        ([KLINE_HEADER.replace("low", "high"), kline(0), kline(1)], 1, "not known"),
        (changed(BARS, 3, "102.5", "abc"), 4, "high: `abc` is no number"),
        (changed(BARS, 3, "102.5", ""), 4, "high: is empty"),
        (changed(BARS, 3, "102.5", "nan"), 4, "high: `nan` is no number that a market can have"),
        (changed(BARS, 3, "102.5", "inf"), 4, "high: `inf` is no number that a market can have"),
        (changed(BARS, 3, "102.5", "1e99"), 4, "high: `1e99` is no number that a market can have"),
        (changed(BARS, 3, "102.5", "1_02.5"), 4, "high: `1_02.5` is no number"),
        (changed(BARS, 3, ",101.5,", ",-1,"), 4, "low: a price must be above zero"),
        (changed(BARS, 3, ",101.5,", ",0,"), 4, "low: a price must be above zero"),
        (changed(BARS, 3, ",102.5,", ",101,"), 4, "the high is below the low"),
        (changed(BARS, 3, "102.0,10.5", "103,10.5"), 4, "the close is outside of low and high"),
        (changed(BARS, 3, "102.0,102.5", "90,102.5"), 4, "the open is outside of low and high"),
        (changed(BARS, 3, "10.5", "-1"), 4, "volume: below zero"),
        (changed(BARS, 3, ",10.5", ""), 4, "5 columns where 6 were expected"),
        (changed(BARS, 3, "10.5", "10.5,"), 4, "7 columns where 6 were expected"),
        (changed(BARS, 3, AT_BAR_3, "12"), 4, "time: `12` is no time between 2009 and 2100"),
        (changed(BARS, 3, AT_BAR_3, "9" * 30), 4, "is no time"),
        (changed(BARS, 3, AT_BAR_3, "2025-05-04"), 4, "`2025-05-04` is no whole number as the times before it"),
        (
            changed(BARS, 3, AT_BAR_3, str(START_MS - MINUTE_MS)),
            4,
            "2025-05-04 15:32 is before the line above",
        ),
        (changed(BARS, 3, AT_BAR_3, str(START_MS + MINUTE_MS)), 4, "a second row of 2025-05-04 15:34, and it differs"),
        (
            changed(BARS, 3, AT_BAR_3, str(START_MS + 100_000)),
            4,
            "40 seconds after the line above, in",
        ),
        ([*BARS, kline(60_000)], 8, "more bars are missing than recorded"),
        ([KLINE_HEADER, kline(0)], 2, "a single bar"),
        ([*BARS[:3], "", *BARS[3:]], 4, "the line is empty"),
        ([*BARS, "", "", "x"], 8, "the line is empty"),
        ([*BARS[:3], "x" * 10_000], 4, "this is no table"),
        (changed(POOL, 3, "2024-01-05 00:02:00", "2024-01-05 00:02:00+00:00"), 4, "with and without an offset"),
        (changed(POOL, 3, "2024-01-05 00:02:00", "2024-01-05 00:02:00Z"), 4, "with and without an offset"),
        (changed(POOL, 3, "2024-01-05 00:02:00", "2024-01-35 00:02:00"), 4, "is no date and time such as"),
        (changed(POOL, 3, "2024-01-05 00:02:00", "1924-01-05 00:02:00"), 4, "is no time between 2009 and 2100"),
        (changed(POOL, 3, "1000000000000000000", "-1"), 4, "inAmount1: below zero"),
        (changed(POOL, 3, ",12453", ",-12453"), 4, "currentLiquidity: below zero"),
        (changed(POOL, 3, ",200001,", ",2000010,"), 4, "highestTick: no pool has such a tick"),
        (changed(POOL, 3, ",200001,", ",100,"), 4, "the highest tick is below the lowest"),
        (changed(EVENTS, 2, "SWAP", "SWOP"), 3, "`SWOP` is no event of a pool"),
        (changed(EVENTS, 2, "-7837", "7837"), 3, "a swap cannot pay both tokens"),
        (changed(EVENTS, 2, "1662990119151672310826534140478120", "0"), 3, "sqrtPriceX96: no pool has such a price"),
        (changed(EVENTS, 2, "1662990119151672310826534140478120", "9e50"), 3, "sqrtPriceX96: no pool has such a price"),
        (changed(EVENTS, 2, "0xb,2", "0xb,0"), 3, "not after the line above"),
        (changed(EVENTS, 3, "2024-01-05 00:01:35", "2024-01-04 23:01:35"), 4, "not after the line above"),
        (changed(EVENTS, 3, "2024-01-05", "2024-03-05"), 4, "no event for 60 days"),
        (changed(EVENTS, 3, "00:01:35", "00:00:35"), None, "a single minute"),
        ([EVENT_HEADER, EVENTS[3]], None, "there is no swap"),
    ],
)
def test_a_file_that_is_no_market(tmp_path: Path, lines: list[str], line: int | None, said: str) -> None:
    """The file, the line, and what is wrong there."""
    file = write(tmp_path / "prices.csv", lines)
    where = str(file) if line is None else f"{file}, line {line}"
    assert refusal(file).startswith(f"{where}: ")
    assert said in refusal(file)


PACKED = gzip.compress("\n".join(BARS * 50).encode())
# Its checksum is another's.
DAMAGED = PACKED[:-8] + b"\xff\xff\xff\xff" + PACKED[-4:]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv.gz", b"", "the file is empty"),
        ("a.csv.gz", gzip.compress(b""), "the file is empty"),
        ("a.csv.gz", b"open_time_ms,open", "named .gz but not compressed with gzip"),
        ("a.csv.gz", PACKED[:-20], "the compressed file ends too early"),
        ("a.csv.gz", DAMAGED, "the compressed file is damaged"),
        ("a.csv", b"PK\x03\x04rest", "this is a zip archive; unpack it"),
        ("a.csv", random.Random(1).randbytes(3000), "are not known"),
        ("a.csv", b"\x00" * 9000, "this is no table"),
    ],
)
def test_a_file_that_is_no_text(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    """Empty, cut off, damaged, packed otherwise, or anything at all."""
    file = tmp_path / name
    file.write_bytes(content)
    found = refusal(file)
    assert found.startswith(str(file)) and said in found
    assert found.isprintable()


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    """Not there, or a directory; with a cache as without."""
    assert refusal(tmp_path / "none.csv") == f"{tmp_path}/none.csv: cannot be read (No such file or directory)"
    assert refusal(tmp_path) == f"{tmp_path}: this is no regular file; write it to disk first"
    assert "No such file" in refusal(tmp_path / "none.csv", cache=tmp_path / "cache")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    """Nobody may ever write to it."""
    os.mkfifo(tmp_path / "pipe")
    for others in ({}, {"cache": tmp_path / "cache"}):
        assert "no regular file" in refusal(tmp_path / "pipe", **others)


@pytest.mark.parametrize("minutes", [-20_000_000, 20_000_000])
def test_funding_of_another_time(tmp_path: Path, minutes: int) -> None:
    """Before or after: not one payment that could belong to the prices."""
    start_ms = START_MS + minutes * MINUTE_MS // 100
    rows = [f"{start_ms + MINUTE_MS * minute},2,3,1,2,1" for minute in range(3)]
    prices = write(tmp_path / "a.csv", [KLINE_HEADER, *rows])
    assert f"{ETH_FUNDING}: funding of" in refusal(prices, funding=ETH_FUNDING)


def test_a_rate_is_a_fraction(tmp_path: Path) -> None:
    """A percentage taken for a fraction would pay a hundredfold."""
    funding = write(tmp_path / "f.csv", ["funding_time_ms,funding_rate", f"{START_MS},1.5"])
    assert "line 2: rate: a rate is a fraction of notional" in refusal(write(tmp_path / "a.csv", BARS), funding=funding)


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        (klines(range(6)), "does not overlap the prices of 2025-05-04 15:34 to 2025-05-04 15:39"),
        ([KLINE_HEADER, *(f"{1704412800000 + minute * 300_000},2,3,1,2,1" for minute in range(3))], "every 5 minutes"),
        ([KLINE_HEADER, *(f"{1704412800001 + minute * 60_000},2,3,1,2,1" for minute in range(3))], "do not begin when"),
        ([KLINE_HEADER, *(f"{1704412800000 + minute * 60_000},2,3,1,2,1" for minute in range(3))], "times the pool's"),
    ],
)
def test_a_pool_that_does_not_go_with_the_prices(tmp_path: Path, prices: list[str], said: str) -> None:
    """Another time, another step, another pair: nothing is stretched to fit."""
    found = refusal(write(tmp_path / "a.csv", prices), pool_minutes=MAINNET_MINUTES)
    assert found.startswith(str(MAINNET_MINUTES)) and said in found


def test_a_file_in_the_wrong_place(tmp_path: Path) -> None:
    """Klines where a pool belongs, prices where funding belongs."""
    prices = write(tmp_path / "a.csv", BARS)
    assert "pool minutes or pool events were expected" in refusal(prices, pool_minutes=prices)
    assert "expected funding" in refusal(prices, funding=prices)


def test_a_pool_needs_its_pair() -> None:
    """Which token is BASE stands in no file."""
    with pytest.raises(ConfigurationError, match="which token is BASE"):
        read_path(POLYGON_FALL)


@pytest.mark.parametrize(
    ("decimals", "fee", "share"), [(-1, 0.1, 0), (40, 0.1, 0), (6, 0, 0), (6, 5, 0), (6, 0.1, 1), (6, float("nan"), 0)]
)
def test_a_pair_that_cannot_be(decimals: int, fee: float, share: float) -> None:
    """A fee of 5 is not 5 basis points."""
    with pytest.raises(ConfigurationError):
        PoolPair(base_is_token0=True, decimals0=6, decimals1=decimals, fee=fee, protocol_share=share)


SAMPLES = [
    "\n".join(BARS).encode(),
    "\n".join(POOL).encode(),
    "\n".join(EVENTS).encode(),
    gzip.compress("\n".join(BARS).encode(), mtime=0),
    b"\n".join(gzip.decompress(MAINNET_EVENTS.read_bytes()).split(b"\n")[:60]),
]
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.integers(0, 12),
        st.one_of(st.binary(max_size=6), st.sampled_from([b",", b"\n", b"-", b"0", b"9" * 25, b"e9", b"nan", b"."])),
    ),
    min_size=1,
    max_size=4,
)


def read_or_refused(files: dict[str, Path]) -> bool:
    try:
        return isinstance(read_path(**files, pair=USDC_WETH), Recording)
    except ConfigurationError as error:
        return "\n" not in str(error)


@given(st.sampled_from(SAMPLES), CHANGES)
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_spoilt_file_is_read_or_refused(
    tmp_path: Path, sample: bytes, changes: list[tuple[float, int, bytes]]
) -> None:
    """Whatever happened to it: a recording, or a sentence; never another error, in any of the three places."""
    for where, cut, put in changes:
        place = int(where * len(sample))
        sample = sample[:place] + put + sample[place + cut :]
    file = tmp_path / "spoilt.csv"
    file.write_bytes(sample)
    fine = write(tmp_path / "fine.csv", BARS)
    for files in ({"prices": file}, {"prices": fine, "pool_minutes": file}, {"prices": fine, "funding": file}):
        assert read_or_refused(files)


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_line_is_counted_right_far_into_a_file(tmp_path: Path, ending: str) -> None:
    """A file is read in pieces, and no piece's edge loses or doubles a line."""
    rows = klines(range(60_000))
    fine, spoilt = tmp_path / "fine.csv", tmp_path / "spoilt.csv"
    fine.write_bytes(ending.join(rows).encode())
    assert fine.stat().st_size > 2 * CHUNK_BYTES
    assert list(read_path(fine).path.mark[[0, 29_999, 59_999]]) == [100.0, 30_099.0, 60_099.0]
    spoilt.write_bytes(ending.join([*rows[:55_000], "x" + rows[55_000], *rows[55_001:]]).encode())
    assert refusal(spoilt).startswith(f"{spoilt}, line 55001: time: `x")
