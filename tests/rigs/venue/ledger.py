"""What was traded and what was paid: trades, income rows, and the wallet that they move."""

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from tests.rigs.venue.account import Account
from tests.rigs.venue.orders import Order, Trade

TAKER = Decimal("0.0005")
MAKER = Decimal("0.0002")
CASH = Decimal("1e-8")


@dataclass(frozen=True, slots=True)
class Income:
    """One row of the income history; `amount` is signed in QUOTE."""

    id: int
    kind: str
    symbol: str
    amount: Decimal
    time_ms: int
    trade_id: int | None


@dataclass(repr=False, eq=False)
class Ledger:
    account: Account
    now_ms: Callable[[], int]
    next_id: Callable[[], int]
    taker: Decimal = TAKER
    maker: Decimal = MAKER
    trades: list[Trade] = field(default_factory=list)
    income: list[Income] = field(default_factory=list)

    def book_trade(self, order: Order, price: Decimal, quantity: Decimal, *, maker: bool) -> Trade:
        request = order.request
        leg = self.account.leg(request.symbol, request.position_side)
        realised = leg.apply(request.sign * quantity, price).quantize(CASH)
        commission = (price * quantity * (self.maker if maker else self.taker)).quantize(CASH)
        leg.updated_ms = self.now_ms()
        trade = Trade(
            id=self.next_id(),
            order_id=order.id,
            symbol=request.symbol,
            side=request.side,
            position_side=request.position_side,
            price=price,
            quantity=quantity,
            realised=realised,
            commission=commission,
            maker=maker,
            time_ms=leg.updated_ms,
        )
        self.trades.append(trade)
        self.book_cash("COMMISSION", request.symbol, -commission, trade.id)
        if realised:
            self.book_cash("REALIZED_PNL", request.symbol, realised, trade.id)
        return trade

    def book_cash(self, kind: str, symbol: str, amount: Decimal, trade_id: int | None = None) -> None:
        """Move the wallet by the signed `amount` and say why."""
        cash = amount.quantize(CASH)
        self.account.wallet += cash
        self.income.append(Income(self.next_id(), kind, symbol, cash, self.now_ms(), trade_id))
