"""What each request costs our address, and whose it is when not all of them can leave.

Weights are those of Binance's own pages for USD-M futures, with a symbol given. `POST /fapi/v1/order` weighs nothing on
the address: orders are counted by themselves, per account.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Purpose(Enum):
    """The part of a minute's weight, in per cent, up to which requests of a kind leave: what is only shown stops
    first, then what a decision needs, and last what tells whether an order exists.
    """

    SHOWN = 60
    DECIDING = 90
    ORDERS = 100


@dataclass(frozen=True, slots=True)
class Cost:
    weight: int
    purpose: Purpose = Purpose.DECIDING


# By what `BinanceClient.read` calls the request.
COSTS: Mapping[str, Cost] = {
    "clock": Cost(1, Purpose.ORDERS),
    "exchange info": Cost(1),
    "mark price": Cost(1),
    "position": Cost(5),
    "account": Cost(5),
    "position mode": Cost(30),
    "multi-assets mode": Cost(30),
    "symbol configuration": Cost(5),
    "commission rate": Cost(20),
    "margin tiers": Cost(1),
    "leverage": Cost(1),
    "margin type": Cost(1),
    "listen key": Cost(1),
    "listen key renewal": Cost(1),
    "key permissions": Cost(1, Purpose.SHOWN),  # of the spot host, which counts by itself
    "income": Cost(30, Purpose.SHOWN),
    "order query": Cost(1, Purpose.ORDERS),
    "open orders": Cost(1, Purpose.ORDERS),
    "trades": Cost(5, Purpose.ORDERS),
    "cancel": Cost(1, Purpose.ORDERS),
    "countdown": Cost(10, Purpose.ORDERS),
    "dead man's switch": Cost(10, Purpose.ORDERS),
}
# As the heaviest known: the exchange's own count corrects it downwards only a minute later.
UNLISTED = Cost(40)
DEPTH_WEIGHTS = ((50, 2), (100, 5), (500, 10), (1000, 20))
KLINES_WEIGHTS = ((99, 1), (499, 2), (1000, 5), (1500, 10))


def cost_of(what: str) -> Cost:
    """`what`: a key of COSTS; any other counts as the heaviest request known."""
    return COSTS.get(what, UNLISTED)


def depth_cost(levels: int) -> Cost:
    """By the number of levels; more than the exchange has cost what its largest book costs."""
    return Cost(_by_size(DEPTH_WEIGHTS, levels))


def klines_cost(candles: int) -> Cost:
    """By the number asked for; more than the exchange gives cost what its longest answer costs."""
    return Cost(_by_size(KLINES_WEIGHTS, candles))


def _by_size(weights: tuple[tuple[int, int], ...], size: int) -> int:
    return next((weight for most, weight in weights if size <= most), weights[-1][1])
