"""The rig's account and limits: what the judge's books are worth."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from binance import AsyncClient
from binance.exceptions import BinanceAPIException

from tests.rigs.venue import VenueServer, faults

TRADES = "GET /fapi/v1/userTrades"


@pytest.fixture
async def client(venue: VenueServer) -> AsyncIterator[AsyncClient]:
    made = AsyncClient(venue.credentials.key, venue.credentials.secret)
    made.FUTURES_URL = f"{venue.url}/fapi"
    yield made
    await made.close_connection()


async def order(client: AsyncClient, side: str, quantity: str, **more: str) -> dict[str, str]:
    answer = await client.futures_create_order(symbol="ETHUSDT", side=side, type="MARKET", quantity=quantity, **more)
    assert isinstance(answer, dict)
    return answer


async def test_wallet_is_start_plus_every_income_row(venue: VenueServer, client: AsyncClient) -> None:
    """Fees, realised profit and funding are all the wallet ever moves by."""
    await order(client, "SELL", "2")
    venue.exchange.set_price("ETHUSDT", Decimal(1900))
    venue.exchange.pay_funding("ETHUSDT")
    await order(client, "BUY", "3")
    rows = await client.futures_income_history()
    assert venue.exchange.account.wallet == 10_000 + sum(Decimal(row["income"]) for row in rows)
    assert {row["incomeType"] for row in rows} == {"COMMISSION", "REALIZED_PNL", "FUNDING_FEE"}
    assert venue.exchange.position("ETHUSDT") == 1


async def test_price_at_liquidation_leaves_the_maintenance_margin(venue: VenueServer) -> None:
    """At the price the account names, equity is exactly what is needed to keep the position."""
    exchange = venue.exchange
    exchange.plant_position("ETHUSDT", Decimal(-40), Decimal(2000))
    price = exchange.account.liquidation_price("ETHUSDT")
    exchange.set_price("ETHUSDT", price)
    equity = exchange.account.wallet + exchange.account.unrealised()
    assert abs(equity - exchange.account.total_maintenance_margin()) < Decimal("0.01")


async def test_liquidation_is_a_trade_of_the_exchange_s_own(venue: VenueServer, client: AsyncClient) -> None:
    """Past that price the position is closed by an order whose id says so."""
    venue.exchange.liquidates = True
    venue.exchange.plant_position("ETHUSDT", Decimal(-40), Decimal(2000))
    venue.exchange.set_price("ETHUSDT", Decimal(2300))
    trade, *_ = await client.futures_account_trades(symbol="ETHUSDT")
    found = await client.futures_get_order(symbol="ETHUSDT", orderId=trade["orderId"])
    assert found["clientOrderId"].startswith("autoclose-")
    assert await client.futures_position_information() == []


async def test_deleverage_closes_a_part(venue: VenueServer, client: AsyncClient) -> None:
    """ADL carries its own client id."""
    venue.exchange.plant_position("ETHUSDT", Decimal(-1), Decimal(2000))
    venue.exchange.deleverage("ETHUSDT", Decimal("0.4"))
    assert venue.exchange.position("ETHUSDT") == Decimal("-0.6")
    assert "adl_autoclose" in venue.exchange.executed_by_client_id()


async def test_planted_position_has_no_trade(venue: VenueServer, client: AsyncClient) -> None:
    """A position older than any history shows in positionRisk only."""
    venue.exchange.plant_position("ETHUSDT", Decimal(-1), Decimal(2000))
    assert (await client.futures_position_information())[0]["positionAmt"] == "-1.000"
    assert await client.futures_account_trades(symbol="ETHUSDT") == []


async def test_weight_runs_out(venue: VenueServer, client: AsyncClient) -> None:
    """Past 2400 a minute the address is told to stop; the header counts up to it."""
    venue.limits.spend_weight(2399)
    await client.futures_ping()
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_ping()
    assert (caught.value.status_code, caught.value.code) == (429, -1003)


async def test_orders_run_out_and_headers_count_them(venue: VenueServer, client: AsyncClient) -> None:
    """300 accepted orders in ten seconds; the count comes with accepted orders only."""
    await order(client, "SELL", "0.1")
    assert client.response.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    with pytest.raises(BinanceAPIException):
        await order(client, "SELL", "0.00001")
    assert "X-MBX-ORDER-COUNT-10S" not in client.response.headers
    for _ in range(299):
        venue.limits.count_order()
    with pytest.raises(BinanceAPIException) as caught:
        await order(client, "SELL", "0.1")
    assert (caught.value.status_code, caught.value.code) == (429, -1015)


async def test_dead_man_s_switch_cancels(venue: VenueServer, client: AsyncClient) -> None:
    """Not renewed in time, the countdown takes every resting order of the symbol."""
    limit = {"type": "LIMIT", "timeInForce": "GTC", "price": "2050.00"}
    await client.futures_create_order(symbol="ETHUSDT", side="SELL", quantity="0.1", **limit)
    await client.futures_countdown_cancel_all(symbol="ETHUSDT", countdownTime="60000")
    assert len(await client.futures_get_open_orders(symbol="ETHUSDT")) == 1
    venue.exchange.clock_offset_ms = client.timestamp_offset = 60_001
    assert await client.futures_get_open_orders(symbol="ETHUSDT") == []


@pytest.mark.parametrize(
    ("setting", "code"),
    [
        ({"dualSidePosition": "false"}, -4059),
        ({"dualSidePosition": "true"}, -4068),
    ],
)
async def test_position_mode_does_not_change_under_a_position(
    venue: VenueServer, client: AsyncClient, setting: dict[str, str], code: int
) -> None:
    """The mode belongs to the account, not to one program."""
    venue.exchange.set_position("ETHUSDT", Decimal(1))
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_change_position_mode(**setting)
    assert caught.value.code == code


async def test_trade_windows(venue: VenueServer, client: AsyncClient) -> None:
    """More than seven days at once is refused, an id together with a time too."""
    now = venue.exchange.now_ms()
    for wanted in ({"startTime": now - 8 * 86_400_000, "endTime": now}, {"fromId": 1, "startTime": now}):
        venue.exchange.set_position("ETHUSDT", venue.exchange.position("ETHUSDT") + 1)
        with pytest.raises(BinanceAPIException):
            await client.futures_account_trades(symbol="ETHUSDT", **wanted)


async def test_faults_wait_for_the_request_they_were_made_for(venue: VenueServer, client: AsyncClient) -> None:
    """A fault can be tied to what the request says; others pass it by."""
    venue.faults.add(TRADES, faults.unavailable_503(), matches=lambda params: params["symbol"] == "BNBUSDT")
    assert await client.futures_account_trades(symbol="ETHUSDT") == []
    with pytest.raises(BinanceAPIException):
        await client.futures_account_trades(symbol="BNBUSDT")
    assert venue.faults.waiting() == 0
