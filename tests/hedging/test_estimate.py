"""An estimate is what the chain would say if nobody had touched the liquidity."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.hedging.estimate import estimated_at
from core.hedging.life_memory import LifeMemory
from core.hedging.lifecycle import LifeRules, LpView, observe
from tests.hedging.positions import NOW, position, read

RULES = LifeRules(timedelta(seconds=300), wallet_counts=True, fees_count=True, dust_quote=Decimal(10))
PRICES = st.decimals(min_value=1200, max_value=3300, places=3)


def view(price: str, *, base_is_token0: bool) -> LpView:
    held = position(price=price, owed=("0.5", "70"), base_is_token0=base_is_token0)
    return observe(read(held, wallet="3"), LifeMemory(), RULES, NOW)[0]


@pytest.mark.parametrize("base_is_token0", [True, False])
@given(before=PRICES, now=PRICES)
def test_it_is_what_a_read_at_that_price_would_have_said(base_is_token0: bool, before: Decimal, now: Decimal) -> None:
    """Amounts, sides, state and exposure, whatever the price was when the chain was last read."""
    estimate = estimated_at(view(str(before), base_is_token0=base_is_token0), now)
    truth = view(str(now), base_is_token0=base_is_token0)
    assert estimate.estimated and not truth.estimated
    assert (estimate.lp_base, estimate.lp_quote) == (truth.lp_base, truth.lp_quote)
    assert (estimate.state, estimate.side, estimate.facts.price) == (truth.state, truth.side, truth.facts.price)
    assert (estimate.net_base, estimate.edge_base) == (truth.net_base, truth.edge_base)
    assert estimate.value_quote == truth.value_quote
