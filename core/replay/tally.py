"""What a replay counts while it runs: arrays that are written in place. Compiled source (see `compiled`)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.accounting.split import Split
from core.replay.path import Floats, Milliseconds

PARTS = len(Split._fields)
# Places in `sums`, behind the parts of the split, which come first and in their order.
REALISED = PARTS
TURNOVER_QUOTE = PARTS + 1
NET = PARTS + 2
RESIDUAL_SQUARED_BASE = PARTS + 3
RESIDUAL_SQUARED_QUOTE = PARTS + 4
ERROR_SQUARED = PARTS + 5
DELTA_SQUARED = PARTS + 6
PRICE_INSIDE = PARTS + 7
GAMMA_INSIDE = PARTS + 8
BAND_INSIDE = PARTS + 9
EXECUTION = PARTS + 10
SUMS = PARTS + 11
# Places in `worst`.
RESIDUAL_BASE, RESIDUAL_QUOTE, NET_PEAK, DRAWDOWN, MARGIN, AVAILABLE, DISTANCE = range(7)
WORST = 7
# Places in `counts`.
LOOKS, PLANS, FILLS, LIQUIDATIONS, INSIDE, CURVE, RECENT_PLANS, OLD_PLANS, RECENT_FILLS, OLD_FILLS = range(10)
COUNTS = 10
# Places in `flow`: what was dealt since the last booking.
SPENT, SLIPPAGE, COMMISSIONS, FUNDING, OTHER = range(5)
FLOW = 5
# Places in `open`: the residual that stands, since when, and 1 once anything was filled.
SINCE_MS, OPEN_BASE, OPEN_QUOTE, IS_HEDGED = range(4)
OPEN = 4
FILL_COLUMNS = 9
CURVE_COLUMNS = 10
# More than one plan or fill a second of the last hour is not possible.
RING = 4096


class Tally(NamedTuple):
    """`recent_*`: rings of the last hour's plans and unapproved fills. `fills`, `curve`: rows as `outcome` names them,
    as far as there is room."""

    sums: Floats
    worst: Floats
    counts: Milliseconds
    flow: Floats
    open: Floats
    state_ms: Milliseconds
    reason_ms: Milliseconds
    recent_plans_ms: Milliseconds
    recent_fills_ms: Milliseconds
    recent_fills_quote: Floats
    fills: NDArray[np.float64]
    curve: NDArray[np.float64]


def empty_tally(*, start_ms: int, fills: int, curve_points: int, states: int, reasons: int) -> Tally:
    """`fills`, `curve_points`: for how many rows there is room. What is to become a minimum begins at infinity."""
    worst = np.zeros(WORST)
    worst[[MARGIN, AVAILABLE, DISTANCE]] = np.inf
    return Tally(
        sums=np.zeros(SUMS),
        worst=worst,
        counts=np.zeros(COUNTS, np.int64),
        flow=np.zeros(FLOW),
        open=np.array([start_ms, 0.0, 0.0, 0.0]),
        state_ms=np.zeros(states, np.int64),
        reason_ms=np.zeros(reasons, np.int64),
        recent_plans_ms=np.zeros(RING, np.int64),
        recent_fills_ms=np.zeros(RING, np.int64),
        recent_fills_quote=np.zeros(RING),
        fills=np.zeros((fills, FILL_COLUMNS)),
        curve=np.zeros((curve_points, CURVE_COLUMNS)),
    )


def note_plan(tally: Tally, at_ms: int) -> None:
    """At its first fill, as the hourly limit counts."""
    tally.counts[PLANS] += 1
    tally.recent_plans_ms[tally.counts[RECENT_PLANS] % RING] = at_ms
    tally.counts[RECENT_PLANS] += 1


def plans_since(tally: Tally, since_ms: int) -> int:
    """How many plans had their first fill after that. Asked with times that never fall."""
    counts = tally.counts
    while counts[OLD_PLANS] < counts[RECENT_PLANS] and tally.recent_plans_ms[counts[OLD_PLANS] % RING] <= since_ms:
        counts[OLD_PLANS] += 1
    return int(counts[RECENT_PLANS] - counts[OLD_PLANS])


def note_unapproved(tally: Tally, at_ms: int, signed_quote: float) -> None:
    """A fill that no person approved; `signed_quote` is below zero for a sale."""
    place = tally.counts[RECENT_FILLS] % RING
    tally.recent_fills_ms[place] = at_ms
    tally.recent_fills_quote[place] = signed_quote
    tally.counts[RECENT_FILLS] += 1


def unapproved_since(tally: Tally, since_ms: int, side: int) -> float:
    """QUOTE of fills on that side after that, which no person approved. Asked with times that never fall."""
    counts = tally.counts
    while counts[OLD_FILLS] < counts[RECENT_FILLS] and tally.recent_fills_ms[counts[OLD_FILLS] % RING] <= since_ms:
        counts[OLD_FILLS] += 1
    total = 0.0
    for number in range(counts[OLD_FILLS], counts[RECENT_FILLS]):
        total += max(side * tally.recent_fills_quote[number % RING], 0.0)
    return total
