"""What came of a person's yes: the fills under one approval, summed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.facts import OrderSide, Trade

BPS = Decimal(10_000)


@dataclass(frozen=True, slots=True)
class ApprovedFill:
    """`reference_price`: the mid at which its plan was decided."""

    plan_id: str
    reference_price: Decimal
    trade: Trade


@dataclass(frozen=True, slots=True)
class Traded:
    """`fees`: by asset, positive when paid. `arrival_bps`: against the mids at which the plans were decided, positive
    when worse."""

    plans: int
    fills: int
    quantity_base: Decimal
    average_price: Decimal
    fees: Mapping[str, Decimal]
    arrival_bps: Decimal


def traded(fills: Sequence[ApprovedFill]) -> Traded | None:
    """None when nothing was filled."""
    quantity = sum((fill.trade.quantity_base for fill in fills), Decimal(0))
    if not quantity:
        return None
    worth = sum((fill.trade.price * fill.trade.quantity_base for fill in fills), Decimal(0))
    arrival = sum((fill.reference_price * fill.trade.quantity_base for fill in fills), Decimal(0))
    return Traded(
        plans=len({fill.plan_id for fill in fills}),
        fills=len(fills),
        quantity_base=quantity,
        average_price=worth / quantity,
        fees=_fees(fills),
        arrival_bps=worse_bps(fills[0].trade.side, worth, arrival),
    )


def _fees(fills: Sequence[ApprovedFill]) -> Mapping[str, Decimal]:
    fees: dict[str, Decimal] = {}
    for fill in fills:
        fees[fill.trade.fee_asset] = fees.get(fill.trade.fee_asset, Decimal(0)) + fill.trade.fee
    return fees


def worse_bps(side: OrderSide, got: Decimal, expected: Decimal) -> Decimal:
    """How much worse than expected, in hundredths of a percent of what was expected; negative when better."""
    return side.sign * (got - expected) / expected * BPS
