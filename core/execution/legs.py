"""Which leg an order goes to. One-way mode has one; hedge mode a LONG and a SHORT one, and the pair of leg and side
says whether it opens or closes: Binance refuses `reduceOnly` there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from core.facts import OrderSide, PerpAccount, PositionSide
from core.hedging.states import Reason
from core.ports import JournalOrder, Plan

NET_LEGS = Reason.NET_LEGS.text
# Both legs are closed in so many alternating slices, so that the exposure hardly moves in between.
NETTING_SLICES = 5


@dataclass(frozen=True, slots=True)
class Leg:
    """`most_base`: what the leg can take of this side, None for no limit of its own."""

    side: OrderSide
    position_side: PositionSide
    reduce_only: bool
    most_base: Decimal | None


def leg_of(plan: Plan, orders: Iterable[JournalOrder], account: PerpAccount, step_base: Decimal) -> Leg:
    """Where the plan's next order goes, by what the account holds now."""
    if not account.hedge_mode:
        return Leg(plan.side, PositionSide.BOTH, plan.reduce_only, None)
    if plan.reason == NET_LEGS:
        return _netting_leg(plan, orders, account)
    if plan.side is OrderSide.SELL and account.long_base < step_base:
        return Leg(OrderSide.SELL, PositionSide.SHORT, reduce_only=False, most_base=None)
    return _closing_leg(plan.side, closable_base(plan.side, account))


def closable_base(side: OrderSide, account: PerpAccount) -> Decimal:
    """What the leg holds that an order of this side closes: buying closes a short."""
    return account.short_base if side is OrderSide.BUY else account.long_base


def _netting_leg(plan: Plan, orders: Iterable[JournalOrder], account: PerpAccount) -> Leg:
    """The leg of which less has been closed; the first is the one whose closing narrows the gap, so that plans which
    end after one slice do not all take from the same leg. The plan's quantity is that of both legs together."""
    closed = {OrderSide.BUY: Decimal(0), OrderSide.SELL: Decimal(0)}
    for order in orders:
        closed[order.request.side] += order.executed_base
    half = plan.quantity_base / 2
    bought, sold = closed[OrderSide.BUY], closed[OrderSide.SELL]
    side = OrderSide.BUY if bought < sold or (bought == sold and plan.gap_base >= 0) else OrderSide.SELL
    ahead = closed[side.opposite] - closed[side]
    slice_base = ahead if ahead > 0 else half / NETTING_SLICES
    return _closing_leg(side, min(closable_base(side, account), half - closed[side], slice_base))


def _closing_leg(side: OrderSide, most_base: Decimal) -> Leg:
    position_side = PositionSide.SHORT if side is OrderSide.BUY else PositionSide.LONG
    return Leg(side, position_side, reduce_only=True, most_base=most_base)
