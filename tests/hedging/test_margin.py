"""Liquidation price, balance after a trade, and whose margin goes first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.facts import PerpAccount
from core.hedging.margin import (
    Claim,
    available_after,
    liquidation_price_after,
    rally_loss_quote,
    reserved_before,
)

SHORT_10 = PerpAccount(
    symbol="BNBUSDT",
    hedge_mode=False,
    position_base=Decimal(-10),
    long_base=Decimal(0),
    short_base=Decimal(10),
    entry_price=Decimal(600),
    liquidation_price=None,
    margin_balance_quote=Decimal(5000),
    available_balance_quote=Decimal(4700),
    maintenance_margin_quote=Decimal(60),
    initial_rate=Decimal("0.05"),
    maintenance_rate=Decimal("0.01"),
    taker_fee_rate=Decimal(0),
    maker_fee_rate=Decimal(0),
    as_of=datetime(2026, 1, 1, tzinfo=UTC),
)


@pytest.mark.parametrize("mark", [Decimal(550), Decimal(600), Decimal(700)])
def test_the_published_value_at_any_mark(mark: Decimal):
    """10 short from 600 on a wallet of 5000 at 1 %: 1089.1089, wherever the price has gone since."""
    equity = Decimal(5000) - 10 * (mark - 600)
    at_mark = replace(SHORT_10, margin_balance_quote=equity, maintenance_margin_quote=mark / 10)
    found = liquidation_price_after(at_mark, mark, Decimal(0))
    assert found is not None and round(found, 4) == Decimal("1089.1089")


def test_a_larger_short_is_liquidated_nearer_and_none_when_flat():
    """Selling more brings liquidation nearer, buying takes it away, flat has none."""
    now, more, less, flat = (
        liquidation_price_after(SHORT_10, Decimal(600), Decimal(trade)) for trade in ("0", "-5", "5", "10")
    )
    assert now is not None and more is not None and less is not None
    assert more < now < less and flat is None


def test_an_isolated_position_stands_alone():
    """Leverage 20, 0.5 % maintenance: 100 behind each BASE at 2000, whatever else the account holds."""
    rich = replace(
        SHORT_10,
        isolated=True,
        margin_balance_quote=Decimal(10**6),
        maintenance_rate=Decimal("0.005"),
        position_base=Decimal(0),
    )
    opened = liquidation_price_after(replace(rich, liquidation_price=None), Decimal(2000), Decimal(-5))
    assert opened is not None and round(opened, 4) == round(Decimal(2100) / Decimal("1.005"), 4)
    held = replace(rich, position_base=Decimal(-5), liquidation_price=opened)
    assert liquidation_price_after(held, Decimal(2000), Decimal(4)) == pytest.approx(opened)
    further = liquidation_price_after(held, Decimal(1900), Decimal(-5))
    each = (100 + 100 + 95) / Decimal(2)  # the first five gained 100 each, the new ones bring 95
    assert further is not None and round(further, 4) == round((1900 + each) / Decimal("1.005"), 4)


def test_other_positions_of_the_account_keep_their_margin():
    """Maintenance margin that is not this position's stands behind the others."""
    crowded = replace(SHORT_10, maintenance_margin_quote=Decimal(1060))
    alone = liquidation_price_after(SHORT_10, Decimal(600), Decimal(0))
    beside = liquidation_price_after(crowded, Decimal(600), Decimal(0))
    assert alone is not None and beside is not None
    assert round(alone - beside, 6) == round(Decimal(1000) / Decimal("10.1"), 6)


def test_balance_after_a_trade():
    """What grows ties up initial margin and fee, what shrinks frees it, less the fee."""
    paying = replace(SHORT_10, taker_fee_rate=Decimal("0.0005"))
    assert available_after(paying, Decimal(600), Decimal(-10)) == 4700 - 300 - 3
    assert available_after(paying, Decimal(600), Decimal(5)) == 4700 + 150 - Decimal("1.5")


def test_what_a_rally_takes_from_a_short_left_alone():
    """The reference position: 25 BASE short from 2000 to 2500."""
    assert rally_loss_quote(Decimal(25), Decimal(2000), Decimal(2500)) == 12_500


def test_the_largest_gap_in_bands_is_served_first():
    """Margin of a shared account: orders at work first, then the largest gap in bands, then by name."""
    claims = [
        Claim("a", Decimal(10), Decimal(2), at_work=False),
        Claim("b", Decimal(20), Decimal(5), at_work=False),
        Claim("c", Decimal(40), Decimal(1), at_work=True),
        Claim("d", Decimal(80), Decimal(2), at_work=False),
    ]
    assert {name: int(reserved_before(name, claims)) for name in "abd"} == {"a": 60, "b": 40, "d": 70}
