"""The year that benchmarks run on is a year that a user could have downloaded."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.year import EIGHT_HOURS_MS, path_of, write, year
from core.replay.reading.recording import read_path

DAYS_45 = 45 * 1440  # one seam of the recording lies within


def test_a_seam_is_no_jump() -> None:
    """No minute moves further than a recorded one did, and two makings are one market."""
    market, again = year(DAYS_45), year(DAYS_45)
    assert np.abs(np.diff(np.log(market.close))).max() < 0.03
    assert all(np.array_equal(one, other) for one, other in zip(market, again, strict=True))


def test_written_as_klines_it_is_read_as_it_was_made(tmp_path: Path) -> None:
    """Prices to the cent and funding every eight hours."""
    market = year(3000)
    prices, funding = write(tmp_path, market)
    read, made = read_path(prices, funding=funding).path, path_of(market)
    for name in ("time_ms", "mark", "high", "low"):
        np.testing.assert_allclose(getattr(read, name), getattr(made, name), rtol=1e-12, err_msg=name)
    assert set(np.diff(read.funding_ms)) == {EIGHT_HOURS_MS}
