"""Mark and funding of the paper account: what falls due when, and how it is booked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from core.exchange.paper_account import FUNDING_INTERVAL, PaperPosition, PaperState
from core.exchange.paper_margin import rounded_quote
from core.facts import Market

ZERO = Decimal(0)
# Funding times carry stray milliseconds; a schedule that moved by less than this has not moved on.
_SCHEDULE_MOVED = timedelta(minutes=30)
_LONGEST_INTERVAL = FUNDING_INTERVAL + _SCHEDULE_MOVED


def marked(state: PaperState, market: Market, asset: str, at: datetime) -> PaperState:
    """Take over mark and funding schedule at the time `at`, paying in `asset` what fell due since the market last seen.

    Each payment is booked once, under the hour at which it was due, at the rate last announced before it and on the
    first mark seen after it: what lies between was seen by nobody.
    """
    known = state.positions.get(market.symbol)
    if known is None:
        known = PaperPosition(ZERO, ZERO, market.mark_price, market.funding_rate, market.next_funding_time)
    due = _due(known, market.next_funding_time, at)
    received = rounded_quote(-known.size_base * market.mark_price * known.funding_rate)
    for hour in due if received else ():
        state = state.with_funding(market.symbol, received, asset, hour)
    return state.with_position(market.symbol, _seen(known, market, due, at))


def _due(known: PaperPosition, announced: datetime, at: datetime) -> tuple[datetime, ...]:
    """The first is proven by the clock or by a schedule that has moved on, those behind it by the clock."""
    hour = known.next_funding_time
    if hour > at and announced - hour < _SCHEDULE_MOVED:
        return ()
    hours = [hour]
    while (hour := hour + known.funding_interval) <= at and announced - hour >= _SCHEDULE_MOVED:
        hours.append(hour)
    return tuple(hours)


def _seen(known: PaperPosition, market: Market, due: tuple[datetime, ...], at: datetime) -> PaperPosition:
    """The position with this market's terms. A schedule that still names an hour already paid is put forward."""
    announced = market.next_funding_time
    paid = due[-1] if due else known.funded_at
    interval = _interval(known, paid, announced)
    if due and announced - due[-1] < _SCHEDULE_MOVED:
        announced = due[-1] + interval
    elif announced <= at:
        announced = known.next_funding_time
    return replace(
        known,
        mark_price=market.mark_price,
        funding_rate=market.funding_rate,
        next_funding_time=announced,
        funding_interval=interval,
        funded_at=paid,
    )


def _interval(known: PaperPosition, paid: datetime | None, announced: datetime) -> timedelta:
    """From the hour paid last to the one announced, where that is an interval; else as it was."""
    if paid is not None and _SCHEDULE_MOVED <= announced - paid <= _LONGEST_INTERVAL:
        return announced - paid
    return known.funding_interval
