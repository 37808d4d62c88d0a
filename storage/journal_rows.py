"""Journal rows to values."""

from __future__ import annotations

from decimal import Decimal
from sqlite3 import Row

from core.facts import OrderRequest, OrderSide, OrderType, PositionSide, TimeInForce, Trade
from core.ports import JournalOrder, OrderState, Plan, PlanState
from storage.columns import maybe_number, time_of


def plan_of(row: Row) -> Plan:
    """Amounts digit for digit as they were written."""
    return Plan(
        plan_id=row["plan_id"],
        hedge=row["hedge"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        quantity_base=Decimal(row["quantity_base"]),
        reduce_only=bool(row["reduce_only"]),
        reason=row["reason"],
        gap_base=Decimal(row["gap_base"]),
        reference_price=Decimal(row["reference_price"]),
        approval_id=row["approval_id"],
        created_at=time_of(row["created_at"]),
        state=PlanState(row["state"]),
    )


def order_of(row: Row) -> JournalOrder:
    """`recorded_at` is when it was intended, not when the row changed last."""
    time_in_force = row["time_in_force"]
    request = OrderRequest(
        client_order_id=row["client_order_id"],
        symbol=row["symbol"],
        side=OrderSide(row["side"]),
        quantity_base=Decimal(row["quantity_base"]),
        order_type=OrderType(row["order_type"]),
        reduce_only=bool(row["reduce_only"]),
        position_side=PositionSide(row["position_side"]),
        price=maybe_number(row["price"]),
        time_in_force=None if time_in_force is None else TimeInForce(time_in_force),
    )
    return JournalOrder(
        request=request,
        hedge=row["hedge"],
        plan_id=row["plan_id"],
        attempt=row["attempt"],
        state=OrderState(row["state"]),
        venue_order_id=row["venue_order_id"],
        executed_base=Decimal(row["executed_base"]),
        recorded_at=time_of(row["recorded_at"]),
        detail=row["detail"],
    )


def trade_of(row: Row) -> Trade:
    """From a row of `fills`, or of a join with all its columns."""
    return Trade(
        symbol=row["symbol"],
        trade_id=row["trade_id"],
        venue_order_id=row["venue_order_id"],
        side=OrderSide(row["side"]),
        position_side=PositionSide(row["position_side"]),
        price=Decimal(row["price"]),
        quantity_base=Decimal(row["quantity_base"]),
        fee=Decimal(row["fee"]),
        fee_asset=row["fee_asset"],
        realised_pnl_quote=Decimal(row["realised_pnl_quote"]),
        is_maker=bool(row["is_maker"]),
        at=time_of(row["at"]),
    )
