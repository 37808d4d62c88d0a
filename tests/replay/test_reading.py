"""Each recorded form becomes the same kind of path, and what is missing or doubled is told."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from core.replay.path import Path as Market
from core.replay.reading.recording import read_path
from tests.replay.recorded import (
    BNB_KLINES,
    ETH_FUNDING,
    ETH_KLINES,
    KLINE_HEADER,
    MAINNET_EVENTS,
    MAINNET_MINUTES,
    MINUTE_MS,
    POLYGON_FALL,
    POLYGON_RISE,
    POOL_HEADER,
    START_MS,
    USDC_WETH,
    kline,
    klines,
    pool_minute,
    write,
)

BINANCE_HEADER = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,taker_buy_volume,taker_buy_quote_volume,ignore"
)


def binance_kline(open_time: int, close: float) -> str:
    return f"{open_time},100.0,{close + 1},99.0,{close},10.5,{open_time + 59_999},1050.0,7,5.0,500.0,0"


def sound(path: Market) -> bool:
    """What every path promises, whatever it was read from."""
    bars = path[:10]
    return bool(
        len({len(each) for each in bars}) == 1
        and (np.diff(path.time_ms) > 0).all()
        and all(np.isfinite(each).all() for each in path)
        and (np.minimum.reduce([path.mark, path.high, path.low, path.pool]) > 0).all()
        and (path.low <= path.mark).all()
        and (path.mark <= path.high).all()
        and (np.minimum.reduce([path.fee_base, path.fee_quote, path.pool_liquidity]) >= 0).all()
        and (path.pool_low <= path.pool_high).all()
        and len(path.funding_ms) == len(path.funding_rate)
        and (np.diff(path.funding_ms) > 0).all()
    )


def test_recorded_klines_with_funding() -> None:
    """Points are the bars' ends; payments are those within; a hole at the end is told."""
    found = read_path(ETH_KLINES, funding=ETH_FUNDING)
    path = found.path
    assert sound(path)
    assert len(path.time_ms) == 60_191 and found.step_ms == MINUTE_MS
    assert path.time_ms[0] == START_MS + MINUTE_MS
    assert (path.mark[0], path.high[0], path.low[0]) == (1827.53, 1827.68, 1827.27)
    assert (path.pool == path.mark).all() and not path.has_pool_fees
    assert (path.funding_ms[0], path.funding_rate[0]) == (1746374400002, -2.67e-05)
    assert len(path.funding_ms) == 125
    assert found.notices == (
        "funding: no payment for 10.7 hours after 2025-06-15 00:00, where 8 hours are usual; holes like this: 1",
    )
    assert found.source == "klines with funding, every 1 minute, 2025-05-04 15:34 to 2025-06-15 10:44 UTC"


@pytest.mark.parametrize(
    ("file", "bars", "missing"),
    [(BNB_KLINES, 43_199, 0), (POLYGON_RISE, 36_000, 5), (POLYGON_FALL, 7_200, 1), (MAINNET_MINUTES, 1_440, 0)],
)
def test_every_recorded_file_is_read_whole(file: Path, bars: int, missing: int) -> None:
    """Missing minutes are filled, counted and told."""
    found = read_path(file, pair=USDC_WETH)
    assert sound(found.path)
    assert len(found.path.time_ms) == bars
    gaps = [notice for notice in found.notices if "missing" in notice]
    assert [notice.split(" bars")[0] for notice in gaps] == ([f"pool minutes: {missing} of {bars}"] if missing else [])


@pytest.mark.parametrize("header", [[BINANCE_HEADER], []], ids=["header", "no-header"])
@pytest.mark.parametrize(("per_ms", "unit"), [(1000, "microseconds"), (1, None)], ids=["us", "ms"])
def test_klines_as_binance_publishes_them(tmp_path: Path, header: list[str], per_ms: int, unit: str | None) -> None:
    """With and without a header, in milliseconds or microseconds; the unit is told when it is not the usual one."""
    rows = [binance_kline((START_MS + MINUTE_MS * minute) * per_ms, 100.0 + minute) for minute in range(3)]
    found = read_path(write(tmp_path / "ETHUSDT-1m.csv", [*header, *rows]))
    assert list(found.path.time_ms) == [START_MS + MINUTE_MS * minute for minute in (1, 2, 3)]
    assert list(found.path.mark) == [100.0, 101.0, 102.0]
    told = [notice for notice in found.notices if "times were taken" in notice]
    assert told == ([f"klines: times were taken as {unit}"] if unit else [])


def test_seconds_are_seconds(tmp_path: Path) -> None:
    """A count is told apart by its size."""
    rows = [kline(0).replace("000,", ",", 1), kline(1).replace("000,", ",", 1)]
    found = read_path(write(tmp_path / "a.csv", [KLINE_HEADER, *rows]))
    assert list(found.path.time_ms) == [START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS]
    assert "klines: times were taken as seconds" in found.notices


def test_a_unit_may_change_within_a_file(tmp_path: Path) -> None:
    """Spot files of two years joined: each time is what its size says."""
    rows = [binance_kline(START_MS, 100.0), binance_kline((START_MS + MINUTE_MS) * 1000, 101.0)]
    found = read_path(write(tmp_path / "a.csv", [BINANCE_HEADER, *rows]))
    assert list(found.path.time_ms) == [START_MS + MINUTE_MS, START_MS + 2 * MINUTE_MS]
    assert "klines: times were taken as microseconds and milliseconds" in found.notices


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["plain", "byte-order-mark"])
@pytest.mark.parametrize("packed", [False, True])
def test_lines_end_and_begin_as_programs_write_them(tmp_path: Path, ending: str, mark: str, packed: bool) -> None:
    """Windows' ends of line, a byte order mark, empty lines at the end, gzip under any name."""
    content = (mark + ending.join(klines(range(3))) + ending * 3).encode()
    file = tmp_path / "prices.csv"
    file.write_bytes(gzip.compress(content) if packed else content)
    assert list(read_path(file).path.mark) == [100.0, 101.0, 102.0]


def test_a_gap_is_filled_with_the_last_price_and_told(tmp_path: Path) -> None:
    """Flat, and the longest is named."""
    found = read_path(write(tmp_path / "a.csv", klines([0, 1, 4, 6, 7])))
    path = found.path
    assert list(path.mark) == [100, 101, 101, 101, 102, 102, 103, 104]
    assert list(path.high - path.low) == [1, 1, 0, 0, 1, 0, 1, 1]
    told = "3 of 8 bars are missing and were filled with the last price"
    assert found.notices[0] == f"klines: {told}, the longest gap 2 minutes after 2025-05-04 15:34"


def test_a_gap_in_a_pool_pays_nothing(tmp_path: Path) -> None:
    """No fees, no way, the liquidity and price of before."""
    rows = [pool_minute("2024-01-05 00:00:00"), pool_minute("2024-01-05 00:02:00"), pool_minute("2024-01-05 00:03:00")]
    path = read_path(write(tmp_path / "pool.csv", [POOL_HEADER, *rows]), pair=USDC_WETH).path
    assert sound(path)
    assert list(path.fee_base) == pytest.approx([0.0005, 0.0, 0.0005, 0.0005])
    assert path.pool_low[1] == path.pool_high[1] == pytest.approx(np.log(path.pool[0]))
    assert path.pool_liquidity[1] == path.pool_liquidity[0]


def test_repeated_rows_are_dropped_and_told(tmp_path: Path) -> None:
    """A row that says the same again."""
    found = read_path(write(tmp_path / "a.csv", [KLINE_HEADER, kline(0), kline(1), kline(1), kline(2)]))
    assert len(found.path.time_ms) == 3
    assert found.notices[0] == "klines: 1 repeated rows were dropped"


def test_ticks_become_prices(tmp_path: Path) -> None:
    """Either token may be BASE: the middle of a tick, and the way of the bar in order."""
    rows = [pool_minute("2024-01-05 00:00:00", 200_000), pool_minute("2024-01-05 00:01:00", 200_010)]
    file = write(tmp_path / "pool.csv", [POOL_HEADER, *rows])
    other = type(USDC_WETH)(base_is_token0=True, decimals0=6, decimals1=18, fee=0.0005, protocol_share=0.34)
    weth, usdc = (read_path(file, pair=pair).path for pair in (USDC_WETH, other))
    assert sound(weth) and sound(usdc)
    assert weth.pool[0] == pytest.approx(10**12 * 1.0001**-200_000.5)
    assert usdc.pool * weth.pool == pytest.approx([1, 1])
    assert weth.pool_low[1] == pytest.approx(np.log(10**12 * 1.0001**-200_011.5))
    # The way begins where the bar before ended.
    assert weth.pool_high[1] == pytest.approx(np.log(weth.pool[0]))
    assert weth.fee_base[0] == pytest.approx(0.0005) and usdc.fee_quote[0] == pytest.approx(0.0005 * 0.66)
    assert weth.pool_liquidity[0] == pytest.approx(12453647101533358277 / 10**12)


def test_events_fold_into_the_recorded_minutes() -> None:
    """Two recordings of one day agree: price, inflow, liquidity of minutes without a trade."""
    folded, minutes = (read_path(file, pair=USDC_WETH).path for file in (MAINNET_EVENTS, MAINNET_MINUTES))
    assert sound(folded)
    assert (folded.time_ms == minutes.time_ms).all()
    assert np.abs(np.log(folded.pool / minutes.pool)).max() <= 0.51e-4
    assert folded.fee_base == pytest.approx(minutes.fee_base)
    assert folded.fee_quote == pytest.approx(minutes.fee_quote)
    quiet = (minutes.fee_base == 0) & (minutes.fee_quote == 0)
    assert quiet.sum() > 10
    assert folded.pool_liquidity[quiet] == pytest.approx(minutes.pool_liquidity[quiet])


def test_prices_and_pool_are_joined_where_both_were_recorded(tmp_path: Path) -> None:
    """Pool and fees of the one, mark and extremes of the other; what is cut off is told."""
    start = 1_704_412_800_000 - 2 * MINUTE_MS
    rows = [f"{start + MINUTE_MS * minute},2300,2310,2290,2305,1" for minute in range(10)]
    prices = write(tmp_path / "perp.csv", [KLINE_HEADER, *rows])
    found = read_path(prices, pool_minutes=MAINNET_MINUTES, pair=USDC_WETH)
    pool = read_path(MAINNET_MINUTES, pair=USDC_WETH).path
    assert sound(found.path)
    assert len(found.path.time_ms) == 8 and found.path.time_ms[0] == pool.time_ms[0]
    assert set(found.path.mark) == {2305.0} and set(found.path.high) == {2310.0}
    for joint, alone in zip(found.path[4:10], pool[4:10], strict=True):
        assert (joint == alone[:8]).all()
    told = "2 bars of the prices and 1432 of the pool are left out"
    assert f"only the common period is used, 2024-01-05 00:01 to 2024-01-05 00:08: {told}" in found.notices


@pytest.mark.parametrize(
    "header",
    ["funding_time_ms,funding_rate", "calc_time,last_funding_rate", "fundingTime,fundingRate"],
)
def test_funding_by_any_of_its_names(tmp_path: Path, header: str) -> None:
    """Payments after the first point up to the last, at their own milliseconds."""
    prices = write(tmp_path / "a.csv", klines(range(5)))
    times = [START_MS + offset for offset in (0, MINUTE_MS, MINUTE_MS + 5, 5 * MINUTE_MS, 5 * MINUTE_MS + 1)]
    rows = [f"{time},{place}e-5" for place, time in enumerate(times)]
    path = read_path(prices, funding=write(tmp_path / "f.csv", [header, *rows])).path
    assert list(path.funding_ms) == times[2:4]
    assert list(path.funding_rate) == [2e-5, 3e-5]


def test_binance_funding_with_its_interval(tmp_path: Path) -> None:
    """A column more than is needed, and rates below zero."""
    rows = ["calc_time,funding_interval_hours,last_funding_rate", f"{START_MS + 2 * MINUTE_MS},8,-0.00012"]
    prices = write(tmp_path / "a.csv", klines(range(5)))
    assert list(read_path(prices, funding=write(tmp_path / "f.csv", rows)).path.funding_rate) == [-0.00012]


def test_without_funding_it_is_told() -> None:
    """Nothing recorded is not nothing paid."""
    assert read_path(BNB_KLINES).notices == ("no funding file was given: funding is left out of the result",)


def test_times_with_an_offset_are_utc(tmp_path: Path) -> None:
    """All with one, none without."""
    rows = [pool_minute("2024-01-05T02:00:00+02:00"), pool_minute("2024-01-05T00:01:00Z")]
    path = read_path(write(tmp_path / "pool.csv", [POOL_HEADER, *rows]), pair=USDC_WETH).path
    assert list(path.time_ms) == [1704412860000, 1704412920000]
