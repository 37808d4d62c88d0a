"""One futures account: legs, wallet, margin. Position amounts are signed (short is negative); money is QUOTE."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from tests.rigs.venue.instruments import Instrument

ZERO = Decimal(0)


@dataclass
class Leg:
    """One row of positionRisk; `amount` is signed in BASE."""

    symbol: str
    side: str
    amount: Decimal = ZERO
    entry: Decimal = ZERO
    updated_ms: int = 0

    def apply(self, signed_quantity: Decimal, price: Decimal) -> Decimal:
        """Book a fill and return the profit it realised, before fees."""
        before = self.amount
        if before == 0 or (before > 0) == (signed_quantity > 0):
            total = before + signed_quantity
            self.entry = (before * self.entry + signed_quantity * price) / total
            self.amount = total
            return ZERO
        closed = min(abs(before), abs(signed_quantity))
        realised = closed * (price - self.entry) * (1 if before > 0 else -1)
        self.amount = before + signed_quantity
        if self.amount == 0:
            self.entry = ZERO
        elif (self.amount > 0) != (before > 0):
            self.entry = price
        return realised

    def unrealised(self, mark: Decimal) -> Decimal:
        return self.amount * (mark - self.entry)


@dataclass(repr=False, eq=False)
class Account:
    """Cross-margined unless a symbol is set ISOLATED (which changes only what is reported here).

    `set_aside`: what of the wallet isolated positions that are not modelled here have to themselves.
    """

    instruments: dict[str, Instrument]
    mark: Callable[[str], Decimal]
    wallet: Decimal = Decimal(10_000)
    set_aside: Decimal = ZERO
    dual: bool = False
    multi_assets: bool = False
    can_trade: bool = True
    leverage: dict[str, int] = field(default_factory=dict)
    margin_type: dict[str, str] = field(default_factory=dict)
    legs: dict[tuple[str, str], Leg] = field(default_factory=dict)

    def leg(self, symbol: str, side: str) -> Leg:
        return self.legs.setdefault((symbol, side), Leg(symbol, side))

    def leg_names(self) -> tuple[str, ...]:
        return ("LONG", "SHORT") if self.dual else ("BOTH",)

    def open_legs(self, symbol: str | None = None) -> Iterator[Leg]:
        return (leg for leg in self.legs.values() if leg.amount != 0 and symbol in (None, leg.symbol))

    def leverage_of(self, symbol: str) -> int:
        return self.leverage.get(symbol, 20)

    def initial_margin(self, leg: Leg) -> Decimal:
        return abs(leg.amount) * self.mark(leg.symbol) / self.leverage_of(leg.symbol)

    def maintenance_margin(self, leg: Leg) -> Decimal:
        notional = abs(leg.amount) * self.mark(leg.symbol)
        tier = self.instruments[leg.symbol].bracket_of(notional)
        return notional * tier.rate - tier.cum

    def unrealised(self) -> Decimal:
        return sum((leg.unrealised(self.mark(leg.symbol)) for leg in self.open_legs()), ZERO)

    def total_initial_margin(self) -> Decimal:
        return sum((self.initial_margin(leg) for leg in self.open_legs()), ZERO)

    def total_maintenance_margin(self) -> Decimal:
        return sum((self.maintenance_margin(leg) for leg in self.open_legs()), ZERO)

    def available(self, open_order_margin: Decimal = ZERO) -> Decimal:
        free = self.wallet - self.set_aside + self.unrealised() - self.total_initial_margin() - open_order_margin
        return max(free, ZERO)

    def liquidation_price(self, symbol: str) -> Decimal:
        """Cross-margin liquidation price of the symbol's legs together; 0 when no price above zero liquidates them.

        Binance's published formula: (WB - TMM' + UPNL' + sum(cum) - sum(amount * entry)) divided by
        sum(|amount| * mmr - amount), where the primed figures belong to the account's other symbols. The tiers are
        those at the price itself, so that it is where equity meets maintenance.
        """
        others = [leg for leg in self.open_legs() if leg.symbol != symbol]
        backing = self.wallet + sum((leg.unrealised(self.mark(leg.symbol)) for leg in others), ZERO)
        backing -= sum((self.maintenance_margin(leg) for leg in others), ZERO)
        price = self.mark(symbol)
        for _ in range(2 * len(self.instruments[symbol].brackets)):
            before, price = price, self._liquidation_at(symbol, backing, price)
            if price == before:
                break
        return price

    def _liquidation_at(self, symbol: str, backing: Decimal, priced_at: Decimal) -> Decimal:
        """By the formula, with the tiers of the legs' notional at `priced_at`: its own answer, once it has settled."""
        top, bottom = backing, ZERO
        for leg in self.open_legs(symbol):
            tier = self.instruments[symbol].bracket_of(abs(leg.amount) * priced_at)
            top += tier.cum - leg.amount * leg.entry
            bottom += abs(leg.amount) * tier.rate - leg.amount
        return max(top / bottom, ZERO) if bottom != 0 else ZERO
