"""Every recorded message that the adapter reads, and what must not be read as one."""

from decimal import Decimal

import pytest

from core.errors import Transient
from core.exchange.binance_account import legs_of
from core.exchange.binance_messages import (
    AccountTotals,
    CommissionRate,
    Depth,
    ExchangeInfo,
    IncomeRow,
    KeyPermissions,
    Malformed,
    Message,
    MultiAssetsMode,
    OrderRow,
    PositionMode,
    PositionRow,
    PremiumIndex,
    SymbolBrackets,
    SymbolConfig,
    SymbolInfo,
    TradeRow,
    base_of,
    order_report,
    parse_many,
    parse_one,
    parse_only,
    server_time_ms,
    symbol_rules,
    trade,
)
from core.facts import OrderStatus, SymbolRules
from tests.exchange import recorded

READ: list[tuple[type[Message], str]] = [
    (AccountTotals, "account_v2_docs"),
    (AccountTotals, "account_v3_docs"),
    (CommissionRate, "commissionRate_ethusdt"),
    (Depth, "depth_2021-07_sushiusdt"),
    (Depth, "depth_2024-02_btcusdt_testnet"),
    (IncomeRow, "income_funding_2024-02"),
    (IncomeRow, "income_docs"),
    (MultiAssetsMode, "multiAssetsMargin_docs"),
    (OrderRow, "openOrders_docs"),
    (OrderRow, "order_cancel_docs"),
    (OrderRow, "order_new_oneway_2025-02_testnet"),
    (OrderRow, "order_query_docs"),
    (PositionMode, "positionSide_dual"),
    (PositionRow, "positionRisk_v2_hedge_docs"),
    (PositionRow, "positionRisk_v2_oneway_flat_docs"),
    (PositionRow, "positionRisk_v3_hedge_binance_net"),
    (PositionRow, "positionRisk_v3_hedge_long_2024-07"),
    (PremiumIndex, "premiumIndex_docs"),
    (SymbolBrackets, "leverageBracket_docs"),
    (SymbolConfig, "symbolConfig"),
    (TradeRow, "userTrades_2022-02_ethusdt"),
]
RULES = {"1000PEPE": ("PEPE", 1000), "1MBABYDOGE": ("BABYDOGE", 1_000_000), "1000000MOG": ("MOG", 1_000_000)}


@pytest.mark.parametrize(("model", "name"), READ)
def test_every_recorded_message_is_understood(model: type[Message], name: str) -> None:
    """As published, with all the fields that nobody here reads."""
    assert parse_one(model, recorded.one(name))


@pytest.mark.parametrize(("model", "name"), READ)
def test_new_fields_are_tolerated(model: type[Message], name: str) -> None:
    """A field that comes tomorrow changes nothing."""
    row = recorded.one(name)
    assert parse_one(model, {**row, "someNewField": {"x": [1]}}) == parse_one(model, row)


@pytest.mark.parametrize(("model", "name"), READ)
def test_each_field_that_is_read_must_be_there(model: type[Message], name: str) -> None:
    """No field has a default: without it the message is malformed, and the complaint names the field only."""
    row = recorded.one(name)
    for name_here, field in model.model_fields.items():
        name_there = field.alias or name_here
        with pytest.raises(Malformed, match=name_there):
            parse_one(model, {key: value for key, value in row.items() if key != name_there})


@pytest.mark.parametrize("gone", ["avgPrice", "cumQuote", "cumQty", "goodTillDate", "priceMatch"])
def test_order_answers_lost_fields_over_the_years(gone: str) -> None:
    """Acks have no avgPrice and no cumQuote any more; nothing here depends on them."""
    row = {key: value for key, value in recorded.one("order_new_oneway_2025-02_testnet").items() if key != gone}
    report = order_report(parse_one(OrderRow, row), 1)
    assert (report.status, report.quantity_base, report.executed_base) == (
        OrderStatus.NEW,
        Decimal("0.200"),
        Decimal(0),
    )


def test_order_accepted_in_a_batch_and_its_refused_neighbour() -> None:
    """An error object is not an order."""
    refused, accepted = recorded.many("batchOrders_mixed_hedge_2024-03")
    assert parse_one(OrderRow, accepted).order_id == 1405234856
    with pytest.raises(Malformed):
        parse_one(OrderRow, refused)


def test_fills_of_2022() -> None:
    """Price, quantity, fee paid, realised profit and time, to the last digit."""
    opened, closed = (trade(row, 1) for row in parse_many(TradeRow, recorded.rest("userTrades_2022-02_ethusdt")))
    assert (opened.trade_id, opened.price, opened.fee) == (82357626, Decimal("2778.35"), Decimal("0.00555670"))
    assert (closed.realised_pnl_quote, closed.is_maker) == (Decimal("-0.00325000"), False)
    assert closed.at.isoformat() == "2022-02-27T02:52:13.910000+00:00"


def rules_of(name: str, symbol: str) -> SymbolRules:
    info = parse_one(ExchangeInfo, recorded.rest(name))
    return symbol_rules(parse_one(SymbolInfo, next(each for each in info.symbols if each["symbol"] == symbol)))


def test_filters_of_2021() -> None:
    """BNBUSDT shows three decimals and moves in hundredths; market orders have their own largest size."""
    rules = rules_of("exchangeInfo_2021-07_mainnet", "BNBUSDT")
    assert rules.tick_size == Decimal("0.010")
    assert (rules.market_max_quantity, rules.max_quantity) == (Decimal(20000), Decimal(100000))
    assert rules_of("exchangeInfo_2022-02_btc_eth", "BTCUSDT").min_notional_quote == 10


def test_missing_filter_is_malformed() -> None:
    """A notional limit that is not told is not zero."""
    info = parse_one(ExchangeInfo, recorded.rest("exchangeInfo_2022-02_btc_eth")).symbols[0]
    filters = info["filters"]
    assert isinstance(filters, list)
    fewer = [each for each in filters if each["filterType"] != "MIN_NOTIONAL"]
    with pytest.raises(Malformed, match="filters"):
        symbol_rules(parse_one(SymbolInfo, {**info, "filters": fewer}))


@pytest.mark.parametrize(("asset", "expected"), [*RULES.items(), ("ETH", ("ETH", 1)), ("1INCH", ("1INCH", 1))])
def test_contracts_counted_in_multiples(asset: str, expected: tuple[str, int]) -> None:
    """The number in front of the coin is the contract's unit, unless it is the coin's own name."""
    assert base_of(asset) == expected


def test_legs_of_hedge_mode() -> None:
    """LONG 20 and SHORT -10 rows are a long of 20 and a short of 10."""
    rows = parse_many(PositionRow, recorded.rest("positionRisk_v2_hedge_docs"))
    legs = legs_of(rows, "BTCUSDT", hedge_mode=True)
    assert (legs.long, legs.short) == (Decimal(20), Decimal(10))


@pytest.mark.parametrize(
    ("sides", "hedge_mode"),
    [(["BOTH", "LONG"], False), (["SHORT"], False), (["BOTH"], True), (["BOTH", "SHORT"], True), (["LONG"] * 2, True)],
)
def test_rows_that_contradict_the_mode_are_read_again(sides: list[str], hedge_mode: bool) -> None:
    """As while the mode is changed: what they add up to is not known."""
    one = recorded.one("positionRisk_v3_hedge_long_2024-07")
    rows = parse_many(PositionRow, [{**one, "positionSide": side} for side in sides])
    with pytest.raises(Transient, match="do not fit the account's position mode"):
        legs_of(rows, str(one["symbol"]), hedge_mode=hedge_mode)


def test_v2_flat_row_and_v3_empty_list_are_both_flat() -> None:
    """The two versions tell the same thing differently."""
    v2 = parse_many(PositionRow, recorded.rest("positionRisk_v2_oneway_flat_docs"))
    for rows in (v2, parse_many(PositionRow, [])):
        assert legs_of(rows, "BTCUSDT", hedge_mode=False).short == 0


@pytest.mark.parametrize("answer", [None, {}, "", "[]", 0, {"code": 200}])
def test_only_a_list_is_a_list(answer: object) -> None:
    """Whatever else a failed position query leaves behind is not "no rows"."""
    with pytest.raises(Malformed):
        parse_many(PositionRow, answer)


@pytest.mark.parametrize("amount", [0.5, None, "", "NaN", "Infinity", "1,5", True])
def test_amounts_are_text_and_finite(amount: object) -> None:
    """A float has lost digits, an empty text is not zero."""
    with pytest.raises(Malformed):
        parse_one(PositionRow, {**recorded.one("positionRisk_v3_hedge_long_2024-07"), "positionAmt": amount})


def test_unknown_order_state_is_not_guessed() -> None:
    """An order matched against the account's own counts as ended; a state of tomorrow is malformed."""
    row = recorded.one("order_query_docs")
    assert order_report(parse_one(OrderRow, {**row, "status": "EXPIRED_IN_MATCH"}), 1).status is OrderStatus.EXPIRED
    with pytest.raises(Malformed):
        order_report(parse_one(OrderRow, {**row, "status": "PONDERING"}), 1)


def test_small_messages() -> None:
    """Server time, a symbol's row among others, key permissions."""
    assert server_time_ms(recorded.rest("time_docs")) == 1499827319559
    assert parse_only(SymbolConfig, recorded.rest("symbolConfig"), "BTCUSDT").leverage == 25
    with pytest.raises(Malformed):
        parse_only(SymbolConfig, recorded.rest("symbolConfig"), "BNBUSDT")
    rights = {"enableFutures": True, "enableWithdrawals": False, "ipRestrict": True}
    assert parse_one(KeyPermissions, rights).enable_withdrawals is False
