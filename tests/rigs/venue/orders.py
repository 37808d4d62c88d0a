"""Order and trade records, as the rig books them."""

from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """A new order that has passed every parameter rule and filter."""

    symbol: str
    side: str
    position_side: str
    kind: str
    time_in_force: str
    quantity: Decimal
    price: Decimal | None
    reduce_only: bool
    client_id: str
    response: str

    @property
    def sign(self) -> int:
        return 1 if self.side == "BUY" else -1

    @property
    def closes(self) -> bool:
        """True for an order that can only shrink its leg: flagged, or the closing side of a hedge-mode leg."""
        return self.reduce_only or (self.position_side, self.side) in {("LONG", "SELL"), ("SHORT", "BUY")}


@dataclass
class Trade:
    """One fill. `commission` is paid (positive) in QUOTE; `realised` is before commission."""

    id: int
    order_id: int
    symbol: str
    side: str
    position_side: str
    price: Decimal
    quantity: Decimal
    realised: Decimal
    commission: Decimal
    maker: bool
    time_ms: int


@dataclass
class Order:
    """The life of one order; `executed` and `quote` grow, `status` is the exchange's own word."""

    id: int
    request: OrderRequest
    created_ms: int
    updated_ms: int
    status: str = "NEW"
    executed: Decimal = Decimal(0)
    quote: Decimal = Decimal(0)
    trades: list[Trade] = field(default_factory=list)

    @property
    def remaining(self) -> Decimal:
        return self.request.quantity - self.executed

    @property
    def open(self) -> bool:
        return self.status in {"NEW", "PARTIALLY_FILLED"}

    @property
    def average(self) -> Decimal:
        return self.quote / self.executed if self.executed else Decimal(0)
