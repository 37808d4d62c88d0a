"""The embedded pool: an exact WETH/USDT pool of 0.05 %, and the traders who keep it near the recorded price."""

from __future__ import annotations

from math import isqrt
from random import Random

from bot.demo.path import TICKS_PER_QUOTE
from core.amm.pool import Pool, PositionKey
from core.amm.prices import PairOrder
from core.amm.ticks import lowest_usable_tick

ORDER = PairOrder(base_is_token0=True, decimals0=18, decimals1=6)
FEE_PIPS = 500
TICK_SPACING = 10
# About 60 million QUOTE of others' liquidity over the whole range at 1,800 QUOTE per BASE.
OTHERS_LIQUIDITY = 7 * 10**17
# One block in ten carries a trade that follows no arbitrage.
NOISE_ODDS = 0.1


def sqrt_of_ticks(price_ticks: int) -> int:
    """Sqrt price (x96), rounded down, of a price in ticks."""
    quote_units, base_units = 10**ORDER.decimals_quote, 10**ORDER.decimals_base
    return isqrt((price_ticks * quote_units << 192) // (TICKS_PER_QUOTE * base_units))


def new_pool(price_ticks: int) -> Pool:
    """A pool at this price with the others' liquidity in it."""
    pool = Pool(
        fee_pips=FEE_PIPS, tick_spacing=TICK_SPACING, sqrt_price_x96=sqrt_of_ticks(price_ticks), amm_type="uniswap_v3"
    )
    lowest = lowest_usable_tick(TICK_SPACING)
    pool.mint(PositionKey("others", lowest, -lowest), OTHERS_LIQUIDITY)
    return pool


def trade_block(pool: Pool, price_ticks: int, random: Random) -> None:
    """One block of trading: arbitrage to where the fee eats its profit, now and then a trade within that band.

    Afterwards the pool's price is within one fee of the recorded one.
    """
    fair_x96 = sqrt_of_ticks(price_ticks)
    # Half the fee on the square root is the fee on the price.
    margin_x96 = fair_x96 * FEE_PIPS // 2_000_000
    low_x96, high_x96 = fair_x96 - margin_x96, fair_x96 + margin_x96
    if not low_x96 <= pool.sqrt_price_x96 <= high_x96:
        pool.swap_to_price(low_x96 if pool.sqrt_price_x96 < low_x96 else high_x96)
    if random.random() < NOISE_ODDS:
        pool.swap_to_price(random.randint(low_x96, high_x96))
