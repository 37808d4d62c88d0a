"""The exchange behind the rig's HTTP face: order book, orders, fills, account; and the test's hand on all of it.

Every public method takes the lock, so that a test may call it from another thread than the server's.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from tests.rigs.venue import refusals
from tests.rigs.venue.account import ZERO, Account, Leg
from tests.rigs.venue.book import Book, Depth, Level
from tests.rigs.venue.instruments import Instrument, default_instruments
from tests.rigs.venue.ledger import CASH, Ledger
from tests.rigs.venue.orders import Order, OrderRequest, Trade
from tests.rigs.venue.rules import parse_new_order

LIQUIDATION_FEE = Decimal("0.0125")


class Listener(Protocol):
    """Told of everything that the user-data stream would carry, in the order seen on the live exchange."""

    def order_changed(self, order: Order, execution: str, trade: Trade | None) -> None: ...

    def account_changed(self, reason: str, symbol: str, sides: tuple[str, ...]) -> None: ...


@dataclass(frozen=True, slots=True)
class Funding:
    """Funding as premiumIndex tells it; `rate` is a fraction per interval, positive when longs pay."""

    rate: Decimal
    next_ms: int


@dataclass(repr=False, eq=False)
class Exchange:
    """State plus control. Prices are QUOTE per BASE, quantities BASE. `wall_ms`: its time, which may run faster."""

    instruments: dict[str, Instrument] = field(default_factory=default_instruments)
    depth: Depth = field(default_factory=Depth)
    clock_offset_ms: int = 0
    liquidates: bool = False
    wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.books: dict[str, Book] = {}
        self.marks: dict[str, Decimal] = {}
        self.indexes: dict[str, Decimal] = {}
        self.funding: dict[str, Funding] = {}
        self.account = Account(self.instruments, lambda symbol: self.marks[symbol])
        self.orders: dict[int, Order] = {}
        self._open: dict[int, Order] = {}
        self.ledger = Ledger(self.account, self.now_ms, self.next_id)
        self.funding_history: list[tuple[str, Decimal, int, Decimal]] = []
        self.listeners: list[Listener] = []
        self.price_listeners: list[Callable[[str], None]] = []
        self.countdowns: dict[str, int] = {}
        self.permissions: dict[str, bool] = {}
        self._last_id = 8_000_000
        for symbol, instrument in self.instruments.items():
            self.books[symbol] = Book(instrument.tick, instrument.step, self.depth)
            hours_ms = instrument.funding_hours * 3_600_000
            self.funding[symbol] = Funding(Decimal("0.0001"), (self.now_ms() // hours_ms + 1) * hours_ms)
            self.set_price(symbol, instrument.price)

    def now_ms(self) -> int:
        return self.wall_ms() + self.clock_offset_ms

    def next_id(self) -> int:
        with self.lock:
            self._last_id += 1
            return self._last_id

    # -- the test's hand -------------------------------------------------------------------------------------------

    def set_price(
        self, symbol: str, price: Decimal, *, mark: Decimal | None = None, index: Decimal | None = None
    ) -> None:
        """Move the whole market; resting orders that the price passes are filled as makers at their limit."""
        with self.lock:
            self.cancel_overdue()
            self.books[symbol].centre_on(price)
            self._set_marks(symbol, price if mark is None else mark, price if index is None else index)
            for order in self._by_priority(symbol):
                limit = order.request.price
                if limit is not None and (price <= limit if order.request.side == "BUY" else price >= limit):
                    self._fill_resting(order, limit, order.remaining)
            self._liquidate_if_due(symbol)
            for tell in self.price_listeners:
                tell(symbol)

    def set_book(
        self,
        symbol: str,
        bids: list[Level],
        asks: list[Level],
        *,
        mark: Decimal | None = None,
        index: Decimal | None = None,
    ) -> None:
        """Levels by hand, best first; they are used up and come back only with set_price. Marks stay unless given.

        Resting orders that they reach are filled as makers at their limit, as far as the levels go.
        """
        with self.lock:
            self.cancel_overdue()
            book = self.books[symbol]
            book.set_levels(bids, asks)
            self._set_marks(symbol, mark or self.marks[symbol], index or mark or self.indexes[symbol])
            for order in self._by_priority(symbol):
                limit = order.request.price
                if limit is not None and (reached := book.available(order.request.side, limit)):
                    filled = self._fill_resting(order, limit, min(reached, order.remaining))
                    book.take(order.request.side, filled, limit)
            self._liquidate_if_due(symbol)
            for tell in self.price_listeners:
                tell(symbol)

    def set_balance(self, wallet: Decimal) -> None:
        with self.lock:
            self.account.wallet = wallet

    def set_hedge_mode(self, dual: bool) -> None:
        with self.lock:
            self.account.dual = dual

    def set_funding(self, symbol: str, rate: Decimal, next_ms: int | None = None) -> None:
        with self.lock:
            self.funding[symbol] = Funding(rate, self.funding[symbol].next_ms if next_ms is None else next_ms)

    def set_position(self, symbol: str, amount: Decimal, *, side: str = "BOTH", client_id: str = "web_me") -> None:
        """A stranger's manual trade (with its order and trade rows) that brings the leg to the signed `amount`."""
        with self.lock:
            difference = amount - self.account.leg(symbol, side).amount
            if difference:
                pieces = [(self.marks[symbol], abs(difference))]
                self._outside_trade(symbol, difference, side, pieces, client_id)

    def plant_position(self, symbol: str, amount: Decimal, entry: Decimal, *, side: str = "BOTH") -> None:
        """A position older than any history: no order, no trade."""
        with self.lock:
            self.account.legs[symbol, side] = Leg(symbol, side, amount, entry, self.now_ms())

    def liquidate(self, symbol: str, *, client_id: str = "autoclose-1755000000000000000") -> None:
        """Cancel the symbol's orders and close it through the book, what that does not hold at its last level.

        The fund takes its fee of what is left, or pays what is missing.
        """
        with self.lock:
            for order in self.open_orders(symbol):
                self._end(order, "CANCELED")
            legs = list(self.account.open_legs(symbol))
            value = ZERO
            for leg in legs:
                pieces = self._forced(symbol, -leg.amount)
                value += sum((price * quantity for price, quantity in pieces), ZERO)
                self._outside_trade(symbol, -leg.amount, leg.side, pieces, client_id)
            left = self.account.wallet + self.account.unrealised()
            if cleared := min((value * LIQUIDATION_FEE).quantize(CASH), left):
                self.ledger.book_cash("INSURANCE_CLEAR", symbol, -cleared)
                self._tell_account("INSURANCE_CLEAR", symbol, tuple(leg.side for leg in legs))

    def deleverage(self, symbol: str, quantity: Decimal, *, side: str = "BOTH") -> None:
        """ADL: the exchange closes `quantity` (positive) of the leg at the mark."""
        with self.lock:
            amount = self.account.leg(symbol, side).amount
            signed = -quantity if amount > 0 else quantity
            self._outside_trade(symbol, signed, side, [(self.marks[symbol], quantity)], "adl_autoclose")

    def pay_funding(self, symbol: str) -> None:
        """Settle the current rate: longs pay a positive one, shorts are paid it."""
        with self.lock:
            rate, mark = self.funding[symbol].rate, self.marks[symbol]
            self.funding_history.append((symbol, rate, self.now_ms(), mark))
            for leg in list(self.account.open_legs(symbol)):
                self.ledger.book_cash("FUNDING_FEE", symbol, -leg.amount * mark * rate)
                self._tell_account("FUNDING_FEE", symbol, (leg.side,))

    # -- the judge's books -----------------------------------------------------------------------------------------

    def position(self, symbol: str, side: str = "BOTH") -> Decimal:
        with self.lock:
            return self.account.leg(symbol, side).amount

    def net_position(self, symbol: str) -> Decimal:
        with self.lock:
            return sum((leg.amount for leg in self.account.open_legs(symbol)), ZERO)

    def executed_by_client_id(self) -> dict[str, Decimal]:
        """Executed BASE (unsigned) of every client id, summed over all orders that ever carried it."""
        with self.lock:
            totals: dict[str, Decimal] = {}
            for order in self.orders.values():
                client_id = order.request.client_id
                totals[client_id] = totals.get(client_id, ZERO) + order.executed
            return totals

    def orders_by_client_id(self, client_id: str) -> list[Order]:
        """Every order that ever carried the id: more than one is an order sent twice."""
        with self.lock:
            return [order for order in self.orders.values() if order.request.client_id == client_id]

    def open_orders(self, symbol: str | None = None) -> list[Order]:
        with self.lock:
            for order in [order for order in self._open.values() if not order.open]:
                del self._open[order.id]
            return [order for order in self._open.values() if symbol in (None, order.request.symbol)]

    # -- what the API does -----------------------------------------------------------------------------------------

    def submit(self, params: Mapping[str, str]) -> Order:
        """Validate and execute a new order; a refusal leaves nothing behind."""
        with self.lock:
            request = parse_new_order(
                params,
                self.instruments,
                self.marks.get(params.get("symbol", "")),
                dual=self.account.dual,
                fallback_id=f"auto{self.next_id()}",
            )
            self._check_account(request)
            self._check_book(request)
            now = self.now_ms()
            order = Order(self.next_id(), request, now, now)
            self.orders[order.id] = self._open[order.id] = order
            self._tell_order(order, "NEW", None)
            self._match(order)
            self._liquidate_if_due(request.symbol)
            return order

    def cancel(self, order: Order) -> Order:
        with self.lock:
            if not order.open:
                raise refusals.refuse(-2011)
            self._end(order, "CANCELED")
            return order

    def find(self, symbol: str, order_id: str | None, client_id: str | None) -> Order | None:
        """Latest match; like the live exchange, orders that ended unfilled are still found (here for ever)."""
        with self.lock:
            for order in reversed(self.orders.values()):
                wanted = str(order.id) == order_id if order_id else order.request.client_id == client_id
                if wanted and order.request.symbol == symbol:
                    return order
            return None

    def open_order_margin(self) -> Decimal:
        """What the open orders bind beyond the positions."""
        with self.lock:
            return self._margin_with(None) - self.account.total_initial_margin()

    def cancel_overdue(self) -> None:
        """Carry out every dead-man countdown that has run out."""
        with self.lock:
            for symbol, due_ms in list(self.countdowns.items()):
                if self.now_ms() >= due_ms:
                    del self.countdowns[symbol]
                    for order in self.open_orders(symbol):
                        self._end(order, "CANCELED")

    # -- inside ----------------------------------------------------------------------------------------------------

    def _check_account(self, request: OrderRequest) -> None:
        if any(order.request.client_id == request.client_id for order in self.open_orders()):
            raise refusals.refuse(-4116)
        leg = self.account.leg(request.symbol, request.position_side)
        if request.closes:
            resting = (
                order.remaining
                for order in self.open_orders(request.symbol)
                if order.request.closes and order.request.position_side == request.position_side
            )
            closable = -leg.amount * request.sign - sum(resting, ZERO)
            if request.quantity > closable:
                raise refusals.refuse(-2022)
            return
        if not self.account.can_trade:
            raise refusals.refuse(-4087)
        more = self._margin_with(request) - self._margin_with(None)
        if more > 0 and more > self.account.available(self.open_order_margin()):
            raise refusals.refuse(-2019)
        notional = abs(leg.amount + request.sign * request.quantity) * self.marks[request.symbol]
        if notional > self.max_notional(request.symbol):
            raise refusals.refuse(-2027)

    def max_notional(self, symbol: str) -> int:
        leverage = self.account.leverage_of(symbol)
        return max(tier.cap for tier in self.instruments[symbol].brackets if tier.max_leverage >= leverage)

    def _check_book(self, request: OrderRequest) -> None:
        book, instrument = self.books[request.symbol], self.instruments[request.symbol]
        if request.kind == "MARKET":
            levels, mark = book.opposite(request.side), self.marks[request.symbol]
            low, high = mark * instrument.multiplier_down, mark * instrument.multiplier_up
            if not levels or not low <= levels[0][0] <= high:
                raise refusals.refuse(-4131)
            return
        assert request.price is not None
        if request.time_in_force == "GTX" and book.would_take(request.side, request.price):
            raise refusals.refuse(-5022)
        if request.time_in_force == "FOK" and book.available(request.side, request.price) < request.quantity:
            raise refusals.refuse(-5021)

    def _match(self, order: Order) -> None:
        request = order.request
        pieces = self.books[request.symbol].take(request.side, request.quantity, request.price)
        self._fill(order, pieces, maker=False)
        rests = request.kind == "LIMIT" and request.time_in_force in {"GTC", "GTX"}
        if order.open and not rests:
            self._end(order, "EXPIRED")

    def _fill(self, order: Order, pieces: list[Level], *, maker: bool) -> None:
        for price, quantity in pieces:
            trade = self.ledger.book_trade(order, price, quantity, maker=maker)
            order.executed += quantity
            order.quote += price * quantity
            order.updated_ms = trade.time_ms
            order.status = "PARTIALLY_FILLED" if order.remaining else "FILLED"
            order.trades.append(trade)
            self._tell_account("ORDER", order.request.symbol, (order.request.position_side,))
            self._tell_order(order, "TRADE", trade)

    def _forced(self, symbol: str, signed: Decimal) -> list[Level]:
        book, side = self.books[symbol], "BUY" if signed > 0 else "SELL"
        last = book.opposite(side)[-1][0] if book.opposite(side) else self.marks[symbol]
        pieces = book.take(side, abs(signed), None)
        left = abs(signed) - sum((quantity for _, quantity in pieces), ZERO)
        return [*pieces, (last, left)] if left else pieces

    def _outside_trade(self, symbol: str, signed: Decimal, side: str, pieces: list[Level], client_id: str) -> None:
        request = OrderRequest(
            symbol=symbol,
            side="BUY" if signed > 0 else "SELL",
            position_side=side,
            kind="MARKET",
            time_in_force="GTC",
            quantity=abs(signed),
            price=None,
            reduce_only=False,
            client_id=client_id,
            response="ACK",
        )
        now = self.now_ms()
        order = Order(self.next_id(), request, now, now)
        self.orders[order.id] = order
        self._tell_order(order, "NEW", None)
        self._fill(order, pieces, maker=False)

    def _margin_with(self, extra: OrderRequest | None) -> Decimal:
        """Initial margin at the marks, each leg as large as its buys or its sells alone could make it."""
        waiting = [(order.request, order.remaining) for order in self.open_orders()]
        if extra is not None:
            waiting.append((extra, extra.quantity))
        opening = [(request, quantity) for request, quantity in waiting if not request.closes]
        names = {(request.symbol, request.position_side) for request, _ in opening}
        names |= {(leg.symbol, leg.side) for leg in self.account.open_legs()}
        total = ZERO
        for name in names:
            mine = [
                (request.sign, size) for request, size in opening if (request.symbol, request.position_side) == name
            ]
            bought = sum((size for sign, size in mine if sign > 0), ZERO)
            sold = sum((size for sign, size in mine if sign < 0), ZERO)
            amount = self.account.leg(*name).amount
            reach = max(abs(amount + bought), abs(amount - sold))
            total += reach * self.marks[name[0]] / self.account.leverage_of(name[0])
        return total

    def _set_marks(self, symbol: str, mark: Decimal, index: Decimal) -> None:
        self.marks[symbol], self.indexes[symbol] = mark, index

    def _by_priority(self, symbol: str) -> list[Order]:
        """Open orders, the better priced and then the older first."""
        return sorted(
            self.open_orders(symbol), key=lambda order: (-order.request.sign * (order.request.price or ZERO), order.id)
        )

    def _fill_resting(self, order: Order, limit: Decimal, quantity: Decimal) -> Decimal:
        """Fill so much as maker and return it; what a reduce-only order finds nothing left to reduce for expires."""
        wanted = quantity
        if order.request.closes:
            leg = self.account.leg(order.request.symbol, order.request.position_side)
            quantity = min(quantity, max(-leg.amount * order.request.sign, ZERO))
        if quantity:
            self._fill(order, [(limit, quantity)], maker=True)
        if quantity < wanted:
            self._end(order, "EXPIRED")
        return quantity

    def _liquidate_if_due(self, symbol: str) -> None:
        equity = self.account.wallet + self.account.unrealised()
        if self.liquidates and equity < self.account.total_maintenance_margin():
            self.liquidate(symbol)

    def _end(self, order: Order, status: str) -> None:
        order.status, order.updated_ms = status, self.now_ms()
        self._tell_order(order, status, None)

    def _tell_order(self, order: Order, execution: str, trade: Trade | None) -> None:
        for listener in self.listeners:
            listener.order_changed(order, execution, trade)

    def _tell_account(self, reason: str, symbol: str, sides: tuple[str, ...]) -> None:
        for listener in self.listeners:
            listener.account_changed(reason, symbol, sides)
