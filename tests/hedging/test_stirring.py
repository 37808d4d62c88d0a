"""When a chain's news are worth a look."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.config import HedgeConfig
from core.facts import LpFacts
from core.hedging.stirring import is_stirred
from tests.hedging.positions import LIQUIDITY, position, read

CONFIG = HedgeConfig(
    chain="ethereum", amm_type="uniswap_v3", lp_position_ids=(1,), symbol="ETHUSDT", delta_band_pct=Decimal(0)
)
BEFORE = read(position(price="2000"))


def test_the_first_reading_is_worth_a_look() -> None:
    assert is_stirred(None, BEFORE, CONFIG)


def test_the_same_again_is_not() -> None:
    assert not is_stirred(BEFORE, replace(BEFORE, block=replace(BEFORE.block, number=2)), CONFIG)


@pytest.mark.parametrize(
    "now",
    [
        read(position(liquidity=LIQUIDITY - 1)),
        read(position(owner="0xother")),
        read(position(), position(2)),
        read(missing=(1,)),
        replace(BEFORE, unfollowed_ids=(7,)),
        replace(BEFORE, reorganised_from=1),
        read(position(price="2600")),
    ],
    ids=["less", "given", "one more", "burnt", "found", "reorganised", "past the edge"],
)
def test_all_but_the_price_counts_however_small(now: LpFacts) -> None:
    assert is_stirred(BEFORE, now, CONFIG.model_copy(update={"delta_band_quote": Decimal(10**9)}))


@given(st.decimals(min_value=1700, max_value=2400, places=2), st.decimals(min_value=1, max_value=20000, places=0))
def test_a_price_counts_from_a_quarter_of_the_band(price: Decimal, band: Decimal) -> None:
    """The exposure that the price moved, at the new price, against the band."""
    now = read(position(price=str(price)))
    moved = abs(now.positions[0].base - BEFORE.positions[0].base) * now.price
    config = CONFIG.model_copy(update={"delta_band_quote": band})
    assert is_stirred(BEFORE, now, config) == (moved >= band / 4 and moved > 0)


def test_the_wallet_counts_only_where_it_is_hedged() -> None:
    richer = replace(BEFORE, wallet_base=Decimal(5))
    assert not is_stirred(BEFORE, richer, CONFIG)
    assert is_stirred(BEFORE, richer, CONFIG.model_copy(update={"include_wallet_base": True}))
