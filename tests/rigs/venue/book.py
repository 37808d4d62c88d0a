"""A ladder of asks and bids around one price, and how an order walks it."""

from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

Level = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class Depth:
    """The shape of a generated ladder: half spread and gaps in basis points of the price, sizes in QUOTE."""

    half_spread_bps: Decimal = Decimal(1)
    gap_bps: Decimal = Decimal(1)
    level_quote: Decimal = Decimal(50_000)
    levels: int = 40


@dataclass
class Book:
    """Best levels first. A generated ladder refills after every order; one set by hand is used up."""

    tick: Decimal
    step: Decimal
    depth: Depth = field(default_factory=Depth)
    price: Decimal = Decimal(0)
    bids: list[Level] = field(default_factory=list)
    asks: list[Level] = field(default_factory=list)
    by_hand: bool = False
    update_id: int = 1000

    def centre_on(self, price: Decimal) -> None:
        self.price, self.by_hand = price, False
        self._refill()

    def set_levels(self, bids: list[Level], asks: list[Level]) -> None:
        self.bids, self.asks, self.by_hand = list(bids), list(asks), True
        self.update_id += 1

    def opposite(self, side: str) -> list[Level]:
        return self.asks if side == "BUY" else self.bids

    def would_take(self, side: str, limit: Decimal) -> bool:
        levels = self.opposite(side)
        return bool(levels) and _reaches(side, limit, levels[0][0])

    def available(self, side: str, limit: Decimal | None) -> Decimal:
        return sum((size for price, size in self.opposite(side) if _reaches(side, limit, price)), Decimal(0))

    def take(self, side: str, quantity: Decimal, limit: Decimal | None) -> list[Level]:
        """Fill up to `quantity` from the best level on, none beyond `limit`; returns (price, quantity) pieces."""
        levels, pieces, left = self.opposite(side), [], quantity
        while levels and left > 0 and _reaches(side, limit, levels[0][0]):
            price, size = levels[0]
            taken = min(size, left)
            pieces.append((price, taken))
            left -= taken
            if taken == size:
                levels.pop(0)
            else:
                levels[0] = (price, size - taken)
        self.update_id += 1
        if not self.by_hand:
            self._refill()
        return pieces

    def _refill(self) -> None:
        self.bids = [self._level(-1, index) for index in range(self.depth.levels)]
        self.asks = [self._level(1, index) for index in range(self.depth.levels)]
        self.update_id += 1

    def _level(self, sign: int, index: int) -> Level:
        away_bps = self.depth.half_spread_bps + self.depth.gap_bps * index
        raw = self.price * (1 + sign * away_bps / Decimal(10_000))
        ticks = (raw / self.tick).to_integral_value(ROUND_CEILING if sign > 0 else ROUND_FLOOR)
        price = (ticks + sign * index) * self.tick
        size = (self.depth.level_quote / price / self.step).to_integral_value(ROUND_FLOOR) * self.step
        return price, max(size, self.step)


def _reaches(side: str, limit: Decimal | None, price: Decimal) -> bool:
    if limit is None:
        return True
    return price <= limit if side == "BUY" else price >= limit
