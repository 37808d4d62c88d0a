"""Volatility as it was."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from core.replay.theory.bands import DAY_S

# Of fewer moves nothing is said.
FEWEST_MOVES = 60


def realised_sigma_per_day(closes: Sequence[float], every_s: float) -> float | None:
    """Of closing prices so far apart, a fraction per square root of a day, drift not taken off; None of too few."""
    squares = [math.log(after / before) ** 2 for before, after in pairwise(closes)]
    if len(squares) < FEWEST_MOVES:
        return None
    return math.sqrt(sum(squares) / len(squares) * DAY_S / every_s)
