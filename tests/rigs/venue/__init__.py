"""A Binance USD-M futures exchange on loopback, strict in its rules, with every documented fault to order.

    async with VenueServer() as venue:            # or `with VenueThread() as venue:` from synchronous code
        venue.exchange.set_price("ETHUSDT", Decimal(2100))
        venue.faults.add(PLACE, drop().after())   # executed, answer lost
        venue.exchange.executed_by_client_id()    # the judge's books

It shares no code with the program under test.
"""

from tests.rigs.venue.book import Depth
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.faults import (
    ANY,
    CANCEL,
    DEPTH,
    OPEN_ORDERS,
    PLACE,
    POSITION,
    PREMIUM,
    QUERY,
    TRADES,
    Fault,
    Stage,
)
from tests.rigs.venue.gate import Credentials
from tests.rigs.venue.server import Exchanged, VenueServer, VenueThread

__all__ = [
    "ANY",
    "CANCEL",
    "DEPTH",
    "OPEN_ORDERS",
    "PLACE",
    "POSITION",
    "PREMIUM",
    "QUERY",
    "TRADES",
    "Credentials",
    "Depth",
    "Exchange",
    "Exchanged",
    "Fault",
    "Stage",
    "VenueServer",
    "VenueThread",
]
