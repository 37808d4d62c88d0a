"""Single swaps of a pool, and what a range earns of them: the measure that fees by the minute are held against."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from core.replay.path import Floats, Milliseconds
from core.replay.swap_fees import part_in_range, share_of


class Swaps(NamedTuple):
    """Single swaps, oldest first: the logarithm of the price that each left (QUOTE per BASE), what it paid to
    liquidity providers in whole tokens, and the liquidity in range after it, in sqrt(BASE * QUOTE)."""

    time_ms: Milliseconds
    log_price: Floats
    fee_base: Floats
    fee_quote: Floats
    pool_liquidity: Floats


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
