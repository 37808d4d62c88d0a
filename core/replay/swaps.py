"""Single swaps of a pool, of which its minutes are made."""

from __future__ import annotations

from typing import NamedTuple

from core.replay.path import Floats, Milliseconds


class Swaps(NamedTuple):
    """Single swaps, oldest first: the logarithm of the price that each left (QUOTE per BASE), what it paid to
    liquidity providers in whole tokens, and the liquidity in range after it, in sqrt(BASE * QUOTE)."""

    time_ms: Milliseconds
    log_price: Floats
    fee_base: Floats
    fee_quote: Floats
    pool_liquidity: Floats
