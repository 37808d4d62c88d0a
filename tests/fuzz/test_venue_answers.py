"""Whatever the exchange answers or pushes: facts, or one of our own errors; and no number that a market cannot have."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from core.clock import SystemClock
from core.errors import LpHedgeError, Transient
from core.exchange.binance import BinanceVenue
from core.exchange.binance_client import BinanceAccess
from core.exchange.binance_events import account_news, event_of
from core.exchange.binance_market_stream import BinanceMarketStream
from core.exchange.binance_messages import Malformed
from core.facts import Market, OrderRequest, OrderSide, OrderType, PositionSide, TimeInForce
from tests.exchange.recorded import FOLDER, stream
from tests.fuzz.spoilt import CUTS, cut, is_sane, spoils, spoilt, spoilt_json
from tests.rigs.venue import VenueServer, VenueThread
from tests.rigs.venue.faults import edited
from tests.rigs.venue.gate import RateLimits

SYMBOL = "ETHUSDT"
ENDPOINTS = (
    "GET /fapi/v1/time", "GET /fapi/v1/exchangeInfo", "GET /fapi/v1/depth", "GET /fapi/v1/premiumIndex",
    "GET /fapi/v1/positionSide/dual", "GET /fapi/v1/multiAssetsMargin", "GET /fapi/v1/symbolConfig",
    "GET /fapi/v1/commissionRate", "GET /fapi/v1/leverageBracket", "GET /fapi/v3/positionRisk", "GET /fapi/v3/account",
    "GET /fapi/v1/order", "GET /fapi/v1/openOrders", "GET /fapi/v1/userTrades", "GET /fapi/v1/income",
    "GET /sapi/v1/account/apiRestrictions", "POST /fapi/v1/order", "POST /fapi/v1/countdownCancelAll",
)  # fmt: skip
RECORDED = [message for path in sorted((FOLDER / "ws").iterdir()) for message in stream(path.name)[:4]]


def messages_of_a_market(symbol: str = SYMBOL) -> tuple[dict[str, object], dict[str, object]]:
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    levels = {"b": [["1999.9", "5"]], "a": [["2000.1", "5"]]}
    book = {"e": "depthUpdate", "E": now_ms, "T": now_ms, "s": symbol, "U": 5, "u": 7, "pu": 4, **levels}
    mark = {"e": "markPriceUpdate", "E": now_ms, "s": symbol, "p": "2000", "i": "2000", "r": "0.0001", "T": now_ms + 1}
    stem = symbol.lower()
    return {"stream": f"{stem}@depth20", "data": book}, {"stream": f"{stem}@markPrice@1s", "data": mark}


@pytest.fixture(scope="module")
def venue() -> Iterator[VenueServer]:
    """With a short, fills, a resting order, funding and income, so that no answer is empty."""
    with VenueThread() as server:
        server.exchange.set_position(SYMBOL, Decimal(-3))
        server.exchange.pay_funding(SYMBOL)
        asyncio.run(_rest_an_order(server))
        yield server


async def _rest_an_order(server: VenueServer) -> None:
    binance = adapter(server)
    await binance.prepare([SYMBOL])
    await binance.place(RESTING)
    await binance.aclose()


def adapter(server: VenueServer) -> BinanceVenue:
    """A new one, in a new minute."""
    server.limits = RateLimits()
    keys = server.credentials
    access = BinanceAccess(
        SecretStr(keys.key), SecretStr(keys.secret), futures_url=server.url, spot_url=server.url, timeout_s=20
    )
    return BinanceVenue(access, SystemClock())


RESTING = OrderRequest(
    symbol=SYMBOL,
    side=OrderSide.SELL,
    position_side=PositionSide.BOTH,
    order_type=OrderType.LIMIT,
    quantity_base=Decimal("0.5"),
    client_order_id="lph-resting",
    reduce_only=False,
    price=Decimal(2080),
    time_in_force=TimeInForce.GTC,
)


async def ask_everything(binance: BinanceVenue) -> list[object]:
    """What each method answered; only our own errors may come out of any."""
    since = datetime.now(UTC) - timedelta(days=1)
    bought = replace(RESTING, side=OrderSide.BUY, price=Decimal(1920), client_order_id=f"lph-{uuid4().hex[:20]}")
    calls: tuple[Callable[[], Awaitable[object]], ...] = (
        lambda: binance.prepare([SYMBOL]),
        lambda: binance.market(SYMBOL),
        lambda: binance.account(SYMBOL),
        lambda: binance.find_order(SYMBOL, RESTING.client_order_id),
        lambda: binance.open_orders(SYMBOL),
        lambda: binance.trades(SYMBOL, after_trade_id=None, since=since),
        lambda: binance.income(since=since),
        binance.admin.key_rights,
        lambda: binance.place(bought),
        lambda: binance.cancel(SYMBOL, bought.client_order_id),
        lambda: binance.cancel_unread(SYMBOL, bought.client_order_id),
        lambda: binance.guard_resting(SYMBOL, 120),
    )
    found = []
    for call in calls:
        with suppress(LpHedgeError):
            found.append(await call())
    with suppress(LpHedgeError):
        found.append(binance.rules(SYMBOL))
    await binance.aclose()
    return found


async def test_nothing_spoilt_answers_everything(venue: VenueServer) -> None:
    """Else the silence below would prove nothing."""
    found = await ask_everything(adapter(venue))
    assert len(found) == 13
    assert all(map(is_sane, found))
    _, market, account, order, open_orders, trades, income, *_ = found
    assert account.position_base == -3 and order and open_orders and trades and income  # type: ignore[attr-defined]
    assert market.bids[0].price > 0  # type: ignore[attr-defined]


@given(st.sampled_from(ENDPOINTS), spoils())
@settings(max_examples=80)
def test_any_answer_is_facts_or_one_of_our_errors(
    venue: VenueServer, endpoint: str, changes: list[tuple[float, object]]
) -> None:
    """One endpoint's answers spoilt in a few places, the same at every request."""
    venue.faults.add(endpoint, edited(lambda body: spoilt_json(body, changes)), times=1000)
    try:
        found = asyncio.run(ask_everything(adapter(venue)))
    finally:
        venue.faults.clear()
    assert all(map(is_sane, found))
    for market in found:
        if isinstance(market, Market):
            assert min(level.price for level in (*market.bids, *market.asks)) > 0
            assert market.mark_price > 0


@given(st.sampled_from(ENDPOINTS), CUTS)
@settings(max_examples=25)
def test_any_bytes_too(venue: VenueServer, endpoint: str, cuts: list[tuple[float, int, bytes]]) -> None:
    """Which may be no JSON, or another number: never an error of others."""
    spoil = edited(lambda body: cut(body.encode(), cuts).decode("utf-8", errors="replace"))
    venue.faults.add(endpoint, spoil, times=1000)
    try:
        found = asyncio.run(ask_everything(adapter(venue)))
    finally:
        venue.faults.clear()
    assert all(map(is_sane, found))


@given(st.sampled_from(RECORDED), spoils())
@settings(max_examples=400)
def test_any_event_of_the_account_is_news_or_malformed(
    message: dict[str, object], changes: list[tuple[float, object]]
) -> None:
    """Recorded events of every kind, spoilt in a few places."""
    with suppress(Malformed):
        kind, event = event_of(spoilt(message, changes))
        for news in account_news(kind, event, lambda symbol: 1):
            assert is_sane((news.report, news.fill))
            assert news.fill is None or (news.fill.price > 0 and news.fill.quantity_base > 0)


async def _pushed(messages: list[str]) -> list[Market | None]:
    """What the market was after each message, pushed on both connections until the stream has had enough."""
    seen: list[Market | None] = []

    async def push(socket: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            for message in messages:
                await socket.send(message)
            await socket.close()

    async with serve(push, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        stream = BinanceMarketStream(
            lambda symbol: 1, lambda: 0, SystemClock(), stream_url=f"ws://127.0.0.1:{port}", silent_after_s=30
        )
        with pytest.raises(Transient):
            await stream.listen([SYMBOL], lambda symbol: seen.append(stream.latest(symbol)))
    return seen


@given(spoils(), spoils(), st.booleans())
@settings(max_examples=60)
def test_any_push_of_the_market_is_a_market_or_ends_the_connection(
    of_book: list[tuple[float, object]], of_mark: list[tuple[float, object]], is_fine_first: bool
) -> None:
    """Spoilt books and marks, alone or after good ones."""
    book, mark = messages_of_a_market()
    spoilt_ones = [json.dumps(spoilt(book, of_book)), json.dumps(spoilt(mark, of_mark))]
    fine = [json.dumps(book), json.dumps(mark)] if is_fine_first else []
    for market in asyncio.run(_pushed([*fine, *spoilt_ones])):
        assert is_sane(market)
