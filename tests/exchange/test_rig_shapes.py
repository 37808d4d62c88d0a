"""The rig's answers are held to recorded and documented messages: same fields, same kind of value."""

import json
import re
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from binance import AsyncClient

from tests.exchange import recorded
from tests.rigs.venue import VenueServer
from tests.rigs.venue.events import account_update, mark_price_update, order_update, trade_lite
from tests.rigs.venue.refusals import TEXTS

NUMBER = re.compile(r"-?\d+(\.\d+)?")
# Gone from the live answer, or come since the recording.
OLD = {"avgPrice", "cumQuote", "autoCloseType", "interestRate", "marginAsset", "requiredMarginPercent"}
NEW = {
    "breakEvenPrice", "notional", "isolatedWallet", "markPrice", "lastUpdateId", "interestRate", "marginAvailable",
    "permissionSets", "maxMoveOrderLimit", "er", "ma", "bep",
}  # fmt: skip


def kind(value: object) -> str:
    if isinstance(value, bool):
        return "flag"
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return "number as text"
    return "number" if isinstance(value, int | float) else type(value).__name__


def assert_same_shape(ours: object, theirs: object) -> None:
    if isinstance(ours, list) and isinstance(theirs, list):
        ours, theirs = ours[0], theirs[0]
    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    assert set(theirs) - set(ours) <= OLD
    assert set(ours) - set(theirs) <= NEW
    for name in set(ours) & set(theirs):
        assert kind(ours[name]) == kind(theirs[name]) or "" in (ours[name], theirs[name]), name


@pytest.fixture
async def client(venue: VenueServer) -> AsyncIterator[AsyncClient]:
    made = AsyncClient(venue.credentials.key, venue.credentials.secret)
    made.FUTURES_URL = f"{venue.url}/fapi"
    yield made
    await made.close_connection()


async def place(client: AsyncClient, **changes: str) -> dict[str, object]:
    order = {"symbol": "ETHUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.5", "newOrderRespType": "RESULT"}
    answer = await client.futures_create_order(**{**order, **changes})
    assert isinstance(answer, dict)
    return answer


LIMIT = {"type": "LIMIT", "timeInForce": "GTC", "price": "2050.00"}


async def test_order_messages(client: AsyncClient) -> None:
    """Ack, query, list and cancel each have their own fields."""
    assert_same_shape(await place(client, newClientOrderId="a"), recorded.rest("order_new_oneway_2025-02_testnet"))
    await place(client, newClientOrderId="b", **LIMIT)
    query = await client.futures_get_order(symbol="ETHUSDT", origClientOrderId="b")
    listed = await client.futures_get_open_orders(symbol="ETHUSDT")
    cancelled = await client.futures_cancel_order(symbol="ETHUSDT", origClientOrderId="b")
    trailing = {"activatePrice", "priceRate"}  # of the documentation's trailing-stop example only
    for ours, name in ((query, "order_query_docs"), (listed[0], "openOrders_docs"), (cancelled, "order_cancel_docs")):
        assert_same_shape(ours, {k: v for k, v in recorded.one(name).items() if k not in trailing})


async def test_account_messages(client: AsyncClient) -> None:
    """Positions, account, balance, fills and income, in both versions where there are two."""
    await place(client)
    await place(client, side="BUY", quantity="0.1")
    pairs = [
        (await client.futures_position_information(), "positionRisk_v3_hedge_long_2024-07"),
        (await client.futures_position_information(version=2), "positionRisk_v2_oneway_flat_docs"),
        (await client.futures_account_balance(), "balance_docs"),
        (await client.futures_account_trades(symbol="ETHUSDT"), "userTrades_2022-02_ethusdt"),
        (await client.futures_symbol_config(), "symbolConfig"),
        (await client.futures_account_config(), "accountConfig_docs"),
        (await client.futures_get_position_mode(), "positionSide_dual"),
        (await client.futures_get_multi_assets_mode(), "multiAssetsMargin_docs"),
        (await client.futures_commission_rate(symbol="ETHUSDT"), "commissionRate_ethusdt"),
        (await client.futures_v1_get_rate_limit_order(), "rateLimit_order_docs"),
    ]
    for ours, name in pairs:
        assert_same_shape(ours, recorded.rest(name))
    v3, v2 = await client.futures_account(version=3), await client.futures_account()
    for account, name in ((v3, "account_v3_docs"), (v2, "account_v2_docs")):
        assert_same_shape({**account, "positions": 0}, {**recorded.one(name), "positions": 0})
        assert_same_shape(account["assets"], recorded.one(name)["assets"])


async def test_market_messages(client: AsyncClient) -> None:
    """Filters, book, ticker and mark."""
    info, then = await client.futures_exchange_info(), recorded.one("exchangeInfo_2022-02_btc_eth")
    assert_same_shape(info, then)
    assert_same_shape({**info["symbols"][0], "underlyingSubType": []}, _perpetual(then))
    ours = {each["filterType"]: set(each) for each in info["symbols"][0]["filters"]}
    for each in _perpetual(then)["filters"]:  # type: ignore[attr-defined]
        assert ours[each["filterType"]] == set(each)
    assert_same_shape(await client.futures_order_book(symbol="ETHUSDT"), recorded.rest("depth_2021-07_sushiusdt"))
    assert_same_shape(await client.futures_orderbook_ticker(symbol="ETHUSDT"), recorded.rest("bookTicker_docs"))
    assert_same_shape(await client.futures_mark_price(symbol="ETHUSDT"), recorded.rest("premiumIndex_docs"))


def _perpetual(info: dict[str, object]) -> dict[str, object]:
    symbols = info["symbols"]
    assert isinstance(symbols, list)
    row = symbols[0]
    assert isinstance(row, dict)
    return {key: value for key, value in row.items() if key != "settlePlan"}


async def test_income_message(venue: VenueServer, client: AsyncClient) -> None:
    """A funding payment, as the account's history has it."""
    await place(client)
    venue.exchange.pay_funding("ETHUSDT")
    (row,) = await client.futures_income_history(incomeType="FUNDING_FEE")
    theirs = recorded.one("income_funding_2024-02")
    assert set(row) == set(theirs)
    assert Decimal(row["income"]) > 0


def test_stream_messages(venue: VenueServer) -> None:
    """Order, account, fill and mark events have the fields of the newest recorded session."""
    exchange = venue.exchange
    exchange.set_position("ETHUSDT", Decimal("0.5"))
    (order,) = exchange.orders.values()
    lite, new, account = recorded.stream("session_2026-02_open_market_solusdt.jsonl")
    assert_same_shape(trade_lite(exchange, order, order.trades[0]), lite)
    assert_same_shape(order_update(exchange, order, "NEW", None)["o"], new["o"])
    ours, theirs = account_update(exchange, "ORDER", "ETHUSDT", ("BOTH",))["a"], account["a"]
    assert isinstance(ours, dict)
    assert isinstance(theirs, dict)
    assert_same_shape(ours, theirs)
    assert_same_shape(ours["P"], theirs["P"])
    (mark,) = recorded.stream("mark_price_docs.json")
    assert_same_shape(mark_price_update(exchange, "ETHUSDT"), mark["data"])


def test_refusal_texts_are_the_exchange_s_own() -> None:
    """Where a text was documented or seen live, the rig says just that."""
    documented, observed = recorded.errors("documented_messages"), recorded.errors("observed")
    assert isinstance(documented, dict)
    assert isinstance(observed, list)
    known = {int(code): [text] if isinstance(text, str) else text for code, text in documented.items()}
    for row in observed:
        known[row["body"]["code"]] = [row["body"]["msg"]]
    for code, (_, text) in TEXTS.items():
        if code in known and "%s" not in json.dumps(known[code]):
            assert text in known[code]
