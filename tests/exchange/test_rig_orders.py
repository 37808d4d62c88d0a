"""The rig itself, driven by python-binance unmodified except for its URLs."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from binance import AsyncClient
from binance.exceptions import BinanceAPIException

from tests.exchange.listening import until
from tests.rigs.venue import PLACE, VenueServer, VenueThread, faults


@pytest.fixture
async def client(venue: VenueServer) -> AsyncIterator[AsyncClient]:
    made = AsyncClient(venue.credentials.key, venue.credentials.secret)
    made.FUTURES_URL = f"{venue.url}/fapi"
    yield made
    await made.close_connection()


def sell(quantity: str = "0.5", **changes: str) -> dict[str, str]:
    return {"symbol": "ETHUSDT", "side": "SELL", "type": "MARKET", "quantity": quantity, **changes}


async def refused_code(client: AsyncClient, **order: str) -> int:
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_create_order(**order)
    return int(caught.value.code)


async def test_market_order_walks_the_book_and_books_fee_position_and_wallet(
    venue: VenueServer, client: AsyncClient
) -> None:
    """A market order larger than the best level fills at several prices, each a trade with its fee."""
    ack = await client.futures_create_order(**sell("60"), newClientOrderId="a-1", newOrderRespType="RESULT")
    trades = await client.futures_account_trades(symbol="ETHUSDT")
    assert (ack["status"], ack["executedQty"]) == ("FILLED", "60.000")
    assert not {"avgPrice", "cumQuote"} & set(ack)
    assert len(trades) == 3
    assert sum(Decimal(row["qty"]) for row in trades) == 60
    fees = sum(Decimal(row["commission"]) for row in trades)
    assert venue.exchange.account.wallet == 10_000 - fees
    assert venue.exchange.executed_by_client_id() == {"a-1": Decimal(60)}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "NOPEUSDT"}, -1121),
        ({"side": "SHORT"}, -1117),
        ({"type": "LIMIT_MAKER"}, -1116),
        ({"type": "STOP_MARKET_X"}, -1116),
        ({"type": "LIMIT"}, -1102),
        ({"type": "LIMIT", "timeInForce": "GTC"}, -1102),
        ({"timeInForce": "IOC"}, -1106),
        ({"price": "2000"}, -1106),
        ({"quantity": "0.5001"}, -1111),
        ({"quantity": "1e-05"}, -1100),
        ({"quantity": "0.000"}, -4003),
        ({"quantity": "2000.001"}, -4005),
        ({"quantity": "0.009"}, -4164),
        ({"quantity": "500"}, -2019),
        ({"reduceOnly": "true"}, -2022),
        ({"reduceOnly": "True"}, -1100),
        ({"positionSide": "SHORT"}, -4061),
        ({"newClientOrderId": "x" * 37}, -4015),
        ({"newClientOrderId": "a b"}, -1022),
        ({"newClientOrderId": "a:b"}, -1022),
        ({"surplus": "1"}, -1104),
        ({"type": "LIMIT", "timeInForce": "GTC", "price": "2000.005"}, -1111),
        ({"type": "LIMIT", "timeInForce": "GTC", "price": "1800.00"}, -4024),
        ({"type": "LIMIT", "timeInForce": "GTX", "price": "1990.00"}, -5022),
        ({"type": "LIMIT", "timeInForce": "FOK", "price": "1999.50", "quantity": "90"}, -5021),
    ],
)
async def test_rules_refuse_as_the_exchange_does(
    venue: VenueServer, client: AsyncClient, changes: dict[str, str], code: int
) -> None:
    """Each broken rule has the exchange's own code, and a refused order leaves nothing behind."""
    assert await refused_code(client, **{**sell(), **changes}) == code
    assert venue.exchange.orders == {}


async def test_tick_is_not_the_price_precision(client: AsyncClient) -> None:
    """BNBUSDT shows three decimals but moves in hundredths."""
    order = {"symbol": "BNBUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1"}
    assert await refused_code(client, **order, price="600.005") == -4014


async def test_client_id_is_unique_among_open_orders_only(venue: VenueServer, client: AsyncClient) -> None:
    """A resting order guards its id; a filled one does not: the same id fills again."""
    resting = sell(type="LIMIT", timeInForce="GTC", price="2050.00", newClientOrderId="same")
    await client.futures_create_order(**resting)
    assert await refused_code(client, **resting) == -4116
    venue.exchange.set_price("ETHUSDT", Decimal(2060))
    await client.futures_create_order(**sell(newClientOrderId="same"))
    assert venue.exchange.executed_by_client_id() == {"same": Decimal(1)}


async def test_hedge_mode_takes_a_leg_and_no_reduce_only(venue: VenueServer, client: AsyncClient) -> None:
    """In hedge mode the leg says what closes; the flag is refused, and closing more than the leg too."""
    venue.exchange.set_hedge_mode(True)
    await client.futures_create_order(**sell(positionSide="SHORT"))
    cover = {**sell(), "side": "BUY"}
    assert await refused_code(client, **cover) == -4061
    assert await refused_code(client, **cover, positionSide="SHORT", reduceOnly="true") == -1106
    assert await refused_code(client, **{**cover, "quantity": "0.6"}, positionSide="SHORT") == -2022
    await client.futures_create_order(**cover, positionSide="SHORT")
    assert venue.exchange.position("ETHUSDT", "SHORT") == 0


async def test_reduce_only_is_exempt_from_min_notional(venue: VenueServer, client: AsyncClient) -> None:
    """A residual of a few dollars can always be bought back."""
    venue.exchange.set_position("ETHUSDT", Decimal("-0.001"))
    await client.futures_create_order(**{**sell("0.001"), "side": "BUY"}, reduceOnly="true")
    assert await client.futures_position_information(symbol="ETHUSDT") == []


async def test_clock_outside_the_window_is_refused(venue: VenueServer, client: AsyncClient) -> None:
    """A stamp a second ahead or older than the window gives -1021; market data needs no stamp."""
    client.timestamp_offset = 1500
    assert await refused_code(client, **sell()) == -1021
    client.timestamp_offset = -11_000
    assert await refused_code(client, **sell()) == -1021
    assert (await client.futures_time())["serverTime"]


async def test_wrong_key_and_wrong_secret(venue: VenueServer, client: AsyncClient) -> None:
    """A bad secret is -1022; a key that is unknown is -2015."""
    client.API_SECRET = "wrong"
    assert await refused_code(client, **sell()) == -1022
    client.session.headers["X-MBX-APIKEY"] = "other"
    assert await refused_code(client, **sell()) == -2015


async def test_ioc_remainder_expires_and_keeps_what_it_filled(venue: VenueServer, client: AsyncClient) -> None:
    """A final state may carry fills."""
    venue.exchange.set_book("ETHUSDT", [(Decimal("1999.90"), Decimal("0.2"))], [(Decimal("2000.10"), Decimal(1))])
    order = sell(type="LIMIT", timeInForce="IOC", price="1999.00", newOrderRespType="RESULT")
    ack = await client.futures_create_order(**order)
    assert (ack["status"], ack["executedQty"]) == ("EXPIRED", "0.200")


async def test_dropped_answer_after_execution_leaves_the_order_behind(venue: VenueServer, client: AsyncClient) -> None:
    """The judge's books show the fill that the client could not see."""
    venue.faults.add(PLACE, faults.drop().after())
    with pytest.raises(Exception, match="disconnected"):
        await client.futures_create_order(**sell(newClientOrderId="lost"))
    assert venue.exchange.executed_by_client_id() == {"lost": Decimal("0.5")}
    assert (await client.futures_get_order(symbol="ETHUSDT", origClientOrderId="lost"))["status"] == "FILLED"


async def test_late_execution_happens_after_the_fault_was_seen(venue: VenueServer, client: AsyncClient) -> None:
    """A request may still be carried out after its client gave up."""
    venue.faults.add(PLACE, faults.unknown_503().late(3))
    assert await refused_code(client, **sell(newClientOrderId="late")) == -1000
    assert venue.exchange.executed_by_client_id() == {}
    await until(lambda: venue.exchange.executed_by_client_id() == {"late": Decimal("0.5")})


def test_the_rig_runs_in_a_thread() -> None:
    """A synchronous test can hold the server while another process talks to it."""
    with VenueThread() as venue:
        venue.exchange.set_price("ETHUSDT", Decimal(2100))
        assert venue.url.startswith("http://127.0.0.1:")
