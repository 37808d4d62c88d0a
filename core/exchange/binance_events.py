"""Binance's pushed messages and what they mean here.

The account's events abbreviate the rows that requests answer with, so they are spelled out and read by the same
models: unit, state and exactness are decided in one place. Fields that we do not read may come, go and change; an event
that we read must have what we need, or it is `Malformed`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pydantic import Field

from core.exchange.binance_messages import (
    LATEST_MS,
    Levels,
    Malformed,
    Message,
    NotNegative,
    OrderRow,
    Price,
    Rate,
    Stamp,
    TradeRow,
    order_report,
    parse_one,
    trade,
)
from core.facts import Trade
from core.news_ports import AccountNews

# BASE per contract unit of a symbol; None for one that was not prepared.
UnitOf = Callable[[str], int | None]


ORDER_NAMES = {
    "i": "orderId",
    "c": "clientOrderId",
    "s": "symbol",
    "S": "side",
    "X": "status",
    "q": "origQty",
    "z": "executedQty",
    "T": "updateTime",
}
FILL_NAMES = {
    "s": "symbol",
    "t": "id",
    "i": "orderId",
    "S": "side",
    "ps": "positionSide",
    "L": "price",
    "l": "qty",
    "n": "commission",
    "N": "commissionAsset",
    "rp": "realizedPnl",
    "m": "maker",
    "T": "time",
}


class BookEvent(Message):
    """A partial book: levels of (price, quantity), best first, in contract units."""

    bids: Levels = Field(alias="b")
    asks: Levels = Field(alias="a")


class MarkEvent(Message):
    """`rate` is what builds up for `next_funding_ms`."""

    mark_price: Price = Field(alias="p")
    index_price: NotNegative = Field(alias="i")
    rate: Rate = Field(alias="r")
    next_funding_ms: Stamp = Field(alias="T")


def event_of(message: object) -> tuple[str, Mapping[str, object]]:
    """(kind, event), out of the wrapping of a combined stream where there is one. Raises Malformed."""
    event = message
    if isinstance(message, dict) and "stream" in message:
        event = message.get("data")
    if not isinstance(event, dict) or not isinstance(kind := event.get("e"), str):
        raise Malformed("the message is not an event")
    return kind, event


def account_news(kind: str, event: Mapping[str, object], unit_of: UnitOf) -> tuple[AccountNews, ...]:
    """Empty for events that say nothing of orders, positions or balances. Raises Malformed.

    TRADE_LITE is one of those: it comes first, but lacks the fee, and the whole fill follows.
    """
    if kind == "ORDER_TRADE_UPDATE":
        return (_order_news(event, unit_of),)
    if kind == "ACCOUNT_UPDATE":
        return _balance_news(event)
    return ()


def _order_news(event: Mapping[str, object], unit_of: UnitOf) -> AccountNews:
    order = event.get("o")
    if not isinstance(order, dict) or not isinstance(symbol := order.get("s"), str):
        raise Malformed("the order event has no order")
    unit = unit_of(symbol)
    if unit is None:
        return AccountNews(symbol, balance_moved=True)
    _check_stamp(order.get("T"))
    report = order_report(parse_one(OrderRow, _spelled_out(order, ORDER_NAMES)), unit)
    return AccountNews(symbol, report, _fill(order, unit) if order.get("x") == "TRADE" else None)


def _fill(order: Mapping[str, object], unit: int) -> Trade | None:
    """None when a part is missing: Binance leaves the fee out where there is none."""
    row = _spelled_out(order, FILL_NAMES)
    if any(row.get(name) is None for name in FILL_NAMES.values()):
        return None
    fill = trade(parse_one(TradeRow, row), unit)
    if fill.trade_id <= 0 or fill.quantity_base <= 0 or fill.price <= 0:
        raise Malformed("the order event has a fill of nothing")
    return fill


def _balance_news(event: Mapping[str, object]) -> tuple[AccountNews, ...]:
    """One for each symbol; funding of a crossed position names none."""
    changes = event.get("a")
    if not isinstance(changes, dict):
        raise Malformed("the account event has no changes")
    rows = changes.get("P", [])
    if not isinstance(rows, list):
        raise Malformed("the account event's positions are not a list")
    symbols = dict.fromkeys(_symbol(row) for row in rows) or {None: None}
    return tuple(AccountNews(symbol, balance_moved=True) for symbol in symbols)


def _symbol(row: object) -> str | None:
    if not isinstance(row, dict) or not isinstance(symbol := row.get("s"), str):
        raise Malformed("the account event has a position without symbol")
    return symbol


def _spelled_out(event: Mapping[str, object], names: Mapping[str, str]) -> dict[str, object]:
    return {name: event[short] for short, name in names.items() if short in event}


def _check_stamp(value: object) -> None:
    if not isinstance(value, int) or not 0 < value < LATEST_MS:
        raise Malformed("the event has no usable time")
