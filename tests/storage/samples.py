"""Values to store, each valid as it stands; what a test is about it names."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.facts import OrderReport, OrderRequest, OrderSide, OrderStatus, OrderType, PositionSide, Trade
from core.ports import Approval, ApprovalState, OutboxMessage, Plan
from storage.store import Store

T0 = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
SCOPE = "paper:default"
SYMBOL = "BNBUSDT"


def after(seconds_s: float) -> datetime:
    return T0 + timedelta(seconds=seconds_s)


def a_plan(
    plan_id: str = "p1", *, hedge: str = "bnb", side: OrderSide = OrderSide.SELL, approval_id: str | None = None
) -> Plan:
    return Plan(
        plan_id=plan_id,
        hedge=hedge,
        symbol=SYMBOL,
        side=side,
        quantity_base=Decimal("1.5"),
        reduce_only=False,
        reason="band",
        gap_base=Decimal("-1.5"),
        reference_price=Decimal("600.25"),
        approval_id=approval_id,
        created_at=T0,
    )


def a_request(client_order_id: str = "c1", *, quantity: str = "1.5", side: OrderSide = OrderSide.SELL) -> OrderRequest:
    return OrderRequest(client_order_id, SYMBOL, side, Decimal(quantity), OrderType.MARKET, reduce_only=False)


def a_report(
    client_order_id: str = "c1",
    *,
    venue_order_id: int = 7001,
    status: OrderStatus = OrderStatus.FILLED,
    executed: str = "1.5",
    side: OrderSide = OrderSide.SELL,
) -> OrderReport:
    return OrderReport(client_order_id, venue_order_id, SYMBOL, side, status, Decimal("1.5"), Decimal(executed), T0)


def a_trade(
    trade_id: int = 1,
    *,
    venue_order_id: int = 7001,
    side: OrderSide = OrderSide.SELL,
    leg: PositionSide = PositionSide.BOTH,
    quantity: str = "1.5",
    price: str = "600",
    at: datetime = T0,
) -> Trade:
    return Trade(
        symbol=SYMBOL,
        trade_id=trade_id,
        venue_order_id=venue_order_id,
        side=side,
        position_side=leg,
        price=Decimal(price),
        quantity_base=Decimal(quantity),
        fee=Decimal("0.45"),
        fee_asset="USDT",
        realised_pnl_quote=Decimal(0),
        is_maker=False,
        at=at,
    )


def an_approval(approval_id: str = "a1", *, hedge: str = "bnb", quantity: str = "20") -> Approval:
    return Approval(
        approval_id=approval_id,
        hedge=hedge,
        symbol=SYMBOL,
        side=OrderSide.SELL,
        quantity_base=Decimal(quantity),
        notional_quote=Decimal(12000),
        reason="band",
        shown={"side": "SELL", "price": "600.00"},
        created_at=T0,
        expires_at=after(300),
        state=ApprovalState.PENDING,
    )


def a_message(key: str = "m1", *, priority: int = 1, created_at: datetime = T0) -> OutboxMessage:
    return OutboxMessage(key, f"text of {key}", html=True, priority=priority, silent=False, created_at=created_at)


async def place(
    store: Store,
    client_order_id: str = "c1",
    *,
    plan_id: str = "p1",
    quantity: str = "1.5",
    side: OrderSide = OrderSide.SELL,
) -> None:
    """An intent under a plan that is opened when the hedge has none."""
    if await store.journal.active_plan("bnb") is None:
        await store.journal.open_plan(a_plan(plan_id, side=side))
    request = a_request(client_order_id, quantity=quantity, side=side)
    await store.journal.record_intent(request, a_plan(plan_id), attempt=1, at=T0)
