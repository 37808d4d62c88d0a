"""What each fault means, before and after the order was carried out; the rig's books are the judge."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pydantic import SecretStr

from core.clock import SystemClock
from core.errors import LpHedgeError, OutcomeUnknown, Refused, Transient
from core.exchange.binance import BinanceVenue
from core.exchange.binance_client import BinanceAccess
from tests.exchange.listening import until
from tests.exchange.orders import SELL_HALF
from tests.rigs.venue import ANY, CANCEL, OPEN_ORDERS, PLACE, POSITION, QUERY, TRADES, Fault, VenueServer, faults

ID = SELL_HALF.client_order_id

RESTS_STILL = {
    "orderId": 1,
    "clientOrderId": ID,
    "symbol": "ETHUSDT",
    "side": "SELL",
    "status": "NEW",
    "origQty": "0.5",
    "executedQty": "0",
    "updateTime": 1767603600000,
}

UNKNOWN = [
    faults.drop(),
    faults.hang(5),
    faults.cut_body(),
    faults.unknown_503(),
    faults.unknown_503_plain(),
    faults.error(503, -1003, "Unknown error, please check your request or try again later."),
    faults.bus_1006(),
    faults.backend_timeout_1007(),
    faults.timeout_408(),
    faults.bad_gateway_502(),
    faults.error(500, -1000, "An unknown error occured while processing the request."),
    faults.error(400, -1000, "An unknown error occured while processing the request."),
    faults.error(400, -4116, "ClientOrderId is duplicated."),
    faults.garbage(),
    faults.html_200(),
    faults.null_body(),
    faults.null_body(400),
    faults.null_body(503),
    faults.empty_body(),
    faults.empty_body(400),
    faults.empty_list(),
    faults.empty_list(400),
    faults.body_200({"orderId": 1}),
    faults.body_200({"code": 200, "msg": "success"}),
]
NOT_ACCEPTED = [
    faults.unavailable_503(),
    faults.unavailable_503_plain(),
    faults.internal_503(),
    faults.throttled_503(),
    faults.rate_limited_429(),
    faults.too_many_orders_1015(),
    faults.banned_418(),
    faults.firewall_403(),
]
REJECTED = [
    faults.error(400, -2019, "Margin is insufficient."),
    faults.error(400, -2022, "ReduceOnly Order is rejected."),
    faults.error(400, -4131, "The counterparty's best price does not meet the PERCENT_PRICE filter limit"),
    faults.error(400, -4400, "Futures Trading Quantitative Rules violated, only reduceOnly order is allowed."),
    faults.error(401, -2015, "Invalid API-key, IP, or permissions for action."),
    faults.error(451, 0, "Service unavailable from a restricted location."),
]


UNREAD = [fault for fault in UNKNOWN if fault.status != 400] + NOT_ACCEPTED[:5]


def named(fault: Fault) -> str:
    return f"{fault.name} {fault.body[:40]}"


@pytest.mark.parametrize("fault", UNKNOWN, ids=named)
async def test_unknown_outcome_after_execution(venue: VenueServer, binance: BinanceVenue, fault: Fault) -> None:
    """The order exists, the adapter says that it does not know, and has sent it once."""
    venue.faults.add(PLACE, fault.after())
    with pytest.raises(OutcomeUnknown) as caught:
        await binance.place(SELL_HALF)
    assert caught.value.client_order_id == ID
    assert venue.exchange.executed_by_client_id() == {ID: Decimal("0.5")}
    assert len(venue.requests(PLACE)) == 1


@pytest.mark.parametrize("fault", UNKNOWN, ids=named)
async def test_unknown_outcome_without_execution(venue: VenueServer, binance: BinanceVenue, fault: Fault) -> None:
    """The same answer with nothing executed is just as unknown, and a query then finds nothing."""
    venue.faults.add(PLACE, fault.before())
    with pytest.raises(OutcomeUnknown):
        await binance.place(SELL_HALF)
    assert await binance.find_order("ETHUSDT", ID) is None
    assert len(venue.requests(PLACE)) == 1


@pytest.mark.parametrize("fault", NOT_ACCEPTED, ids=named)
async def test_not_accepted_may_be_sent_again(venue: VenueServer, binance: BinanceVenue, fault: Fault) -> None:
    """The exchange promises that nothing exists; the adapter itself does not repeat."""
    venue.faults.add(PLACE, fault)
    with pytest.raises(Transient):
        await binance.place(SELL_HALF)
    assert venue.exchange.orders == {}
    assert len(venue.requests(PLACE)) == 1


@pytest.mark.parametrize("fault", REJECTED, ids=named)
async def test_rejected_for_good(venue: VenueServer, binance: BinanceVenue, fault: Fault) -> None:
    """A refusal carries the exchange's code and a sentence."""
    venue.faults.add(PLACE, fault)
    with pytest.raises(Refused) as caught:
        await binance.place(SELL_HALF)
    assert caught.value.code in fault.body or caught.value.code == "451"
    assert "Binance, new order" in str(caught.value)


async def test_refused_connection_is_the_one_safe_transport_case(venue: VenueServer, binance: BinanceVenue) -> None:
    """Nothing listens: the request never left. (A kept connection that broke is not such a case.)"""
    port = venue.port
    await venue.stop()
    with pytest.raises(Transient):
        await binance.account("ETHUSDT")
    with pytest.raises(Transient, match="connection could not be made"):
        await binance.place(SELL_HALF)
    await venue.start(port)
    await binance.place(SELL_HALF)


async def test_repeated_clock_refusal_is_not_accepted(venue: VenueServer, binance: BinanceVenue) -> None:
    """With a good clock it is latency: two tries, then it is the caller's turn. The matching engine's window too."""
    for fault in (faults.clock_1021(), faults.engine_clock_5028()):
        venue.faults.add(PLACE, fault, times=2)
        with pytest.raises(Transient):
            await binance.place(SELL_HALF)
    assert len(venue.requests(PLACE)) == 4
    assert venue.exchange.orders == {}


async def test_late_execution_is_unknown_and_found_later(venue: VenueServer, binance: BinanceVenue) -> None:
    """The order appears after its time-out: only queries over time tell."""
    venue.faults.add(PLACE, faults.unknown_503().late(3))
    with pytest.raises(OutcomeUnknown):
        await binance.place(SELL_HALF)
    assert await binance.find_order("ETHUSDT", ID) is None
    await until(lambda: bool(venue.exchange.orders))
    found = await binance.find_order("ETHUSDT", ID)
    assert found is not None
    assert found.executed_base == Decimal("0.5")


async def test_lagging_replica_answers_none_for_an_order_that_exists(venue: VenueServer, binance: BinanceVenue) -> None:
    """-2013 right after a POST proves nothing."""
    await binance.place(SELL_HALF)
    venue.faults.add(QUERY, faults.no_such_order_2013(), times=2)
    assert [await binance.find_order("ETHUSDT", ID) is None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize("fault", [fault for fault in UNREAD if fault != faults.empty_list()], ids=named)
async def test_failed_position_read_is_never_flat(venue: VenueServer, binance: BinanceVenue, fault: Fault) -> None:
    """Whatever comes instead of the rows, it raises; the empty *list* alone is flat."""
    venue.exchange.set_position("ETHUSDT", Decimal("-0.5"))
    venue.faults.add(POSITION, fault, times=2)  # aiohttp itself repeats a GET whose kept connection broke
    with pytest.raises(Transient):
        await binance.account("ETHUSDT")


@pytest.mark.parametrize("endpoint", [QUERY, OPEN_ORDERS, TRADES, CANCEL])
@pytest.mark.parametrize("fault", [faults.drop(), faults.null_body(), faults.empty_body(), faults.body_200({"a": 1})])
async def test_failed_reads_of_orders_and_trades_raise(
    venue: VenueServer, binance: BinanceVenue, endpoint: str, fault: Fault
) -> None:
    """Neither "no such order" nor "no trades" is ever made of a failure."""
    venue.faults.add(endpoint, fault, times=2)  # aiohttp itself repeats a GET whose kept connection broke
    reads: dict[str, Callable[[], Awaitable[object]]] = {
        QUERY: lambda: binance.find_order("ETHUSDT", ID),
        OPEN_ORDERS: lambda: binance.open_orders("ETHUSDT"),
        TRADES: lambda: binance.trades("ETHUSDT", after_trade_id=1, since=datetime.now(UTC)),
        CANCEL: lambda: binance.cancel("ETHUSDT", ID),
    }
    with pytest.raises(Transient):
        await reads[endpoint]()


@pytest.mark.parametrize(
    "fault",
    [
        faults.drop(),
        faults.null_body(),
        faults.empty_body(),
        faults.body_200({"a": 1}),
        faults.body_200(RESTS_STILL | {"clientOrderId": "other"}),
        faults.body_200(RESTS_STILL),
    ],
)
async def test_an_order_counts_as_cancelled_only_on_the_exchanges_word(
    venue: VenueServer, binance: BinanceVenue, fault: Fault
) -> None:
    venue.faults.add(CANCEL, fault, times=2)  # aiohttp itself repeats a DELETE whose kept connection broke
    with pytest.raises(Transient):
        await binance.cancel_unread("ETHUSDT", ID)


async def test_an_order_is_cancelled_before_anything_was_prepared(venue: VenueServer, unprepared: BinanceVenue) -> None:
    """Of no use is a cancel that first needs the filters, when it is they that the exchange does not tell."""
    assert not await unprepared.cancel_unread("ETHUSDT", ID)
    assert {entry.endpoint for entry in venue.journal} == {"GET /fapi/v1/time", CANCEL}


async def test_after_429_nothing_is_sent_for_the_time_given(venue: VenueServer, binance: BinanceVenue) -> None:
    """Neither reads nor orders leave during Retry-After, and the wait is handed on."""
    venue.faults.add(POSITION, faults.rate_limited_429(27))
    with pytest.raises(Transient) as first:
        await binance.account("ETHUSDT")
    sent = len(venue.journal)
    with pytest.raises(Transient) as second:
        await binance.place(SELL_HALF)
    assert first.value.retry_after_s == 27
    assert second.value.retry_after_s == pytest.approx(27, abs=10)
    assert len(venue.journal) == sent


async def test_ban_without_header_is_read_from_its_text(venue: VenueServer, binance: BinanceVenue) -> None:
    """418 names the moment until which every request makes it worse."""
    until_ms = venue.exchange.now_ms() + 90_000
    venue.faults.add(POSITION, faults.error(418, -1003, f"Way too many requests; IP banned until {until_ms}."))
    with pytest.raises(Transient):
        await binance.account("ETHUSDT")
    with pytest.raises(Transient) as caught:
        await binance.market("ETHUSDT")
    assert caught.value.retry_after_s == pytest.approx(90, abs=20)


async def test_too_many_orders_stops_orders_not_reads(venue: VenueServer, binance: BinanceVenue) -> None:
    """-1015 counts orders of the account; the position stays watched."""
    venue.faults.add(PLACE, faults.too_many_orders_1015())
    for _ in range(2):
        with pytest.raises(Transient):
            await binance.place(SELL_HALF)
    await binance.account("ETHUSDT")
    assert len(venue.requests(PLACE)) == 1


async def test_reads_stop_before_the_weight_is_used_up(venue: VenueServer, steady: BinanceVenue) -> None:
    """At nine tenths of the minute's weight reads wait, while an order, which weighs nothing, still leaves."""
    venue.limits.spend_weight(2100)
    await steady.market("ETHUSDT")
    with pytest.raises(Transient, match="request limit"):
        await steady.market("ETHUSDT")
    await steady.place(SELL_HALF)


@pytest.mark.parametrize("wrong", ["key", "secret"])
async def test_bad_credentials_are_refused_and_never_shown(access: BinanceAccess, wrong: str) -> None:
    """The sentence says what to check and contains neither key nor secret, not even through its cause."""
    bad = SecretStr("no-such-thing")
    tried = replace(access, key=bad) if wrong == "key" else replace(access, secret=bad)
    adapter = BinanceVenue(tried, SystemClock())
    with pytest.raises(Refused) as caught:
        await adapter.prepare(["ETHUSDT"])
    await adapter.aclose()
    assert "check" in str(caught.value)
    assert_no_secret(caught.value, access)
    assert "no-such" not in repr(adapter) + repr(tried)


@pytest.mark.parametrize("fault", [faults.drop(), faults.html_200(), faults.garbage(), faults.unknown_503_plain()])
async def test_no_error_shows_a_secret_or_a_signed_url(
    venue: VenueServer, binance: BinanceVenue, access: BinanceAccess, fault: Fault
) -> None:
    """The library's own exceptions carry the signed URL; none survives, not as a cause or context either."""
    venue.faults.add(ANY, fault, times=20)
    with pytest.raises(OutcomeUnknown) as lost:
        await binance.place(SELL_HALF)
    with pytest.raises(Transient) as unread:
        await binance.account("ETHUSDT")
    for error in (lost.value, unread.value):
        assert_no_secret(error, access)


def assert_no_secret(error: LpHedgeError, access: BinanceAccess) -> None:
    assert error.__cause__ is None
    assert error.__context__ is None
    text = str(error) + repr(error)
    for secret in (access.key.get_secret_value(), access.secret.get_secret_value(), "signature", "http"):
        assert secret not in text


async def test_start_without_network_is_transient(venue: VenueServer, unprepared: BinanceVenue) -> None:
    """An exchange that cannot be reached is no reason to give up."""
    venue.faults.add(ANY, faults.bad_gateway_502(), times=5)
    with pytest.raises(Transient):
        await unprepared.prepare(["ETHUSDT"])
    venue.faults.clear()
    await unprepared.prepare(["ETHUSDT"])


async def test_moved_position_mode_is_read_again_after_4061(venue: VenueServer, binance: BinanceVenue) -> None:
    """After the refusal the next account read asks for the mode."""
    venue.exchange.set_hedge_mode(True)
    with pytest.raises(Refused):
        await binance.place(SELL_HALF)
    assert (await binance.account("ETHUSDT")).hedge_mode is True
