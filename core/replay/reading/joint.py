"""The perpetual's bars and the pool's, brought to their common period."""

from __future__ import annotations

import pathlib
from typing import NamedTuple

import numpy as np

from core.replay.path import Milliseconds
from core.replay.reading.bars import PoolBars, PriceBars
from core.replay.reading.grid import said_span, said_time
from core.replay.reading.lines import refused

# A perpetual strays from its pool by percents; more is another pair, or the wrong token taken for BASE.
_FURTHEST_APART = 2.0


class Joint(NamedTuple):
    prices: PriceBars
    pool: PoolBars
    notices: tuple[str, ...]


def joined(prices: PriceBars, pool: PoolBars, pool_file: pathlib.Path) -> Joint:
    """Raises ConfigurationError, about the pool's file, when the two have not one step, no period in common, or prices
    that cannot be of one pair."""
    step_ms, pool_step_ms = (int(each[1] - each[0]) for each in (prices.end_ms, pool.end_ms))
    if step_ms != pool_step_ms:
        steps = f"bars every {said_span(pool_step_ms)} where the prices have them every {said_span(step_ms)}"
        raise refused(pool_file, None, f"{steps}; give both with one step")
    if (int(prices.end_ms[0]) - int(pool.end_ms[0])) % step_ms:
        raise refused(pool_file, None, "its bars do not begin when those of the prices do")
    start_ms, end_ms = (
        int(max(prices.end_ms[0], pool.end_ms[0])),
        int(min(prices.end_ms[-1], pool.end_ms[-1])),
    )
    if end_ms <= start_ms:
        periods = f"{_said_period(pool.end_ms)} does not overlap the prices of {_said_period(prices.end_ms)}"
        raise refused(pool_file, None, periods)
    common, pool_common = prices.between(start_ms, end_ms), pool.between(start_ms, end_ms)
    _require_one_pair(common, pool_common, pool_file)
    left_out = len(prices.end_ms) - len(common.end_ms), len(pool.end_ms) - len(pool_common.end_ms)
    if not any(left_out):
        return Joint(common, pool_common, ())
    told = f"{left_out[0]} bars of the prices and {left_out[1]} of the pool are left out"
    notice = f"only the common period is used, {_said_period(common.end_ms)}: {told}"
    return Joint(common, pool_common, (notice,))


def _require_one_pair(prices: PriceBars, pool: PoolBars, pool_file: pathlib.Path) -> None:
    ratio = float(np.median(prices.close / pool.price))
    if not 1 / _FURTHEST_APART < ratio < _FURTHEST_APART:
        doubt = "look at which token is BASE, the decimals, and whether both are of one pair"
        raise refused(pool_file, None, f"the prices are {ratio:.3g} times the pool's; {doubt}")


def _said_period(end_ms: Milliseconds) -> str:
    return f"{said_time(int(end_ms[0]))} to {said_time(int(end_ms[-1]))}"
