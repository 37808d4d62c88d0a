"""The demo's price path is the recorded one, whatever the seed."""

from __future__ import annotations

import csv
import gzip
from decimal import Decimal
from importlib.resources import files
from itertools import pairwise

import pytest

from bot.demo.path import MINUTE_S, RecordedPath

DAYS_S = 17 * 86_400


@pytest.fixture(scope="module")
def recorded() -> list[dict[str, str]]:
    text = gzip.decompress(files("bot.demo").joinpath("ethusdt_1m.csv.gz").read_bytes()).decode()
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("seed", [0, 7])
def test_every_minute_keeps_its_open_high_low_and_close(recorded: list[dict[str, str]], seed: int) -> None:
    """The 60 prices of a minute begin at open, end at close, touch high and low and never leave them."""
    path = RecordedPath.load(seed=seed)
    for index in range(0, len(recorded), 7):
        prices = [Decimal(path.price_ticks(index * MINUTE_S + s)) / 100 for s in range(MINUTE_S)]
        row = {key: Decimal(value) for key, value in recorded[index].items()}
        assert (prices[0], prices[-1]) == (row["open"], row["close"])
        assert (min(prices), max(prices)) == (row["low"], row["high"])


def test_the_seed_moves_only_the_inside_of_minutes() -> None:
    """Two seeds differ between the fixed points; one seed never differs from itself."""
    one, same, other = RecordedPath.load(seed=1), RecordedPath.load(seed=1), RecordedPath.load(seed=2)
    seconds = range(3 * 3600, 4 * 3600)
    assert [one.price_ticks(s) for s in seconds] == [same.price_ticks(s) for s in reversed(seconds)][::-1]
    assert any(one.price_ticks(s) != other.price_ticks(s) for s in seconds)


def test_behind_its_end_the_path_turns_round() -> None:
    """The recording mirrored, without a jump at either turn."""
    path = RecordedPath.load(seed=1)
    for offset in (0, 1, 3600):
        assert path.price_ticks(DAYS_S + offset) == path.price_ticks(DAYS_S - 1 - offset)
        assert path.price_ticks(2 * DAYS_S + offset) == path.price_ticks(offset)


def test_funding_comes_every_eight_hours_for_ever() -> None:
    """Through the turn at the end and the one at the beginning, no payment is missed or doubled."""
    path, at, times = RecordedPath.load(seed=1), 0, []
    for _ in range(120):
        at = path.funding_after(at).at_s
        times.append(at)
    steps = [later - earlier for earlier, later in pairwise(times)]
    assert times[0] == 8 * 3600
    assert set(steps) == {8 * 3600}


def test_the_recorded_rates_are_paid() -> None:
    """The first three payments carry the recording's first three rates."""
    path = RecordedPath.load(seed=1)
    rates = [path.funding_after(s).rate for s in (0, 8 * 3600, 16 * 3600)]
    assert rates == [Decimal("0.0001"), Decimal("0.00008717"), Decimal("0.0001")]
