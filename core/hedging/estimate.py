"""The LP side while the chain cannot be read: the liquidity last confirmed, valued at another price. Pure."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from core.amm.prices import sqrt_from_price
from core.facts import LpPosition, RangeSide
from core.hedging.exposure import amounts_at_sqrt, pair_order
from core.hedging.lifecycle import LpView, PositionView
from core.hedging.states import LpState


def estimated_at(confirmed: LpView, price: Decimal) -> LpView:
    """`confirmed` as it would be at `price` (QUOTE per BASE, above zero), if nobody touched its liquidity since.

    Fees, parked principal, wallet and departed BASE stay as they were; block and times are those of the confirmed read.
    """
    views = tuple(_view_at(view, price) for view in confirmed.positions)
    state = confirmed.state
    if state in (LpState.IN_RANGE, LpState.OUT_OF_RANGE):
        state = LpState.IN_RANGE if any(view.state is LpState.IN_RANGE for view in views) else LpState.OUT_OF_RANGE
    return replace(
        confirmed, facts=replace(confirmed.facts, price=price), positions=views, state=state, changes=(), estimated=True
    )


def _view_at(view: PositionView, price: Decimal) -> PositionView:
    position = _position_at(view.position, price)
    state = view.state
    if state in (LpState.IN_RANGE, LpState.OUT_OF_RANGE):
        state = LpState.IN_RANGE if position.side is RangeSide.IN else LpState.OUT_OF_RANGE
    return replace(
        view,
        position=position,
        state=state,
        base=view.base - view.position.base + position.base,
        quote=view.quote - view.position.quote + position.quote,
    )


def _position_at(position: LpPosition, price: Decimal) -> LpPosition:
    sqrt_price_x96 = sqrt_from_price(price, pair_order(position))
    base, quote = amounts_at_sqrt(position, position.liquidity, sqrt_price_x96)
    side = RangeSide.BELOW if price < position.price_lower else RangeSide.IN
    if price >= position.price_upper:
        side = RangeSide.ABOVE
    return replace(position, sqrt_price_x96=sqrt_price_x96, price=price, base=base, quote=quote, side=side)
