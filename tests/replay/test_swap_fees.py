"""What a range earns: against single swaps, and against the fees that real positions collected."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.replay.path import Floats
from core.replay.reading.cache import Recording
from core.replay.reading.layouts import POOL_EVENTS
from core.replay.reading.pool_events import swaps_of
from core.replay.reading.recording import read_path
from core.replay.reading.table import Table, read_table
from core.replay.swap_fees import (
    LOG_TICK,
    part_in_range,
    protocol_share_of,
    share_of,
    width_notice,
)
from core.replay.swaps import Swaps
from tests.replay.recorded import DATA, MAINNET_EVENTS, MAINNET_MINUTES, POLYGON_FALL, POLYGON_RISE, USDC_WETH

# The middle tick of the published figures: where the day's first minute closed.
FIRST_CLOSE = 199_045
# Small beside the pool's 10**7, so that it does not dilute itself.
SMALL = 1.0
Block = tuple[int, int]


@cache
def events() -> Table:
    return read_table(MAINNET_EVENTS, POOL_EVENTS)


@cache
def swaps() -> Swaps:
    return swaps_of(events(), USDC_WETH)


@cache
def recorded(file: Path) -> Recording:
    return read_path(file, pair=USDC_WETH)


def edges(lower_tick: float, upper_tick: float) -> tuple[float, float]:
    lower, upper = np.sort(USDC_WETH.log_price(np.array([lower_tick, upper_tick])))
    return float(lower), float(upper)


def earned_by_swaps(swaps: Swaps, liquidity: float, log_lower: float, log_upper: float) -> tuple[float, float]:
    """(BASE, QUOTE) earned by `liquidity` of ours on top of the pool's, each swap shared out by itself along its way
    from the price before it; the first one's way is not known."""
    before = np.concatenate((swaps.log_price[:1], swaps.log_price[:-1]))
    base = quote = 0.0
    for start, end, fee_base, fee_quote, others in zip(before, *swaps[1:], strict=True):
        part = part_in_range(min(start, end), max(start, end), log_lower, log_upper) * share_of(others, liquidity)
        base += fee_base * part
        quote += fee_quote * part
    return float(base), float(quote)


@cache
def by_swaps(lower: float, upper: float) -> float:
    """Earned by the small position on the recorded day, in QUOTE, each swap by itself."""
    base, quote = earned_by_swaps(swaps(), SMALL, lower, upper)
    return quote + base * float(np.exp(swaps().log_price.mean()))


def by_bars(recording: Recording, low: Floats, high: Floats, lower: float, upper: float) -> float:
    """The same by whole bars whose ways were from `low` to `high`."""
    path, earned = recording.path, 0.0
    price = float(np.exp(swaps().log_price.mean()))
    for place in range(len(path.time_ms)):
        part = part_in_range(low[place], high[place], lower, upper)
        share = share_of(path.pool_liquidity[place], SMALL)
        earned += part * share * float(path.fee_quote[place] + path.fee_base[place] * price)
    return earned


@pytest.mark.parametrize(
    ("half_width", "published_pct"), [(3000, 0.5), (200, 2.7), (100, -9.0), (50, -17.2), (20, -37.2)]
)
def test_minutes_seen_from_close_to_close_err_as_published(half_width: int, published_pct: float) -> None:
    """The rule of other programs, a bar's way being from the last close to its own, around the first close: each
    figure is met within a point, so this is the same measurement and the next test's is better."""
    recording = recorded(MAINNET_MINUTES)
    close = np.log(recording.path.pool)
    before = np.concatenate((close[:1], close[:-1]))
    lower, upper = edges(FIRST_CLOSE - half_width, FIRST_CLOSE + half_width)
    found = by_bars(recording, np.minimum(close, before), np.maximum(close, before), lower, upper)
    assert 100 * (found / by_swaps(lower, upper) - 1) == pytest.approx(published_pct, abs=1.0)


@pytest.mark.parametrize(("half_width", "within_pct"), [(3000, 0.6), (200, 2.1), (100, 3.0), (50, 4.0), (20, 6.0)])
@pytest.mark.parametrize("middle", [FIRST_CLOSE, 199_100, 199_160, 199_220])
def test_minutes_with_their_extremes_come_near_single_swaps(middle: int, half_width: int, within_pct: float) -> None:
    """The whole way within a bar brings a narrow range's error from a third down to a twentieth."""
    assert error_pct(recorded(MAINNET_MINUTES), middle, half_width) <= within_pct


@pytest.mark.parametrize(("half_width", "within_pct"), [(3000, 0.1), (200, 0.4), (100, 1.5), (50, 2.5), (20, 6.0)])
@pytest.mark.parametrize("middle", [FIRST_CLOSE, 199_100, 199_160, 199_220])
def test_minutes_folded_from_events_come_nearer(middle: int, half_width: int, within_pct: float) -> None:
    """Liquidity as the single swaps met it, instead of at the minute's end."""
    assert error_pct(recorded(MAINNET_EVENTS), middle, half_width) <= within_pct


def error_pct(recording: Recording, middle: int, half_width: int) -> float:
    lower, upper = edges(middle - half_width, middle + half_width)
    path = recording.path
    found = by_bars(recording, path.pool_low, path.pool_high, lower, upper)
    return abs(100 * (found / by_swaps(lower, upper) - 1))


@pytest.mark.parametrize(("file", "published_quote"), [(POLYGON_RISE, 6166.0), (POLYGON_FALL, 251.0)])
def test_fees_of_a_wide_position_over_weeks(file: Path, published_quote: float) -> None:
    """100,000 USDC within 2,000 ticks of the first price, against another program's figure for the same minutes."""
    path = recorded(file).path
    start, way = float(np.log(path.pool[0])), 2000 * LOG_TICK
    # Worth of one unit of liquidity in the middle of such a range.
    unit_quote = 2 * np.exp(start / 2) * (1 - np.exp(-way / 2))
    liquidity, earned = 100_000 / unit_quote, 0.0
    for place in range(len(path.time_ms)):
        part = part_in_range(path.pool_low[place], path.pool_high[place], start - way, start + way)
        fees = path.fee_quote[place] + path.fee_base[place] * path.pool[place]
        earned += share_of(path.pool_liquidity[place], liquidity) * part * fees
    assert earned == pytest.approx(published_quote, rel=0.01)


def collected_between(first: Block, last: Block, ticks: tuple[int, int], liquidity_raw: int) -> tuple[float, float]:
    """(BASE, QUOTE) that a position in the pool earned between two of its events, each (block, log index)."""
    table = events()
    is_swap = table.columns["is_swap"] > 0
    at = table.columns["block_number"][is_swap] * 1e6 + table.columns["log_index"][is_swap]
    inside = np.flatnonzero((at > first[0] * 1e6 + first[1]) & (at < last[0] * 1e6 + last[1]))
    liquidity = liquidity_raw / USDC_WETH.liquidity_unit
    # From the swap before on, for the way to the first: that one itself pays nothing.
    here = slice(inside[0] - 1, inside[-1] + 1)
    all_day = swaps()
    fee_base, fee_quote = all_day.fee_base[here].copy(), all_day.fee_quote[here].copy()
    fee_base[0] = fee_quote[0] = 0.0
    in_range = np.maximum(all_day.pool_liquidity[here] - liquidity, 0)
    others = Swaps(all_day.time_ms[here], all_day.log_price[here], fee_base, fee_quote, in_range)
    return earned_by_swaps(others, liquidity, *edges(*ticks))


@pytest.mark.parametrize(
    ("first", "last", "ticks", "liquidity_raw", "base_raw", "quote_raw", "within_pct"),
    [
        # Position 639419, 1,726 swaps.
        pytest.param(
            (18940927, 0), (18942730, 0), (198650, 200060), 26590489247352, 24701429442496, 53523, 1.7, id="a-day"
        ),
        # Position 635099, from one collect to the next, 3 swaps; QUOTE is 873 units, so known to a thousandth.
        pytest.param(
            (18937862, 96), (18937866, 225), (198100, 199150), 2083976003093712, 718043365465, 873, 0.12, id="blocks"
        ),
    ],
)
def test_single_swaps_give_what_real_wide_positions_collected(
    first: Block,
    last: Block,
    ticks: tuple[int, int],
    liquidity_raw: int,
    base_raw: int,
    quote_raw: int,
    within_pct: float,
) -> None:
    """Both tokens, within the known -0.3 to +1.7 %."""
    base, quote = collected_between(first, last, ticks, liquidity_raw)
    assert base == pytest.approx(base_raw / 1e18, rel=within_pct / 100)
    assert quote == pytest.approx(quote_raw / 1e6, rel=within_pct / 100)


def test_a_swap_inside_one_range_is_shared_exactly() -> None:
    """Positions that lived for one swap which crossed no edge: to a unit of each token."""
    lives = lives_of_one_swap()
    assert len(lives) == 6
    for life in lives:
        first, last = ((life[end]["block"], life[end]["log_index"]) for end in ("mint", "lastBurn"))
        base, quote = collected_between(first, last, (life["tickLower"], life["tickUpper"]), int(life["liquidity"]))
        assert quote == pytest.approx(int(life["fees0"]) / 1e6, abs=2e-6)
        assert base == pytest.approx(int(life["fees1"]) / 1e18, rel=1e-9)


def lives_of_one_swap() -> list[dict[str, Any]]:
    with gzip.open(DATA / "univ3_math/mainnet_liquidity_events_2024-01-05.json.gz") as packed:
        lives = json.load(packed)["fullLifecyclePositions"]
    return [
        life
        for life in lives
        if life["swapsBetween"] == 1 and _stays(life["mint"], life) and _stays(life["lastBurn"], life)
    ]


def _stays(end: dict[str, Any], life: dict[str, Any]) -> bool:
    tick = 2 * (np.log(float(end["sqrtPriceX96"])) - 96 * np.log(2)) / LOG_TICK
    return bool(life["tickLower"] <= tick < life["tickUpper"])


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_a_share_is_a_part_of_one(pool: float, ours: float) -> None:
    """Never more than all, nothing of nothing, and all where nobody else is."""
    share = share_of(pool, ours)
    assert 0.0 <= share <= 1.0
    assert share == 0.0 if ours == 0.0 else (share == 1.0 or pool > 0.0)


LOGS = st.floats(-10, 10)


@given(LOGS, LOGS, LOGS, LOGS, LOGS)
def test_two_neighbouring_ranges_get_what_one_over_both_gets(a: float, b: float, c: float, d: float, e: float) -> None:
    """A bar's way is counted once, wherever a range is cut in two."""
    (low, high), (lower, middle, upper) = sorted((a, b)), sorted((c, d, e))
    parts = part_in_range(low, high, lower, middle) + part_in_range(low, high, middle, upper)
    whole = part_in_range(low, high, lower, upper)
    assert 0.0 <= whole <= 1.0
    if high - low > 1e-9:
        assert parts == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "part"), [(1, 1, 1), (0.5, 0.5, 0), (2.5, 2.5, 0), (0, 4, 0.25), (1.5, 2.5, 0.5), (3, 4, 0)]
)
def test_the_part_of_a_bar_inside_one_to_two(low: float, high: float, part: float) -> None:
    """Whole or nothing when the bar did not move."""
    assert part_in_range(low, high, 1.0, 2.0) == part


@pytest.mark.parametrize(
    ("amm", "pips", "raw", "share"),
    [
        ("uniswap_v3", 500, None, 0.0),
        ("uniswap_v3", 3000, 4 + (4 << 4), 0.25),
        ("uniswap_v3", 3000, 6, 1 / 6),
        ("pancakeswap_v3", 100, None, 0.33),
        ("pancakeswap_v3", 500, None, 0.34),
        ("pancakeswap_v3", 2500, None, 0.32),
        ("pancakeswap_v3", 10_000, None, 0.32),
        ("pancakeswap_v3", 500, 3400 + (3400 << 16), 0.34),
        ("pancakeswap_v3", 500, 0, 0.0),
    ],
)
def test_the_protocol_keeps_its_share(amm: str, pips: int, raw: int | None, share: float) -> None:
    """slot0's own field when it is known, the start value of the fee tier otherwise; the higher direction."""
    assert protocol_share_of(amm, pips, raw) == pytest.approx(share)


@pytest.mark.parametrize(("amm", "pips", "said"), [("sushi", 500, "sushi"), ("pancakeswap_v3", 3000, "0.3 %")])
def test_a_protocol_share_is_never_guessed(amm: str, pips: int, said: str) -> None:
    """An unknown AMM or tier is refused, not taken as zero."""
    with pytest.raises(ConfigurationError, match=said):
        protocol_share_of(amm, pips)


@pytest.mark.parametrize(("half_width", "said"), [(150, None), (60, "a twentieth"), (10, "a tenth")])
def test_a_narrow_range_is_told(half_width: int, said: str | None) -> None:
    """Wide ones are not bothered with it."""
    edge = np.exp(half_width * LOG_TICK)
    notice = width_notice(2000 / edge, 2000 * edge)
    assert notice is None if said is None else notice is not None and said in notice


def test_the_rules_compile() -> None:
    """Replay runs the same two functions compiled."""
    numba = pytest.importorskip("numba")
    for rule, numbers in ((share_of, (3.0, 1.0)), (part_in_range, (0.0, 4.0, 1.0, 2.0))):
        assert numba.njit(rule)(*numbers) == rule(*numbers) == 0.25
