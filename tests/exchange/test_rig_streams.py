"""The rig's streams through python-binance's own socket manager."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from binance.ws.reconnecting_websocket import ReconnectingWebsocket

from tests.rigs.venue import VenueServer


@pytest.fixture
async def client(venue: VenueServer) -> AsyncIterator[AsyncClient]:
    made = AsyncClient(venue.credentials.key, venue.credentials.secret)
    made.FUTURES_URL = f"{venue.url}/fapi"
    yield made
    await made.close_connection()


@pytest.fixture
def manager(venue: VenueServer, client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> BinanceSocketManager:
    monkeypatch.setattr(ReconnectingWebsocket, "TIMEOUT", 0.1)  # closing waits for the read under way, ten seconds long
    made = BinanceSocketManager(client)
    made.FSTREAM_URL = f"{venue.stream_url}/"
    return made


async def received(socket: object, count: int) -> list[dict[str, object]]:
    return [await asyncio.wait_for(socket.recv(), 20) for _ in range(count)]  # type: ignore[attr-defined]


async def test_fill_is_told_in_the_order_seen_live(venue: VenueServer, manager: BinanceSocketManager) -> None:
    """TRADE_LITE, then NEW, then the account, then the fill."""
    async with manager.futures_user_socket() as socket:
        venue.exchange.set_position("ETHUSDT", Decimal("-0.5"))
        events = await received(socket, 4)
    assert [event["e"] for event in events] == [
        "TRADE_LITE",
        "ORDER_TRADE_UPDATE",
        "ACCOUNT_UPDATE",
        "ORDER_TRADE_UPDATE",
    ]
    new, filled = events[1]["o"], events[3]["o"]
    assert isinstance(new, dict)
    assert isinstance(filled, dict)
    assert (new["X"], filled["X"], filled["z"], filled["x"]) == ("NEW", "FILLED", "0.500", "TRADE")


async def test_resting_order_is_told_at_once(
    venue: VenueServer, client: AsyncClient, manager: BinanceSocketManager
) -> None:
    """An order that waits is announced without waiting for a fill."""
    async with manager.futures_user_socket() as socket:
        limit = {"type": "LIMIT", "timeInForce": "GTC", "price": "2050.00"}
        await client.futures_create_order(symbol="ETHUSDT", side="SELL", quantity="0.1", **limit)
        (event,) = await received(socket, 1)
    assert event["e"] == "ORDER_TRADE_UPDATE"


async def test_muted_stream_loses_events(venue: VenueServer, manager: BinanceSocketManager) -> None:
    """Events of a gap never come again."""
    async with manager.futures_user_socket() as socket:
        venue.hub.muted = True
        venue.exchange.set_position("ETHUSDT", Decimal(1))
        venue.hub.muted = False
        venue.exchange.pay_funding("ETHUSDT")
        (event,) = await received(socket, 1)
    account = event["a"]
    assert isinstance(account, dict)
    assert account["m"] == "FUNDING_FEE"


async def test_mark_price_stream(venue: VenueServer, manager: BinanceSocketManager) -> None:
    """Moves of the price reach who listens to the symbol."""
    async with manager.symbol_mark_price_socket("ETHUSDT") as socket:
        venue.exchange.set_price("BNBUSDT", Decimal(610))
        venue.exchange.set_price("ETHUSDT", Decimal(2100))
        (event,) = await received(socket, 1)
    data = event.get("data", event)
    assert isinstance(data, dict)
    assert (data["s"], data["p"]) == ("ETHUSDT", "2100.00000000")


async def test_listen_key_lives_an_hour_and_is_kept_by_put(venue: VenueServer, client: AsyncClient) -> None:
    """POST returns the living key again; a PUT after its end is refused."""
    key = await client.futures_stream_get_listen_key()
    assert await client.futures_stream_get_listen_key() == key
    await client.futures_stream_keepalive(key)
    venue.hub.expire_listen_key()
    with pytest.raises(BinanceAPIException) as caught:
        await client.futures_stream_keepalive(key)
    assert caught.value.code == -1125
    assert await client.futures_stream_get_listen_key() != key
