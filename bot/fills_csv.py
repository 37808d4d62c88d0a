"""Every fill as a line of a CSV file, with all digits and its ids."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable

from bot.status_json import number_text
from core.facts import Trade

Fill = tuple[str, Trade]
HEADER = "time,hedge,symbol,side,leg,quantity,price,notional,fee,fee_asset,realised_pnl,maker,trade_id,order_id"


def csv_of(fills: Iterable[Fill]) -> bytes:
    """In the order given, with a header; lines end as RFC 4180 says."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(HEADER.split(","))
    writer.writerows(_row(hedge, trade) for hedge, trade in fills)
    return file.getvalue().encode()


def _row(hedge: str, trade: Trade) -> tuple[str, ...]:
    return (
        trade.at.isoformat().replace("+00:00", "Z"),
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
