"""What an earlier process left resting, taken back before this one can read what became of it."""

from __future__ import annotations

import structlog

from core.errors import Refused, Transient
from core.facts import TimeInForce
from core.ports import Journal, JournalOrder, OrderState, PerpVenue

log = structlog.get_logger(__name__)


async def take_back_unread(venue: PerpVenue, journal: Journal, symbol: str) -> bool:
    """Cancel every quote that the journal does not know to be over; False when one may rest still.

    The journal is left as it is: how they ended, and what they filled, is found out once the venue can be read.
    """
    unsettled = await journal.unsettled_orders(symbol)
    quotes = [each for each in unsettled if each.request.time_in_force is TimeInForce.GTX]
    return all([await _is_taken_back(venue, order) for order in quotes])


async def _is_taken_back(venue: PerpVenue, order: JournalOrder) -> bool:
    """One that was never seen open may still be on its way while the venue has none."""
    request = order.request
    try:
        return await venue.cancel_unread(request.symbol, request.client_order_id) or order.state is OrderState.OPEN
    except (Transient, Refused) as error:
        log.warning("what rests could not be taken back", order=request.client_order_id, error=str(error))
        return False
