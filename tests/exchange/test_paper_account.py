"""Money on paper: the parts always add up, funding has the right sign, liquidation comes where the formula says."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from core.config import PaperConfig
from core.errors import InvariantBroken, Refused
from core.exchange.paper import PaperVenue, terms_of
from core.exchange.paper_margin import OTHER_BRACKETS, brackets, liquidation_price, maintenance_margin
from core.facts import OrderSide
from tests.exchange.paper_rig import (
    ETH,
    START,
    HandMarket,
    MemoryStore,
    buy,
    flat_market,
    limit_order,
    market_order,
    open_venue,
    sell,
)


@pytest.mark.parametrize(
    ("wallet", "size", "entry", "rate", "expected"),
    [("1000", "1", "2000", "0.005", "2985.074626865672"), ("5000", "10", "600", "0.01", "1089.108910891089")],
)
def test_short_liquidation_price_check_values(wallet: str, size: str, entry: str, rate: str, expected: str) -> None:
    """(WB + q*EP + cum) / (q * (1 + MMR)) at the two published check values."""
    quantity = -Decimal(size)
    price = liquidation_price(quantity, quantity * Decimal(entry), Decimal(wallet), brackets((0, rate)))
    assert price == Decimal(expected)


def test_a_long_backed_by_more_than_its_cost_has_no_liquidation_price() -> None:
    """1 BASE bought at 2000 with 3000 in the wallet survives a price of zero."""
    assert liquidation_price(Decimal(1), Decimal(2000), Decimal(3000), OTHER_BRACKETS) is None


@given(size=st.integers(-5000, 5000).filter(bool), entry=st.integers(100, 5000), wallet=st.integers(1, 3_000_000))
def test_equity_meets_maintenance_at_the_liquidation_price(size: int, entry: int, wallet: int) -> None:
    """Across all brackets, equity less maintenance changes sign at the price, within its rounding."""
    base, table = Decimal(size), brackets((0, "0.004"), (50_000, "0.005"), (600_000, "0.0065"), (3_000_000, "0.01"))
    price = liquidation_price(base, base * entry, Decimal(wallet), table)
    if price is None:
        assert size > 0
        return
    left = wallet + base * (price - entry) - maintenance_margin(table, abs(base) * price)
    assert abs(left) <= abs(base) * price * Decimal("1e-15") + Decimal("0.00000001")


async def test_liquidation_comes_at_its_price_and_not_before() -> None:
    """Just under the stated price the short lives; just over it the venue closes it and keeps a fee."""
    feed = HandMarket(flat_market("2000"))
    venue = await open_venue(feed)
    await venue.place(sell("20"))
    price = (await venue.account(ETH)).liquidation_price
    assert price is not None
    feed.move(str(price - Decimal("0.01")))
    assert (await venue.account(ETH)).position_base == -20
    feed.move(str(price + Decimal("0.01")))
    account = await venue.account(ETH)
    last = (await venue.trades(ETH, after_trade_id=1, since=START))[-1]
    order = await venue.find_order_by_venue_id(ETH, last.venue_order_id)
    assert account.position_base == 0
    assert order is not None
    assert order.client_order_id.startswith("autoclose-")


async def test_the_fund_pays_what_a_liquidation_leaves_missing() -> None:
    """After a jump far beyond the liquidation price the wallet is zero, never negative."""
    feed = HandMarket(flat_market("2000"))
    venue = await open_venue(feed)
    await venue.place(sell("20"))
    feed.move("4000")
    account, ledger = await venue.account(ETH), await venue.ledger()
    assert account.position_base == 0
    assert account.margin_balance_quote == ledger.wallet == 0
    assert ledger.insurance > 0


async def test_symbols_share_one_margin() -> None:
    """What ETH earns backs the BNB short: its liquidation price moves up, and falls back when the profit is gone."""
    feed = HandMarket(flat_market("2000"), flat_market("600", symbol="BNBUSDT"))
    venue = await open_venue(feed)
    await venue.place(sell("5", cid="a"))
    await venue.place(replace(sell("10", cid="b"), symbol="BNBUSDT"))
    alone = (await venue.account("BNBUSDT")).liquidation_price
    feed.move("1800")
    await venue.account(ETH)
    backed = await venue.account("BNBUSDT")
    assert alone is not None
    assert backed.liquidation_price is not None
    assert backed.liquidation_price > alone + 90
    assert backed.margin_balance_quote == 10_000 + 1_000 - Decimal(8)


async def test_a_restart_finds_the_same_account() -> None:
    """A second venue over the same store knows position, entry, resting orders, trades and the next ids."""
    feed, store = HandMarket(flat_market("2000.37")), MemoryStore()
    first = await open_venue(feed, store)
    await first.place(sell("1.234", cid="a"))
    before = await first.account(ETH)
    second = await open_venue(feed, store, balance="77")
    assert await second.account(ETH) == before
    assert await second.find_order(ETH, "a") == await first.find_order(ETH, "a")
    await second.place(buy("0.5", cid="b"))
    trades = await second.trades(ETH, after_trade_id=None, since=START)
    assert [trade.trade_id for trade in trades] == [1, 2]


async def test_a_damaged_account_is_not_taken_for_an_empty_one() -> None:
    """Text that is not an account stops the start instead of beginning anew."""
    store = MemoryStore()
    store.text = '{"ledger": {}}'
    with pytest.raises(InvariantBroken):
        await open_venue(HandMarket(flat_market("2000")), store)


async def test_the_account_is_stored_before_place_returns_and_not_for_every_mark() -> None:
    """A placed order is in the store; a mark that moved alone writes nothing."""
    feed, store = HandMarket(flat_market("2000")), MemoryStore()
    venue = await open_venue(feed, store)
    await venue.place(sell("1"))
    assert store.text is not None
    assert '"size_base":"-1"' in store.text
    saves = store.saves
    feed.move("2001")
    await venue.account(ETH)
    assert store.saves == saves


class Does(StrEnum):
    TRADE = "trade"
    REST = "rest"
    FUND = "fund"


Deal = tuple[Does, int, int, bool]
DEALS = st.lists(
    st.tuples(st.sampled_from(Does), st.integers(10, 4000), st.integers(150_000, 250_000), st.booleans()),
    min_size=1,
    max_size=25,
)


@settings(max_examples=80, deadline=None)
@given(deals=DEALS)
def test_the_parts_always_add_up(deals: list[Deal]) -> None:
    """Over trades, resting orders, funding, liquidation: equity is start plus cash plus position at the mark."""
    asyncio.run(_trade_and_check(deals))


async def _trade_and_check(deals: list[Deal]) -> None:
    feed = HandMarket(flat_market("2000"))
    venue = await open_venue(feed)
    for number, deal in enumerate(deals):
        feed.move(str(Decimal(deal[2]) / 100))
        with suppress(Refused):
            await _deal(venue, feed, deal, f"o{number}")
    account, ledger = await venue.account(ETH), await venue.ledger()
    trades = await venue.trades(ETH, after_trade_id=None, since=START)
    cash = sum((-t.side.sign * t.price * t.quantity_base - t.fee for t in trades), Decimal(0))
    at_mark = account.position_base * feed.markets[ETH].mark_price
    assert account.margin_balance_quote == 10000 + cash + at_mark + ledger.funding + ledger.insurance
    assert ledger.realised == sum((t.realised_pnl_quote for t in trades), Decimal(0))
    assert ledger.fees == sum((t.fee for t in trades), Decimal(0))
    assert account.position_base == sum((t.side.sign * t.quantity_base for t in trades), Decimal(0))
    for order in [await venue.find_order(ETH, f"o{number}") for number in range(len(deals))]:
        if order is not None:
            done = sum((t.quantity_base for t in trades if t.venue_order_id == order.venue_order_id), Decimal(0))
            assert order.executed_base == done


async def _deal(venue: PaperVenue, feed: HandMarket, deal: Deal, cid: str) -> None:
    does, thousandths, cents, buying = deal
    side, quantity = OrderSide.BUY if buying else OrderSide.SELL, str(Decimal(thousandths) / 1000)
    if does is Does.FUND:
        seen = feed.markets[ETH]
        feed.set(replace(seen, next_funding_time=seen.next_funding_time + timedelta(hours=8)))
    elif does is Does.TRADE:
        await venue.place(market_order(side, quantity, cid=cid))
    else:
        price = Decimal(cents) / 100 - 50 * side.sign
        await venue.place(limit_order(side, quantity, str(price), cid=cid))


@pytest.mark.parametrize(("leverage", "rate"), [("5", "0.2"), ("125", "0.008"), ("1", "1")])
def test_the_simulated_account_has_the_leverage_that_is_set(leverage: str, rate: str) -> None:
    """What an order ties up of it."""
    assert terms_of(PaperConfig.model_validate({"leverage": int(leverage)})).initial_rate == Decimal(rate)


@pytest.mark.parametrize("leverage", [0, 126, -5, True, 2.5, "much"])
def test_a_leverage_that_no_account_has_is_refused(leverage: object) -> None:
    """1 to 125."""
    with pytest.raises(ValidationError):
        PaperConfig.model_validate({"leverage": leverage})
