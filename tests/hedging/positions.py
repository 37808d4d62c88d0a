"""LP reads for tests: R, the reference position of the theory, in either order of the tokens.

2000 QUOTE per BASE, range about 1600 to 2500, 10590.17 of liquidity in human units: 25 BASE and 50,000 QUOTE.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.amm.prices import PairOrder, price_bounds, sqrt_from_price
from core.amm.ticks import sqrt_ratio_at_tick
from core.facts import Block, LpFacts, LpPosition, RangeSide, Token
from core.hedging.exposure import amounts_at_sqrt

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ZERO = Decimal(0)
# 10590.17 * sqrt(10**18 * 10**6)
LIQUIDITY = 10_590_169_943_749_474
BASE = Token("0x" + "b" * 40, "BASE", 18)
QUOTE = Token("0x" + "c" * 40, "USDT", 6)


def position(
    position_id: int = 1,
    *,
    liquidity: int = LIQUIDITY,
    price: str = "2000",
    owed: tuple[str, str] = ("0", "0"),
    base_is_token0: bool = True,
    owner: str = "0xme",
) -> LpPosition:
    order = PairOrder(base_is_token0, *((18, 6) if base_is_token0 else (6, 18)))
    ticks = (-202_560, -198_080) if base_is_token0 else (198_080, 202_560)
    sqrt_price = sqrt_from_price(Decimal(price), order)
    lower, upper = price_bounds(*ticks, order)
    bare = LpPosition(
        position_id=position_id, owner=owner, pool="0xpool", base_is_token0=base_is_token0, base_decimals=18,
        quote_decimals=6, liquidity=liquidity, tick_lower=ticks[0], tick_upper=ticks[1], sqrt_price_x96=sqrt_price,
        price=Decimal(price), base=ZERO, quote=ZERO, owed_base=Decimal(owed[0]), owed_quote=Decimal(owed[1]),
        price_lower=lower, price_upper=upper, side=_side(Decimal(price), lower, upper), base_at_lower_edge=ZERO,
    )  # fmt: skip
    base, quote = amounts_at_sqrt(bare, liquidity, sqrt_price)
    edge_tick = ticks[0] if base_is_token0 else ticks[1]
    edge, _ = amounts_at_sqrt(bare, liquidity, sqrt_ratio_at_tick(edge_tick))
    return replace(bare, base=base, quote=quote, base_at_lower_edge=edge)


def read(
    *positions: LpPosition, block: int = 1, wallet: str | None = None, missing: Sequence[int] = (), price: str = "2000"
) -> LpFacts:
    """One read; the block's number is also the second at which it was made."""
    at = NOW + timedelta(seconds=block)
    return LpFacts(
        block=Block(block, None, at),
        as_of=at,
        source="test",
        base=BASE,
        quote=QUOTE,
        price=positions[0].price if positions else Decimal(price),
        positions=positions,
        missing_ids=tuple(missing),
        wallet_base=None if wallet is None else Decimal(wallet),
    )


def _side(price: Decimal, lower: Decimal, upper: Decimal) -> RangeSide:
    if price < lower:
        return RangeSide.BELOW
    return RangeSide.IN if price < upper else RangeSide.ABOVE
