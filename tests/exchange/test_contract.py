"""One suite for two venues: paper, and the live adapter over the strict exchange, give the same answers at the port.

The two share no module, so what both agree on was worked out twice; where words of Binance's are recorded, they decide.
"""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from core.exchange.paper_margin import BRACKETS
from core.facts import OrderRequest, OrderSide, OrderStatus, PositionSide, TimeInForce
from tests.exchange import paper_rig, recorded
from tests.exchange.desks import (
    Desk,
    Fill,
    account,
    alike,
    answer,
    binance_desk,
    fills,
    orders,
    paper_desk,
)
from tests.exchange.paper_rig import ETH, limit_order, market_order

ROOT = Path(__file__).parents[2]
BUY, SELL = OrderSide.BUY, OrderSide.SELL
GTC, IOC, GTX = TimeInForce.GTC, TimeInForce.IOC, TimeInForce.GTX
BIDS = (("1999", "1"), ("1998", "2"))
ASKS = (("2001", "1"), ("2002", "2"))


@pytest.fixture(params=["paper", "binance"])
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    async with paper_desk() if request.param == "paper" else binance_desk() as opened:
        yield opened


def sell(quantity: str, cid: str = "a", *, reduce_only: bool = False) -> OrderRequest:
    return market_order(SELL, quantity, cid=cid, reduce_only=reduce_only)


def buy(quantity: str, cid: str = "a", *, reduce_only: bool = False) -> OrderRequest:
    return market_order(BUY, quantity, cid=cid, reduce_only=reduce_only)


def fill(cid: str, side: OrderSide, price: str, quantity: str, fee: str, realised: str = "0", *, maker: bool) -> Fill:
    numbers = (Decimal(price), Decimal(quantity), Decimal(fee))
    return Fill(cid, side.value, *numbers, "USDT", Decimal(realised), is_maker=maker)


async def test_the_margin_tiers_are_told(desk: Desk) -> None:
    """What a position of any size must keep can be worked out, not only at today's size."""
    await desk.book(BIDS, ASKS, "2000")
    tiers = (await desk.venue.account(ETH)).maintenance_tiers
    assert [(int(tier.floor_quote), str(tier.rate), int(tier.deduction_quote)) for tier in tiers[:4]] == [
        (0, "0.004", 0),
        (50_000, "0.005", 50),
        (600_000, "0.0065", 950),
        (3_000_000, "0.01", 11_450),
    ]


# -- the book ----------------------------------------------------------------------------------------------------------


async def test_a_market_order_walks_the_book(desk: Desk) -> None:
    """1.5 into 1 @ 1999 and 2 @ 1998: two fills at their own price and the taker's fee, and the account they make."""
    await desk.book(BIDS, ASKS, "2000")
    assert await answer(desk, sell("1.5")) == "FILLED 1.5"
    assert await fills(desk) == (
        fill("a", SELL, "1999", "1", "0.9995", maker=False),
        fill("a", SELL, "1998", "0.5", "0.4995", maker=False),
    )
    assert alike(
        await account(desk),
        {
            "symbol": ETH,
            "hedge_mode": False,
            "position_base": Decimal("-1.5"),
            "long_base": Decimal(0),
            "short_base": Decimal("1.5"),
            "entry_price": Decimal("1998.66666667"),
            "liquidation_price": Decimal("8629.81474104"),
            "margin_balance_quote": Decimal("9996.501"),
            "available_balance_quote": Decimal("9396.501"),
            "maintenance_margin_quote": Decimal(12),
            "initial_rate": Decimal("0.2"),
            "maintenance_rate": Decimal("0.004"),
            "taker_fee_rate": Decimal("0.0005"),
            "maker_fee_rate": Decimal("0.0002"),
            "isolated": False,
        },
    )


async def test_one_book_is_not_taken_twice(desk: Desk) -> None:
    """The second order meets what the first left; what the book does not hold expires; then there is no price."""
    await desk.book(BIDS, ASKS, "2000")
    assert await answer(desk, sell("1", "a")) == "FILLED 1"
    assert await answer(desk, sell("3", "b")) == "EXPIRED 2"
    assert await answer(desk, sell("1", "c")) == "-4131"
    await desk.book(BIDS, ASKS, "2000")
    assert await answer(desk, sell("1", "d")) == "FILLED 1"
    assert [each.price for each in await fills(desk)] == [1999, 1998, 1999]


@pytest.mark.parametrize(
    ("tif", "price", "said"),
    [
        (GTC, "2001", "PARTIALLY_FILLED 1"),
        (GTC, "2000", "NEW 0"),
        (IOC, "2001", "EXPIRED 1"),
        (IOC, "2000", "EXPIRED 0"),
        (IOC, "2002", "FILLED 1.5"),
        (GTX, "2000", "NEW 0"),
        (GTX, "2001", "-5022"),
    ],
)
async def test_limit_orders_by_their_time_in_force(desk: Desk, tif: TimeInForce, price: str, said: str) -> None:
    """A bid for 1.5 against 1 @ 2001 and 2 @ 2002. A post-only that would take leaves no record."""
    await desk.book(BIDS, ASKS, "2000")
    assert await answer(desk, limit_order(BUY, "1.5", price, tif, cid="l")) == said
    found = await desk.venue.find_order(ETH, "l")
    assert (found is None) == (said == "-5022")
    rests = said.split(maxsplit=1)[0] in ("NEW", "PARTIALLY_FILLED")
    assert [report.client_order_id for report in await desk.venue.open_orders(ETH)] == (["l"] if rests else [])


async def test_a_resting_order_fills_as_maker_when_the_other_side_reaches_it(desk: Desk) -> None:
    """Not while the asks stay above; then at its own price as far as the asks go, never at their better one."""
    assert await answer(desk, limit_order(BUY, "2", "1990", GTX, cid="l")) == "NEW 0"
    await desk.book([("1989", "5")], [("1990.01", "5")], "1990")
    assert await orders(desk, ["l"]) == {"l": (OrderStatus.NEW, Decimal(0)), "open": ("l",)}
    await desk.book([("1980", "5")], [("1985", "0.5"), ("1990", "0.25"), ("1991", "9")], "1990")
    assert await orders(desk, ["l"]) == {"l": (OrderStatus.PARTIALLY_FILLED, Decimal("0.75")), "open": ("l",)}
    assert await answer(desk, buy("1", "b")) == "FILLED 1"
    await desk.book([("1989", "5")], [("1990", "5")], "1990")
    assert await orders(desk, ["l"]) == {"l": (OrderStatus.FILLED, Decimal(2)), "open": ()}
    assert await fills(desk) == (
        fill("l", BUY, "1990", "0.75", "0.2985", maker=True),
        fill("b", BUY, "1991", "1", "0.9955", maker=False),
        fill("l", BUY, "1990", "1.25", "0.4975", maker=True),
    )


async def test_the_better_price_is_served_first(desk: Desk) -> None:
    """Two asks of ours, 0.6 bid: the lower one takes it though it came later, then the older of two equal ones."""
    for cid, price in (("high", "2020"), ("low", "2010"), ("same", "2010")):
        assert await answer(desk, limit_order(SELL, "0.4", price, cid=cid)) == "NEW 0"
    await desk.book([("2025", "0.6")], [("2030", "1")], "2020")
    assert await orders(desk, ["high", "low", "same"]) == {
        "high": (OrderStatus.NEW, Decimal(0)),
        "low": (OrderStatus.FILLED, Decimal("0.4")),
        "same": (OrderStatus.PARTIALLY_FILLED, Decimal("0.2")),
        "open": ("high", "same"),
    }


# -- refusals ----------------------------------------------------------------------------------------------------------

REFUSED = [
    (sell("0.0105"), "-1111"),
    (sell("0"), "-4003"),
    (sell("2000.001"), "-4005"),
    (replace(limit_order(SELL, "1", "2000"), quantity_base=Decimal(10001)), "-4005"),
    (sell("0.009"), "-4164"),
    (limit_order(SELL, "0.009", "2000"), "-4164"),
    (limit_order(SELL, "1", "2000.001"), "-1111"),
    (limit_order(BUY, "1", "0"), "-4013"),
    (limit_order(BUY, "1", "2100.01", IOC), "-4016"),
    (limit_order(SELL, "1", "1899.99", IOC), "-4024"),
    (replace(limit_order(SELL, "1", "2000"), price=None), "-1102"),
    (replace(limit_order(SELL, "1", "2000"), time_in_force=None), "-1102"),
    (replace(sell("1"), price=Decimal(2000)), "-1106"),
    (replace(sell("1"), time_in_force=IOC), "-1106"),
    (replace(sell("1"), position_side=PositionSide.SHORT), "-4061"),
    (replace(sell("1"), client_order_id="x" * 37), "client_order_id"),
    (replace(sell("1"), client_order_id="a:b"), "client_order_id"),
    (buy("1", reduce_only=True), "-2022"),
    (sell("25.001"), "-2019"),
    (limit_order(BUY, "25.001", "1950"), "-2019"),
]


@pytest.mark.parametrize(("order", "code"), REFUSED)
async def test_refused_with_binances_code_and_nothing_remains(desk: Desk, order: OrderRequest, code: str) -> None:
    """Each broken rule has its own code; the account is as if nothing had been asked."""
    before = await account(desk)
    assert await answer(desk, order) == code
    assert await desk.venue.find_order(ETH, order.client_order_id) is None
    assert await desk.venue.open_orders(ETH) == ()
    assert await account(desk) == before


def test_the_codes_are_those_that_binance_has_been_seen_to_give() -> None:
    """Every code of Binance's above is in its documentation or among the answers recorded of it."""
    documented, observed = recorded.errors("documented_messages"), recorded.errors("observed")
    assert isinstance(documented, dict)
    assert isinstance(observed, list)
    known = {*documented, *(str(row["body"]["code"]) for row in observed)}
    ours = {code for _, code in REFUSED if code.startswith("-")} | {"-4131", "-5022", "-4116", "-2011"}
    # The error page has these two without a text, so no message of theirs is kept.
    assert ours - known <= {"-1102", "-1111", "-4013"}


async def test_an_open_id_is_taken_and_a_finished_one_trades_again(desk: Desk) -> None:
    """An id is unique among open orders only: while one rests, the answer is that an order of it exists."""
    assert await answer(desk, limit_order(BUY, "1", "1950", cid="same")) == "NEW 0"
    assert await answer(desk, buy("1", "same")) == "unknown"
    assert await answer(desk, sell("1", "twice")) == "FILLED 1"
    assert await answer(desk, sell("1", "twice")) == "FILLED 1"
    assert (await account(desk))["position_base"] == -2


async def test_a_dislocated_book_takes_no_market_order(desk: Desk) -> None:
    """The best price 5 % from the mark is refused; at 5 % exactly it trades."""
    await desk.book([("1899.99", "9")], [("2100", "9")], "2000")
    assert await answer(desk, sell("1", "a")) == "-4131"
    assert await answer(desk, buy("1", "b")) == "FILLED 1"


# -- reduce-only and margin --------------------------------------------------------------------------------------------


async def test_reduce_only_reduces_and_is_exempt_from_the_minimum(desk: Desk) -> None:
    """0.005 (10 QUOTE) may be bought back; more than is left may not, nor more than other covers leave."""
    assert await answer(desk, sell("0.02")) == "FILLED 0.02"
    assert await answer(desk, buy("0.005", "b", reduce_only=True)) == "FILLED 0.005"
    assert await answer(desk, buy("0.016", "c", reduce_only=True)) == "-2022"
    assert await answer(desk, limit_order(BUY, "0.01", "1990", GTX, cid="d", reduce_only=True)) == "NEW 0"
    assert await answer(desk, buy("0.006", "e", reduce_only=True)) == "-2022"
    assert await answer(desk, buy("0.005", "f", reduce_only=True)) == "FILLED 0.005"


async def test_a_resting_cover_never_turns_the_position(desk: Desk) -> None:
    """A cover of 2 finds 1 left to buy back: it fills 1 and expires; a second finds nothing and expires empty."""
    assert await answer(desk, sell("3", "a")) == "FILLED 3"
    assert await answer(desk, limit_order(BUY, "2", "1990", reduce_only=True, cid="first")) == "NEW 0"
    assert await answer(desk, limit_order(BUY, "1", "1980", reduce_only=True, cid="second")) == "NEW 0"
    assert await answer(desk, buy("2", "b")) == "FILLED 2"
    await desk.book([("1970", "9")], [("1975", "9")], "1980")
    assert await orders(desk, ["first", "second"]) == {
        "first": (OrderStatus.EXPIRED, Decimal(1)),
        "second": (OrderStatus.EXPIRED, Decimal(0)),
        "open": (),
    }
    assert (await account(desk))["position_base"] == 0


async def test_margin_counts_the_larger_way_that_orders_can_lead(desk: Desk) -> None:
    """10,000 at 5x carry 25 at 2000: 10 short and 15 asked for are full; bids beside them bind nothing more."""
    assert await answer(desk, limit_order(SELL, "15", "2050", cid="s")) == "NEW 0"
    assert await answer(desk, limit_order(BUY, "15", "1950", cid="b")) == "NEW 0"
    seen = await account(desk)
    assert (seen["margin_balance_quote"], seen["available_balance_quote"]) == (10000, 4000)
    assert await answer(desk, sell("9.95", "a")) == "FILLED 9.95"
    assert await answer(desk, sell("0.05", "c")) == "-2019"
    assert await answer(desk, buy("34.9", "d")) == "-2019"
    assert await answer(desk, buy("1", "e")) == "FILLED 1"


async def test_reducing_needs_no_margin(desk: Desk) -> None:
    """With nothing available a plain buy that only shrinks the short still goes through."""
    assert await answer(desk, sell("24.9")) == "FILLED 24.9"
    await desk.book([("2099", "99")], [("2101", "99")], "2100")
    assert (await account(desk))["available_balance_quote"] == 0
    assert await answer(desk, sell("0.1", "b")) == "-2019"
    assert await answer(desk, buy("5", "c")) == "FILLED 5"


async def test_crossing_zero_realises_the_old_side_and_opens_the_new(desk: Desk) -> None:
    """Short 1 @ 2000 and 1 @ 2100, bought 3 @ 1950: 200 realised, long 1 @ 1950."""
    assert await answer(desk, sell("1", "a")) == "FILLED 1"
    await desk.book([("2100", "9")], [("2101", "9")], "2100")
    assert await answer(desk, sell("1", "b")) == "FILLED 1"
    await desk.book([("1949", "9")], [("1950", "9")], "1950")
    assert await answer(desk, buy("3", "c")) == "FILLED 3"
    assert [each.realised_pnl_quote for each in await fills(desk)] == [0, 0, 200]
    seen = await account(desk)
    assert (seen["position_base"], seen["long_base"], seen["entry_price"]) == (1, 1, 1950)
    assert seen["margin_balance_quote"] == 10000 + 200 - (2000 + 2100 + 3 * 1950) * Decimal("0.0005")


async def test_liquidation_comes_at_the_price_that_was_told(desk: Desk) -> None:
    """A cent below it the short lives, a cent above the venue closes it, cancels its orders and keeps its fee."""
    assert await answer(desk, sell("20")) == "FILLED 20"
    assert await answer(desk, limit_order(BUY, "1", "1950", cid="l")) == "NEW 0"
    price = (await account(desk))["liquidation_price"]
    assert isinstance(price, Decimal)
    for step, alive in (("-0.01", True), ("0.01", False)):
        at = str((price + Decimal(step)).quantize(Decimal("0.000001")))
        await desk.book([(at, "99")], [(at, "99")], at)
        assert ((await account(desk))["position_base"] != 0) == alive
    last = (await fills(desk))[-1]
    assert (last.client_order_id, last.side, last.quantity_base) == ("autoclose", "BUY", Decimal(20))
    assert (await orders(desk, ["l"]))["l"] == (OrderStatus.CANCELED, Decimal(0))
    assert (await account(desk))["margin_balance_quote"] == 0


async def test_the_fund_pays_what_a_liquidation_leaves_missing(desk: Desk) -> None:
    """A jump far beyond: the wallet is zero, never negative."""
    assert await answer(desk, sell("20")) == "FILLED 20"
    await desk.book([("4000", "1")], [("4001", "1")], "4000")
    seen = await account(desk)
    assert (seen["position_base"], seen["margin_balance_quote"]) == (0, 0)


# -- time --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rate", "paid"), [("0.0001", "0.2"), ("-0.00025", "-0.5")])
async def test_funding_has_the_shorts_sign(desk: Desk, rate: str, paid: str) -> None:
    """A short of 1 at a mark of 2000 receives a positive rate and pays a negative one."""
    assert await answer(desk, sell("1")) == "FILLED 1"
    await desk.fund(rate)
    assert (await account(desk))["margin_balance_quote"] == 10000 - 1 + Decimal(paid)


async def test_the_dead_mans_switch(desk: Desk) -> None:
    """Renewed it waits, ended it does nothing, run out it cancels all that rests, half filled or not, once."""
    await desk.book(BIDS, ASKS, "2000")
    assert await answer(desk, limit_order(BUY, "1.5", "2001", cid="part")) == "PARTIALLY_FILLED 1"
    await desk.venue.guard_resting(ETH, 3)
    await desk.wait(2)
    await desk.venue.guard_resting(ETH, 3)
    await desk.wait(2)
    assert len(await desk.venue.open_orders(ETH)) == 1
    await desk.venue.guard_resting(ETH, 0)
    await desk.wait(4)
    assert len(await desk.venue.open_orders(ETH)) == 1
    await desk.venue.guard_resting(ETH, 3)
    await desk.wait(4)
    assert await orders(desk, ["part"]) == {"part": (OrderStatus.CANCELED, Decimal(1)), "open": ()}
    assert await answer(desk, limit_order(BUY, "1", "1950", cid="later")) == "NEW 0"
    assert len(await desk.venue.open_orders(ETH)) == 1


async def test_a_countdown_that_ran_out_comes_before_the_market(desk: Desk) -> None:
    """The book reaches the order after its time: it was cancelled, not filled."""
    assert await answer(desk, limit_order(BUY, "1", "1990", cid="l")) == "NEW 0"
    await desk.venue.guard_resting(ETH, 2)
    await desk.wait(3)
    await desk.book([("1979", "9")], [("1980", "9")], "1980")
    assert await orders(desk, ["l"]) == {"l": (OrderStatus.CANCELED, Decimal(0)), "open": ()}
    assert await fills(desk) == ()


async def test_a_cancel_ends_what_is_open_and_nothing_else(desk: Desk) -> None:
    """None for what is filled, cancelled already, or was never there."""
    await desk.book(BIDS, ASKS, "2000")
    assert await answer(desk, limit_order(BUY, "2", "2001", cid="l")) == "PARTIALLY_FILLED 1"
    assert await answer(desk, sell("1", "done")) == "FILLED 1"
    cancelled = await desk.venue.cancel(ETH, "l")
    assert cancelled is not None
    assert (cancelled.status, cancelled.executed_base) == (OrderStatus.CANCELED, Decimal(1))
    assert await desk.venue.find_order(ETH, "l") == cancelled
    assert await desk.venue.find_order_by_venue_id(ETH, cancelled.venue_order_id) == cancelled
    assert [await desk.venue.cancel(ETH, each) for each in ("l", "done", "never")] == [None] * 3
    assert await desk.venue.find_order(ETH, "never") is None
    assert await desk.venue.find_order_by_venue_id(ETH, 1 << 40) is None


async def test_an_order_can_be_cancelled_without_being_read(desk: Desk) -> None:
    """It ends, and what it had executed is found out later; False for what is over or was never there."""
    await desk.book(BIDS, ASKS, "2000")
    assert await answer(desk, limit_order(BUY, "2", "2001", cid="l")) == "PARTIALLY_FILLED 1"
    assert await answer(desk, sell("1", "done")) == "FILLED 1"
    assert [await desk.venue.cancel_unread(ETH, each) for each in ("l", "l", "done", "never")] == [True] + [False] * 3
    assert await orders(desk, ["l"]) == {"l": (OrderStatus.CANCELED, Decimal(1)), "open": ()}


async def test_trades_by_time_and_by_id(desk: Desk) -> None:
    """Oldest first, ids rising; after an id only what is newer; nothing of the future."""
    for number in range(3):
        assert await answer(desk, sell("0.1", f"o{number}")) == "FILLED 0.1"
    trades = await desk.venue.trades(ETH, after_trade_id=None, since=desk.since)
    ids = [trade.trade_id for trade in trades]
    assert ids == sorted(set(ids))
    assert await desk.venue.trades(ETH, after_trade_id=ids[0], since=desk.since) == trades[1:]
    later = max(trade.at for trade in trades) + timedelta(seconds=60)
    assert await desk.venue.trades(ETH, after_trade_id=None, since=later) == ()


# -- anchors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["paper", "binance"])
async def test_recorded_trades_are_computed_to_the_last_digit(kind: str) -> None:
    """A real ether order sold and bought back at 4 bps: fee and realised profit as Binance booked them."""
    rows = recorded.many("userTrades_2022-02_ethusdt")
    opened = paper_desk if kind == "paper" else binance_desk
    async with opened(taker="0.0004", min_notional="5") as desk:
        for number, row in enumerate(rows):
            price, quantity = str(row["price"]), str(row["qty"])
            await desk.book([(price, "9")], [(price, "9")], price)
            order = limit_order(OrderSide(str(row["side"])), quantity, price, IOC, cid=f"o{number}")
            assert await answer(desk, order) == "FILLED 0.005"
        booked = await fills(desk)
    assert [(each.fee, each.fee_asset, each.realised_pnl_quote, each.is_maker) for each in booked] == [
        (Decimal(str(row["commission"])), row["commissionAsset"], Decimal(str(row["realizedPnl"])), row["maker"])
        for row in rows
    ]


@pytest.mark.parametrize("kind", ["paper", "binance"])
async def test_a_recorded_fee_of_today(kind: str) -> None:
    """The fill of a stream recorded in 2024, at today's 5 bps, on an instrument with the same tick and step."""
    filled = recorded.stream("session_2024-11_open_limit_btcusdt.jsonl")[-1]["o"]
    assert isinstance(filled, dict)
    price, quantity = str(filled["L"]), str(filled["l"])
    async with paper_desk() if kind == "paper" else binance_desk() as desk:
        await desk.book([("91739.80", "1")], [(price, "1")], price)
        assert await answer(desk, limit_order(BUY, quantity, price)) == "FILLED 0.002"
        (booked,) = await fills(desk)
    assert (booked.fee, booked.fee_asset) == (Decimal(str(filled["n"])), filled["N"])
    assert booked.realised_pnl_quote == Decimal(str(filled["rp"]))


def test_the_tiers_are_binances() -> None:
    """Floors, rates and deductions of the paper account against the brackets recorded in 2024-10."""
    message = recorded.rest("leverageBracket_2024-10_btc_eth_bnb")
    assert isinstance(message, dict)
    for symbol, ours in BRACKETS.items():
        theirs = [row["info"] for row in message[symbol.removesuffix("USDT")]][: len(ours)]
        wanted = [(row["notionalFloor"], row["maintMarginRatio"], row["cum"]) for row in theirs]
        assert [(each.floor_quote, each.rate, each.cum_quote) for each in ours] == [
            tuple(map(Decimal, row)) for row in wanted
        ]


async def test_both_desks_trade_the_same_instrument() -> None:
    """The paper desk's filters are those that the adapter reads from the strict exchange."""
    async with binance_desk() as desk:
        assert desk.venue.rules(ETH) == paper_rig.rules(ETH)


def test_the_two_share_no_module() -> None:
    """Neither paper nor the strict exchange imports anything of the other, nor of the live adapter."""
    paper = sorted((ROOT / "core" / "exchange").glob("paper*.py"))
    rig = sorted((ROOT / "tests" / "rigs" / "venue").glob("*.py"))
    assert len(paper) > 5
    assert len(rig) > 10
    for path in paper:
        assert not [name for name in _imports(path) if name.startswith(("tests", "core.exchange.binance"))], path
    for path in rig:
        assert not [name for name in _imports(path) if name.startswith(("core", "bot", "storage"))], path


def _imports(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names
