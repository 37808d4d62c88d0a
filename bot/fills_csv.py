"""Every fill as a line of a CSV file, with all digits and its ids."""

from __future__ import annotations

from collections.abc import Iterable

from bot.csv_table import csv_bytes
from bot.status_json import number_text, time_text
from core.facts import Trade

Fill = tuple[str, Trade]
HEADER = "time,hedge,symbol,side,leg,quantity,price,notional,fee,fee_asset,realised_pnl,maker,trade_id,order_id"


def csv_of(fills: Iterable[Fill]) -> bytes:
    """In the order given, as `csv_bytes` has it."""
    return csv_bytes(HEADER.split(","), (_row(hedge, trade) for hedge, trade in fills))


def _row(hedge: str, trade: Trade) -> tuple[str, ...]:
    return (
        time_text(trade.at),
        hedge,
        trade.symbol,
        trade.side.value,
        trade.position_side.value,
        number_text(trade.quantity_base),
        number_text(trade.price),
        number_text(trade.quantity_base * trade.price),
        number_text(trade.fee),
        trade.fee_asset,
        number_text(trade.realised_pnl_quote),
        "yes" if trade.is_maker else "no",
        str(trade.trade_id),
        str(trade.venue_order_id),
    )
