"""Fills of the paper venue against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from core.errors import Refused
from core.facts import OrderSide, OrderStatus, TimeInForce
from tests.exchange.paper_rig import (
    ETH,
    START,
    HandMarket,
    book,
    buy,
    flat_market,
    limit_order,
    market_order,
    open_venue,
    sell,
)


def two_levels() -> HandMarket:
    asks = book(("2001", "1"), ("2002", "2"))
    bids = book(("1999", "1"), ("1998", "2"))
    return HandMarket(replace(flat_market("2000"), bids=bids, asks=asks))


async def test_market_sell_walks_the_bids() -> None:
    """1.5 sold into 1 @ 1999 and 2 @ 1998: entry (1999 + 0.5*1998)/1.5, fee 5 bps of each part."""
    venue = await open_venue(two_levels())
    report = await venue.place(sell("1.5"))
    trades = await venue.trades(ETH, after_trade_id=None, since=START)
    account = await venue.account(ETH)
    assert report.status is OrderStatus.FILLED
    assert [(t.price, t.quantity_base, t.fee) for t in trades] == [
        (Decimal(1999), Decimal(1), Decimal("0.9995")),
        (Decimal(1998), Decimal("0.5"), Decimal("0.4995")),
    ]
    assert account.position_base == Decimal("-1.5")
    assert account.short_base == Decimal("1.5")
    assert account.entry_price == Decimal("1998.666666666667")
    assert account.margin_balance_quote == Decimal(10000) - Decimal("1.499") + Decimal(2998) - Decimal(3000)


async def test_market_order_beyond_the_depth_expires_with_what_it_took() -> None:
    """The book holds 3; an order for 4 ends EXPIRED with 3 executed."""
    venue = await open_venue(two_levels())
    report = await venue.place(buy("4"))
    assert (report.status, report.executed_base) == (OrderStatus.EXPIRED, Decimal(3))


async def test_one_snapshot_is_not_sold_into_twice() -> None:
    """The second order meets what the first left of the same snapshot; a new snapshot is whole again."""
    feed = two_levels()
    venue = await open_venue(feed)
    await venue.place(sell("1", cid="a"))
    await venue.place(sell("1", cid="b"))
    feed.set(feed.markets[ETH])
    await venue.place(sell("1", cid="c"))
    trades = await venue.trades(ETH, after_trade_id=None, since=START)
    assert [t.price for t in trades] == [Decimal(1999), Decimal(1998), Decimal(1999)]


async def test_ioc_takes_what_its_price_allows_and_expires() -> None:
    """A limit of 2001 reaches the first ask only."""
    venue = await open_venue(two_levels())
    report = await venue.place(limit_order(OrderSide.BUY, "2", "2001", TimeInForce.IOC))
    assert (report.status, report.executed_base) == (OrderStatus.EXPIRED, Decimal(1))


async def test_gtc_rests_and_fills_as_maker_when_the_book_comes_to_it() -> None:
    """The rest of a partly taken GTC order fills later at its own price and the maker fee."""
    feed = two_levels()
    venue = await open_venue(feed)
    placed = await venue.place(limit_order(OrderSide.BUY, "2", "2001"))
    assert (placed.status, placed.executed_base) == (OrderStatus.PARTIALLY_FILLED, Decimal(1))
    feed.move("2000.50")
    found = await venue.find_order(ETH, "l")
    last = (await venue.trades(ETH, after_trade_id=1, since=START))[-1]
    assert found is not None
    assert found.status is OrderStatus.FILLED
    assert (last.price, last.fee, last.is_maker) == (Decimal(2001), Decimal("0.4002"), True)


async def test_post_only_that_would_take_is_refused_and_leaves_no_record() -> None:
    """GTX at the ask: -5022, and no order of that id exists."""
    venue = await open_venue(two_levels())
    with pytest.raises(Refused) as refused:
        await venue.place(limit_order(OrderSide.BUY, "1", "2001", TimeInForce.GTX))
    assert refused.value.code == "-5022"
    assert await venue.find_order(ETH, "l") is None


async def test_cancel_ends_a_resting_order_once() -> None:
    """The second cancel finds nothing open and answers None."""
    venue = await open_venue(two_levels())
    await venue.place(limit_order(OrderSide.BUY, "1", "1990", TimeInForce.GTX))
    assert len(await venue.open_orders(ETH)) == 1
    canceled = await venue.cancel(ETH, "l")
    assert canceled is not None
    assert canceled.status is OrderStatus.CANCELED
    assert await venue.cancel(ETH, "l") is None
    assert await venue.open_orders(ETH) == ()


async def test_closing_realises_the_average_entry() -> None:
    """Short 1 @ 2000 and 1 @ 2100, bought back 1 @ 1950: realised 2050 - 1950 = 100."""
    feed = HandMarket(flat_market("2000"))
    venue = await open_venue(feed)
    await venue.place(sell("1", cid="a"))
    feed.move("2100")
    await venue.place(sell("1", cid="b"))
    feed.move("1950")
    await venue.place(buy("1", cid="c"))
    trades = await venue.trades(ETH, after_trade_id=2, since=START)
    assert [t.realised_pnl_quote for t in trades] == [Decimal(100)]
    assert (await venue.account(ETH)).entry_price == Decimal(2050)


async def test_crossing_zero_realises_the_old_side_and_opens_the_new() -> None:
    """Short 1 @ 2000, buy 3 @ 1900: 100 realised, long 2 @ 1900."""
    feed = HandMarket(flat_market("2000"))
    venue = await open_venue(feed)
    await venue.place(sell("1", cid="a"))
    feed.move("1900")
    await venue.place(buy("3", cid="b"))
    account, ledger = await venue.account(ETH), await venue.ledger()
    assert (account.position_base, account.entry_price) == (Decimal(2), Decimal(1900))
    assert ledger.realised == 100


async def test_resting_reduce_only_shrinks_with_the_position() -> None:
    """A reduce-only bid of 2 finds only 1 left to buy back: it fills 1 and expires."""
    feed = HandMarket(flat_market("2000"))
    venue = await open_venue(feed)
    await venue.place(sell("2", cid="a"))
    await venue.place(limit_order(OrderSide.BUY, "2", "1990", reduce_only=True))
    await venue.place(market_order(OrderSide.BUY, "1", cid="b"))
    feed.move("1980")
    found = await venue.find_order(ETH, "l")
    assert found is not None
    assert (found.status, found.executed_base) == (OrderStatus.EXPIRED, Decimal(1))
    assert (await venue.account(ETH)).position_base == 0
