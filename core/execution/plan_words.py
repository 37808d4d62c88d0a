"""What is told of a plan, from its figures in the journal."""

from __future__ import annotations

from decimal import Decimal

from core.execution.active_plan import is_quote
from core.execution.bookkeeping import average_price, executed_base
from core.facts import OrderType, Trade
from core.ports import JournalOrder, Plan

BPS = Decimal(10_000)


def opened(plan: Plan) -> dict[str, str]:
    return {
        "plan_id": plan.plan_id,
        "side": plan.side.value,
        "quantity_base": str(plan.quantity_base),
        "gap_base": str(plan.gap_base),
        "price": str(plan.reference_price),
        "reason": plan.reason,
    }


def executed(plan: Plan, fills: tuple[Trade, ...]) -> dict[str, str]:
    """Of at least one fill. A fee that was not taken in the pair's QUOTE alone is left out."""
    data = {
        "plan_id": plan.plan_id,
        "side": plan.side.value,
        "quantity_base": str(executed_base(fills)),
        "average_price": str(average_price(fills) or Decimal(0)),
        "slippage_bps": str(_slippage_bps(plan, fills)),
        "fills": str(len(fills)),
        "reason": plan.reason,
    }
    if all(plan.symbol.endswith(fill.fee_asset) for fill in fills):
        data["fee_quote"] = str(sum((fill.fee for fill in fills), Decimal(0)))
    return data | ({"approval_id": plan.approval_id} if plan.approval_id else {})


def fallen_back(order_type: str, orders: tuple[JournalOrder, ...]) -> dict[str, str]:
    """The BASE that was taken at the market after quoting, or asking for a price, had had its time."""
    late = [order for order in orders if _is_late(order, order_type)]
    taken = sum((order.executed_base for order in late), Decimal(0))
    return {"fallback_base": str(taken)} if taken and len(late) < len(orders) else {}


def failed(plan: Plan, detail: str) -> dict[str, str]:
    return {"plan_id": plan.plan_id, "detail": detail}


def _is_late(order: JournalOrder, order_type: str) -> bool:
    match order_type:
        case "post_only":
            return not is_quote(order)
        case "limit":
            return order.request.order_type is OrderType.MARKET
    return False


def _slippage_bps(plan: Plan, fills: tuple[Trade, ...]) -> Decimal:
    """Against the mid at which the plan was decided (arrival), positive when worse."""
    lost_quote = sum(
        (fill.side.sign * (fill.price - plan.reference_price) * fill.quantity_base for fill in fills), Decimal(0)
    )
    return lost_quote / (plan.reference_price * executed_base(fills)) * BPS
