"""Orders that the tests send."""

from dataclasses import replace
from decimal import Decimal

from core.facts import OrderRequest, OrderSide, OrderType, TimeInForce

SELL_HALF = OrderRequest(
    client_order_id="lph.eth.1.1",
    symbol="ETHUSDT",
    side=OrderSide.SELL,
    quantity_base=Decimal("0.5"),
    order_type=OrderType.MARKET,
    reduce_only=False,
)
BUY_BACK = replace(SELL_HALF, client_order_id="lph.eth.1.2", side=OrderSide.BUY, reduce_only=True)
SELL_RESTING = replace(
    SELL_HALF,
    client_order_id="lph.eth.1.3",
    order_type=OrderType.LIMIT,
    price=Decimal("2050.00"),
    time_in_force=TimeInForce.GTC,
)
