"""Readings, fills and payments in a store, as the program keeps them."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.account_ports import HeldLiquidity, Income, Snapshot
from core.facts import OrderSide, PositionSide, Trade
from core.ports import TradeOrigin
from storage.store import Store
from tests.bot.samples import T0

HELD = (HeldLiquidity(1, True, 18, 18, 62_000, 66_000, 10**21, Decimal(0), Decimal(0)),)
READING = Snapshot(
    hedge="bnb",
    at=T0,
    price=Decimal(600),
    gap_quote=Decimal(12),
    mark_price=Decimal(600),
    perp_base=Decimal(-10),
    lp_base=Decimal(10),
    lp_quote=Decimal(6000),
    fee_base=Decimal(0),
    fee_quote=Decimal(0),
    symbol="BNBUSDT",
    held=HELD,
)


def reading(hours: float, **changes: Decimal | str) -> Snapshot:
    """So many hours after the first."""
    return replace(READING, at=T0 + timedelta(hours=hours), landmark=True, **changes)  # type: ignore[arg-type]


def trade(number: int, at: datetime, *, symbol: str = "BNBUSDT", fee_asset: str = "USDT") -> Trade:
    return Trade(
        symbol=symbol,
        trade_id=number,
        venue_order_id=number,
        side=OrderSide.SELL if number % 2 else OrderSide.BUY,
        position_side=PositionSide.BOTH,
        price=Decimal(601),
        quantity_base=Decimal(1),
        fee=Decimal("0.30"),
        fee_asset=fee_asset,
        realised_pnl_quote=Decimal(0),
        is_maker=False,
        at=at,
    )


async def a_day(store: Store, hedge: str = "bnb", symbol: str = "BNBUSDT") -> None:
    """From T0 to a day later: fees of 25, the price 600 to 610 and back to 605, a sale and a purchase, funding of 2."""
    named = {"hedge": hedge, "symbol": symbol}
    await store.series.append(reading(0, **named))
    await store.series.append(
        reading(
            6, **named, price=Decimal(610), mark_price=Decimal(610), lp_base=Decimal(9), lp_quote=Decimal(6604),
            fee_quote=Decimal(25), gap_quote=Decimal(80),
        )
    )  # fmt: skip
    await store.series.append(
        reading(
            24, **named, price=Decimal(605), mark_price=Decimal(605), lp_base=Decimal("9.5"), lp_quote=Decimal(6300),
            fee_quote=Decimal(25),
        )
    )  # fmt: skip
    fills = [trade(n, T0 + timedelta(hours=n), symbol=symbol) for n in (1, 2)]
    await store.journal.book_trades([(fill, TradeOrigin.ADL) for fill in fills], T0)
    number = 1 if symbol == "BNBUSDT" else 2
    await store.income.book([Income("FUNDING_FEE", number, symbol, Decimal(2), "USDT", T0 + timedelta(hours=8))], T0)
