"""A plan under way with the orders that it has had so far, as the journal tells them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core.facts import TimeInForce
from core.ports import JournalOrder, OrderState, Plan


@dataclass(frozen=True, slots=True)
class ActivePlan:
    plan: Plan
    orders: tuple[JournalOrder, ...]

    @property
    def executed_base(self) -> Decimal:
        """Over all its orders, never negative: the two sides of a netting add up."""
        return sum((order.executed_base for order in self.orders), Decimal(0))

    @property
    def moved_base(self) -> Decimal:
        """By how much its fills changed the net position: the netting of two legs leaves it where it was."""
        return sum((order.request.side.sign * order.executed_base for order in self.orders), Decimal(0))

    @property
    def left_base(self) -> Decimal:
        """Of what was planned, never below zero; how much of it is still wanted is another question."""
        return max(Decimal(0), self.plan.quantity_base - self.executed_base)

    @property
    def last_order_at(self) -> datetime | None:
        """When its intent was recorded; None before the first."""
        return self.orders[-1].recorded_at if self.orders else None

    @property
    def resting(self) -> JournalOrder | None:
        """The quote that is open, which can only be the last order; None when there is none."""
        last = self.orders[-1] if self.orders else None
        return last if last is not None and rests(last) else None


def rests(order: JournalOrder) -> bool:
    """Open by intention; whether the venue still has it open is asked with each look."""
    return is_quote(order) and order.state is OrderState.OPEN


def is_quote(order: JournalOrder) -> bool:
    """Post-only (GTX): the only kind of order that may rest."""
    return order.request.time_in_force is TimeInForce.GTX
