"""What the paper venue refuses, by the venue's own codes; a refused order leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.errors import OutcomeUnknown, Refused
from core.facts import OrderRequest, OrderSide, OrderStatus, PositionSide
from tests.exchange.paper_rig import ETH, HandMarket, buy, flat_market, limit_order, market_order, open_venue, sell


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (sell("0.0005"), "-1111"),
        (sell("0"), "-4003"),
        (sell("0.0105"), "-1111"),
        (sell("2000.001"), "-4005"),
        (sell("0.009"), "-4164"),
        (limit_order(OrderSide.SELL, "1", "2000.001"), "-1111"),
        (limit_order(OrderSide.BUY, "1", "0"), "-4013"),
        (limit_order(OrderSide.BUY, "1", "2100.01"), "-4016"),
        (limit_order(OrderSide.SELL, "1", "1899.99"), "-4024"),
        (replace(limit_order(OrderSide.SELL, "1", "2000"), price=None), "-1102"),
        (replace(sell("1"), position_side=PositionSide.SHORT), "-4061"),
        (replace(sell("1"), client_order_id="x" * 37), "client_order_id"),
        (market_order(OrderSide.BUY, "1", reduce_only=True), "-2022"),
        (sell("26"), "-2019"),
        (replace(sell("1"), symbol="NOPEUSDT"), "-1121"),
    ],
)
async def test_refused_with_the_venues_code(order: OrderRequest, code: str) -> None:
    """Each broken rule has its own code, and no order exists afterwards."""
    venue = await open_venue(HandMarket(flat_market("2000")))
    with pytest.raises(Refused) as refused:
        await venue.place(order)
    assert refused.value.code == code
    assert await venue.find_order(ETH, order.client_order_id) is None
    assert (await venue.account(ETH)).position_base == 0


async def test_five_times_leverage_is_the_most() -> None:
    """10,000 QUOTE at 5x carry 25 BASE at 2000 exactly."""
    venue = await open_venue(HandMarket(flat_market("2000")))
    report = await venue.place(sell("25"))
    assert report.status is OrderStatus.FILLED
    assert (await venue.account(ETH)).available_balance_quote == 0


async def test_reduce_only_is_exempt_from_the_minimum_but_not_from_the_position() -> None:
    """0.005 BASE (10 QUOTE) may be bought back; 0.016 of the remaining 0.015 may not."""
    venue = await open_venue(HandMarket(flat_market("2000")))
    await venue.place(sell("0.02"))
    await venue.place(market_order(OrderSide.BUY, "0.005", cid="b", reduce_only=True))
    with pytest.raises(Refused) as refused:
        await venue.place(market_order(OrderSide.BUY, "0.016", cid="c", reduce_only=True))
    assert refused.value.code == "-2022"


async def test_an_open_id_is_refused_and_a_filled_one_trades_again() -> None:
    """A client id guards only while its order is open: filled, the same id sells a second time, as at Binance.

    Open, it is proof that an order of this id exists, so the answer is not "refused".
    """
    venue = await open_venue(HandMarket(flat_market("2000")))
    await venue.place(limit_order(OrderSide.BUY, "1", "1900", cid="same"))
    with pytest.raises(OutcomeUnknown, match="-4116"):
        await venue.place(buy("1", cid="same"))
    await venue.place(sell("1", cid="twice"))
    await venue.place(sell("1", cid="twice"))
    assert (await venue.account(ETH)).position_base == -2


async def test_reducing_needs_no_margin() -> None:
    """With nothing available a plain buy that only shrinks the short still goes through."""
    feed = HandMarket(flat_market("2000"))
    venue = await open_venue(feed)
    await venue.place(sell("25", cid="a"))
    feed.move("2100")
    report = await venue.place(buy("5", cid="b"))
    assert report.status is OrderStatus.FILLED
