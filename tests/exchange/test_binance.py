"""The adapter through the rig: what it reads and what it sends, when nothing goes wrong."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.clock import SystemClock
from core.errors import Refused, Transient
from core.exchange import binance_account
from core.exchange.binance import BinanceVenue, WantedTerms, order_params
from core.exchange.binance_account import HEDGE_MODE_MAX_AGE_S, MODES_MAX_AGE_S
from core.exchange.binance_client import BinanceAccess
from core.facts import OrderSide, OrderStatus, PositionSide
from tests.exchange.orders import BUY_BACK, SELL_HALF, SELL_RESTING
from tests.rigs.venue import PLACE, POSITION, VenueServer, faults

LONG_AGO = datetime.now(UTC) - timedelta(days=30)


async def test_rules_come_from_the_filters(binance: BinanceVenue) -> None:
    """The tick is PRICE_FILTER's, market orders have their own largest size, the notional its own filter."""
    rules = binance.rules("ETHUSDT")
    assert (rules.tick_size, rules.step_size, rules.min_quantity) == (
        Decimal("0.01"),
        Decimal("0.001"),
        Decimal("0.001"),
    )
    assert (rules.max_quantity, rules.market_max_quantity) == (Decimal(10000), Decimal(2000))
    assert rules.min_notional_quote == 20
    assert (rules.base_asset, rules.quote_asset) == ("ETH", "USDT")
    assert binance.rules("BNBUSDT").tick_size == Decimal("0.010")


async def test_unknown_symbol_is_refused(unprepared: BinanceVenue) -> None:
    """A symbol that the exchange does not list is the operator's mistake."""
    with pytest.raises(Refused, match="no symbol XYZUSDT"):
        await unprepared.prepare(["XYZUSDT"])


async def test_contracts_counted_in_thousands_are_turned_into_base(venue: VenueServer, binance: BinanceVenue) -> None:
    """1000PEPEUSDT: rules, prices, orders and positions are all in PEPE outside the adapter."""
    rules, market = binance.rules("1000PEPEUSDT"), await binance.market("1000PEPEUSDT")
    assert (rules.base_asset, rules.step_size) == ("PEPE", Decimal(1000))
    assert market.mark_price == Decimal("0.00001")
    report = await binance.place(replace(SELL_HALF, symbol="1000PEPEUSDT", quantity_base=Decimal(5_000_000)))
    assert report.executed_base == 5_000_000
    assert venue.exchange.position("1000PEPEUSDT") == -5000
    assert (await binance.account("1000PEPEUSDT")).position_base == -5_000_000


async def test_market_has_book_mark_and_funding(venue: VenueServer, binance: BinanceVenue) -> None:
    """Both sides best first, mark and index as told, the funding rate with its time."""
    venue.exchange.set_price("ETHUSDT", Decimal(2100), mark=Decimal(2101), index=Decimal(2099))
    venue.exchange.set_funding("ETHUSDT", Decimal("-0.00025"))
    market = await binance.market("ETHUSDT")
    assert market.best_bid < 2100 < market.best_ask
    assert (market.mark_price, market.index_price, market.funding_rate) == (
        Decimal(2101),
        Decimal(2099),
        Decimal("-0.00025"),
    )
    assert timedelta(0) < market.next_funding_time - datetime.now(UTC) <= timedelta(hours=8)
    assert abs(market.as_of - datetime.now(UTC)) < timedelta(seconds=20)


async def test_a_book_that_the_exchange_stamped_long_ago_is_old(venue: VenueServer, binance: BinanceVenue) -> None:
    """A frozen replica answers at once, with an old stamp: the fact is as old as its stamp."""
    stamp_ms = venue.exchange.now_ms() - 45_000
    level = [["2000.00", "1"]]
    venue.faults.add("GET /fapi/v1/depth", faults.body_200({"E": stamp_ms, "T": 0, "bids": level, "asks": level}))
    market = await binance.market("ETHUSDT")
    assert timedelta(seconds=44) < datetime.now(UTC) - market.as_of < timedelta(seconds=65)


async def test_one_sided_book_is_no_market(venue: VenueServer, binance: BinanceVenue) -> None:
    """An empty side is not a price."""
    venue.exchange.set_book("ETHUSDT", [(Decimal(2000), Decimal(1))], [])
    with pytest.raises(Transient, match="two-sided"):
        await binance.market("ETHUSDT")


async def test_flat_account(binance: BinanceVenue) -> None:
    """An empty list from a successful v3 query is flat, with balances, rates and fees known."""
    account = await binance.account("ETHUSDT")
    assert (account.position_base, account.entry_price, account.liquidation_price) == (Decimal(0), None, None)
    assert (account.margin_balance_quote, account.available_balance_quote) == (Decimal(10000), Decimal(10000))
    assert (account.initial_rate, account.maintenance_rate) == (Decimal("0.05"), Decimal("0.004"))
    assert (account.taker_fee_rate, account.maker_fee_rate) == (Decimal("0.0005"), Decimal("0.0002"))
    assert account.hedge_mode is False


async def test_short_position_is_negative_and_has_a_liquidation_price(binance: BinanceVenue) -> None:
    """A sold half ether is -0.5 net, 0.5 short, liquidated above its entry."""
    report = await binance.place(SELL_HALF)
    account = await binance.account("ETHUSDT")
    assert (report.status, report.executed_base) == (OrderStatus.FILLED, Decimal("0.5"))
    assert account.position_base == Decimal("-0.5")
    assert (account.short_base, account.long_base) == (Decimal("0.5"), Decimal(0))
    assert account.entry_price is not None
    assert account.liquidation_price is not None
    assert account.liquidation_price > 2000 > account.entry_price
    assert account.maintenance_margin_quote == Decimal("4.00000000")


async def test_hedge_mode_reads_both_legs(venue: VenueServer, binance: BinanceVenue) -> None:
    """Net is LONG minus SHORT; the order names its leg and carries no flag."""
    venue.exchange.set_hedge_mode(True)
    await binance.prepare(["ETHUSDT"])
    venue.exchange.set_position("ETHUSDT", Decimal("0.2"), side="LONG")
    with pytest.raises(Refused) as caught:
        await binance.place(SELL_HALF)
    assert caught.value.code == "-4061"
    await binance.place(replace(SELL_HALF, position_side=PositionSide.SHORT))
    await binance.place(replace(BUY_BACK, position_side=PositionSide.SHORT, quantity_base=Decimal("0.1")))
    account = await binance.account("ETHUSDT")
    assert (account.hedge_mode, account.position_base) == (True, Decimal("-0.2"))
    assert (account.long_base, account.short_base) == (Decimal("0.2"), Decimal("0.4"))


async def test_changed_position_mode_is_noticed(venue: VenueServer, binance: BinanceVenue) -> None:
    """Rows that do not fit the remembered mode are not summed on a guess; the mode is read again."""
    venue.exchange.set_hedge_mode(True)
    venue.exchange.set_position("ETHUSDT", Decimal("-0.2"), side="SHORT")
    with pytest.raises(Transient, match="position mode"):
        await binance.account("ETHUSDT")
    assert (await binance.account("ETHUSDT")).short_base == Decimal("0.2")


async def test_leaving_hedge_mode_is_noticed_soon(
    venue: VenueServer, unprepared: BinanceVenue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flat account's rows do not give the mode away, and nothing is hedged until it is known to have changed."""
    assert HEDGE_MODE_MAX_AGE_S < MODES_MAX_AGE_S
    monkeypatch.setattr(binance_account, "HEDGE_MODE_MAX_AGE_S", 0.0)
    venue.exchange.set_hedge_mode(True)
    await unprepared.prepare(["ETHUSDT"])
    assert (await unprepared.account("ETHUSDT")).hedge_mode
    venue.exchange.set_hedge_mode(False)
    assert not (await unprepared.account("ETHUSDT")).hedge_mode


async def test_multi_assets_mode_counts_all_assets_together(venue: VenueServer, binance: BinanceVenue) -> None:
    """There, the totals are the margin; the asset's own row means another thing."""
    venue.exchange.account.multi_assets = True
    await binance.prepare(["ETHUSDT"])
    account = await binance.account("ETHUSDT")
    assert account.margin_balance_quote == 10000


@pytest.mark.parametrize(("margin_type", "behind"), [("CROSSED", 6000), ("ISOLATED", 10_000)])
async def test_what_isolated_positions_have_is_not_behind_a_cross_one(
    venue: VenueServer, unprepared: BinanceVenue, margin_type: str, behind: int
) -> None:
    """They are liquidated alone, and what is theirs saves no other position from it."""
    venue.exchange.account.set_aside = Decimal(4000)
    venue.exchange.account.margin_type["ETHUSDT"] = margin_type
    await unprepared.prepare(["ETHUSDT"])
    account = await unprepared.account("ETHUSDT")
    assert account.margin_balance_quote == behind
    assert account.available_balance_quote == 6000


async def test_reduce_only_is_sent_in_one_way_mode(venue: VenueServer, binance: BinanceVenue) -> None:
    """A cover larger than the position is refused by the exchange, not flipped."""
    await binance.place(SELL_HALF)
    with pytest.raises(Refused, match="-2022"):
        await binance.place(replace(BUY_BACK, quantity_base=Decimal("0.6")))
    await binance.place(BUY_BACK)
    assert venue.exchange.position("ETHUSDT") == 0


async def test_resting_order_is_found_listed_and_cancelled(binance: BinanceVenue) -> None:
    """By its client id; once cancelled, cancelling again says that it was no longer open."""
    placed = await binance.place(SELL_RESTING)
    assert placed.status is OrderStatus.NEW
    assert await binance.find_order("ETHUSDT", SELL_RESTING.client_order_id) == placed
    assert await binance.find_order_by_venue_id("ETHUSDT", placed.venue_order_id) == placed
    assert await binance.open_orders("ETHUSDT") == (placed,)
    cancelled = await binance.cancel("ETHUSDT", SELL_RESTING.client_order_id)
    assert cancelled is not None
    assert cancelled.status is OrderStatus.CANCELED
    assert await binance.cancel("ETHUSDT", SELL_RESTING.client_order_id) is None
    assert await binance.find_order("ETHUSDT", "never-sent") is None


async def test_trades_by_time_then_by_id(venue: VenueServer, binance: BinanceVenue) -> None:
    """Without an id from a time on; with one, only what is newer, whoever traded it."""
    await binance.place(SELL_HALF)
    first = await binance.trades("ETHUSDT", after_trade_id=None, since=LONG_AGO)
    venue.exchange.set_position("ETHUSDT", Decimal(0))
    later = await binance.trades("ETHUSDT", after_trade_id=first[-1].trade_id, since=LONG_AGO)
    assert [trade.quantity_base for trade in (*first, *later)] == [Decimal("0.5")] * 2
    assert (first[0].side, later[0].side) == (OrderSide.SELL, OrderSide.BUY)
    assert first[0].fee == first[0].price * first[0].quantity_base * Decimal("0.0005")
    assert await binance.trades("ETHUSDT", after_trade_id=later[-1].trade_id, since=LONG_AGO) == ()


async def test_trades_are_paged_to_the_end(venue: VenueServer, binance: BinanceVenue) -> None:
    """More fills than one page holds are all returned, each once, in order."""
    for index in range(1, 1103):
        venue.exchange.set_position("ETHUSDT", Decimal(index) / 1000)
    trades = await binance.trades("ETHUSDT", after_trade_id=None, since=LONG_AGO)
    ids = [trade.trade_id for trade in trades]
    assert len(set(ids)) == 1102
    assert ids == sorted(ids)


async def test_numbers_go_out_as_plain_digits() -> None:
    """No exponent, no trailing zeros, flags in lower case."""
    order = replace(SELL_RESTING, quantity_base=Decimal("1E+3"), price=Decimal("0.00001000"), reduce_only=True)
    params = order_params(order, 1)
    assert (params["quantity"], params["price"], params["reduceOnly"]) == ("1000", "0.00001", "true")


async def test_id_that_would_break_the_signature_is_not_sent(venue: VenueServer, binance: BinanceVenue) -> None:
    """An id with a colon is signed raw and sent encoded, so it is refused here."""
    with pytest.raises(Refused):
        await binance.place(replace(SELL_HALF, client_order_id="a:b"))
    assert venue.requests(PLACE) == []


async def test_key_rights_are_read_from_the_spot_host(venue: VenueServer, binance: BinanceVenue) -> None:
    """A key that may withdraw is told apart."""
    venue.exchange.permissions = {"enableWithdrawals": True}
    rights = await binance.admin.key_rights()
    assert rights is not None
    assert (rights.futures, rights.withdrawals, rights.ip_restricted) == (True, True, False)


async def test_nothing_is_asked_of_spot_without_its_url(venue: VenueServer, access: BinanceAccess) -> None:
    """A spot outage cannot stop a futures program."""
    adapter = BinanceVenue(replace(access, spot_url=""), SystemClock())
    await adapter.prepare(["ETHUSDT"])
    assert await adapter.admin.key_rights() is None
    await adapter.aclose()
    assert not [entry for entry in venue.journal if not entry.endpoint.split()[1].startswith("/fapi/")]


async def test_leverage_and_margin_type_are_set_and_read_back(venue: VenueServer, binance: BinanceVenue) -> None:
    """Setting what is already set is no error."""
    await binance.admin.set_leverage("ETHUSDT", 5)
    await binance.admin.set_margin_type("ETHUSDT", isolated=True)
    await binance.admin.set_margin_type("ETHUSDT", isolated=True)
    assert (await binance.account("ETHUSDT")).initial_rate == Decimal("0.2")
    assert venue.exchange.account.margin_type["ETHUSDT"] == "ISOLATED"


async def test_wanted_terms_are_set_while_flat_only(venue: VenueServer, access: BinanceAccess) -> None:
    """With a position they stay as they are: changing them changes what it needs."""
    wanted = {"ETHUSDT": WantedTerms(leverage=4, isolated=True), "BNBUSDT": WantedTerms(leverage=4)}
    venue.exchange.set_position("BNBUSDT", Decimal(-1))
    adapter = BinanceVenue(access, SystemClock(), wanted=wanted)
    await adapter.prepare(["ETHUSDT", "BNBUSDT"])
    assert (await adapter.account("ETHUSDT")).initial_rate == Decimal("0.25")
    assert venue.exchange.account.margin_type["ETHUSDT"] == "ISOLATED"
    assert (await adapter.account("BNBUSDT")).initial_rate != Decimal("0.25")
    await adapter.aclose()


async def test_skewed_clock_is_measured(venue: VenueServer, unprepared: BinanceVenue) -> None:
    """A server ten minutes ahead is no trouble, and its trades' times do not make facts old."""
    venue.exchange.clock_offset_ms = 600_000
    await unprepared.prepare(["ETHUSDT"])
    assert (await unprepared.place(SELL_HALF)).status is OrderStatus.FILLED
    assert abs((await unprepared.market("ETHUSDT")).as_of - datetime.now(UTC)) < timedelta(seconds=20)


async def test_clock_that_jumps_is_measured_again_and_the_order_sent_once(
    venue: VenueServer, binance: BinanceVenue
) -> None:
    """A refusal for the time stamp is followed by a new measurement and the same id once more."""
    venue.exchange.clock_offset_ms = -30_000
    await binance.place(SELL_HALF)
    assert [entry.code for entry in venue.requests(PLACE)] == [-1021, None]
    assert venue.exchange.executed_by_client_id() == {SELL_HALF.client_order_id: Decimal("0.5")}


async def test_signature_and_window_are_as_promised(venue: VenueServer, binance: BinanceVenue) -> None:
    """Every signed request lives at most five seconds."""
    await binance.account("ETHUSDT")
    (entry,) = venue.requests(POSITION)
    assert entry.params["recvWindow"] == "5000"
    assert len(entry.params["signature"]) == 64


async def test_what_a_check_before_start_can_ask(venue: VenueServer, binance: BinanceVenue) -> None:
    """How far the clocks are apart, and on what terms the account trades."""
    venue.exchange.clock_offset_ms = 2_500
    terms = await binance.admin.terms("ETHUSDT")
    assert await binance.admin.clock_offset_ms() == pytest.approx(2500, abs=200)
    assert (terms.modes.hedge_mode, terms.modes.multi_assets, terms.leverage, terms.isolated) == (
        False,
        False,
        20,
        False,
    )


async def test_reads_that_start_together_measure_the_clock_once(venue: VenueServer, unprepared: BinanceVenue) -> None:
    """Three samples in all, however many reads find the measurement old."""
    await asyncio.gather(*(unprepared.admin.terms("ETHUSDT") for _ in range(3)))
    assert len(venue.requests("GET /fapi/v1/time")) == 3
