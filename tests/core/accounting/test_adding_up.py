"""Whatever happens, in whatever order: the parts add up to the change of wealth, to the last unit."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from core.accounting.books import EXACT
from core.facts import OrderSide
from core.ports import TradeOrigin
from tests.core.accounting.purse import Purse, hedged

ZERO = Decimal(0)
prices = st.decimals("1500", "2700", places=9)
sizes = st.decimals("0.001", "30", places=3).map(str)
small = st.decimals("0", "3", places=18)
sides = st.sampled_from(OrderSide)
events = st.one_of(
    st.tuples(st.just("move"), prices, prices),
    st.tuples(st.just("earn"), small, small),
    st.tuples(st.just("collect"), st.booleans(), st.booleans()),
    st.tuples(st.just("beside"), small, st.none()),
    st.tuples(st.just("mint"), st.integers(1, 3), st.integers(1, 10**16)),
    st.tuples(st.just("burn"), st.integers(0, 9), st.booleans()),
    st.tuples(
        st.just("trade"),
        st.tuples(sides, sizes, prices.map(str)),
        st.tuples(st.sampled_from(TradeOrigin), small.map(str), st.sampled_from(["USDT", "BASE", "BNB"])),
    ),
    st.tuples(st.just("pay"), st.sampled_from(["FUNDING_FEE", "INSURANCE_CLEAR"]), small.map(lambda n: str(1 - n))),
    st.tuples(st.just("read"), st.none(), st.none()),
)


def happen(purse: Purse, event: tuple) -> None:  # type: ignore[type-arg]
    match event:
        case ("move", price, mark):
            purse.price, purse.mark = price, mark
        case ("earn", base, quote):
            purse.fee_base, purse.fee_quote = purse.fee_base + base, purse.fee_quote + quote
        case ("collect", base, quote):
            purse.fee_base, purse.fee_quote = ZERO if base else purse.fee_base, ZERO if quote else purse.fee_quote
        case ("beside", base, _):
            purse.beside_base = base
        case ("mint", position_id, liquidity):
            purse.mint(position_id, liquidity)
        case ("burn", index, parks):
            purse.burn(index, parks=parks)
        case ("trade", (side, quantity, price), (origin, fee, asset)):
            purse.trade(side, quantity, price, origin=origin, fee=fee, fee_asset=asset, arrival="2000")
        case ("pay", kind, amount):
            purse.pay(kind, amount)
        case _:
            purse.read()


@given(st.booleans(), st.lists(events, min_size=1, max_size=25))
@settings(max_examples=150, deadline=None)
def test_the_parts_add_up(base_is_token0: bool, happened: list[tuple]) -> None:  # type: ignore[type-arg]
    """Prices, fills of all origins and fees, liquidity and collects between readings, with either token first."""
    purse = hedged(base_is_token0=base_is_token0)
    before = purse.wealth()
    for event in happened:
        happen(purse, event)
    purse.read()
    statement = purse.statement()
    assert statement is not None
    assert statement.total.wealth_change == EXACT.subtract(purse.wealth(), before)
    assert statement.total.lp_fees >= 0 and statement.total.collected >= 0


@given(st.booleans(), st.lists(st.tuples(prices, small, small), min_size=1, max_size=12))
@settings(max_examples=60, deadline=None)
def test_left_alone_all_is_performance(base_is_token0: bool, path: list[tuple[Decimal, Decimal, Decimal]]) -> None:
    """With nothing put in, taken out or traded by others, `net` is the change of wealth, and no step gains by LVR."""
    purse = hedged(base_is_token0=base_is_token0)
    before = purse.wealth()
    for price, base, quote in path:
        purse.price = price
        purse.mark = price
        purse.fee_base, purse.fee_quote = purse.fee_base + base, purse.fee_quote + quote
        purse.trade(OrderSide.SELL, "0.5", str(price), fee="0.3")
        purse.read()
    statement = purse.statement()
    assert statement is not None
    assert statement.total.net == EXACT.subtract(purse.wealth(), before)
    assert all(parts.lvr <= Decimal("0.00001") for _, parts in statement.steps)
