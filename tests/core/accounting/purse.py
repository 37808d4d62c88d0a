"""A purse that an accountant is to explain: LP positions, a perpetual and cash, moved by hand one event at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal, localcontext

from core.account_ports import HeldLiquidity, Income, Snapshot
from core.accounting.attribution import Assets
from core.accounting.books import EXACT
from core.accounting.statement import Records, Statement, statement_of
from core.facts import OrderSide, PositionSide, Trade
from core.hedging.exposure import amounts_at_price
from core.ports import BookedFill, TradeOrigin
from tests.hedging.positions import LIQUIDITY, NOW, position

SYMBOL = "BASEUSDT"
ASSETS = Assets("BASE", "USDT")
ZERO = Decimal(0)


@dataclass
class Purse:
    """`cash`: what the perpetual's trades, fees and funding moved. `paid_in`, `paid_out`: principal and fees."""

    base_is_token0: bool = True
    price: Decimal = Decimal(2000)
    mark: Decimal = Decimal(2000)
    held: tuple[HeldLiquidity, ...] = ()
    fee_base: Decimal = ZERO
    fee_quote: Decimal = ZERO
    perp_base: Decimal = ZERO
    beside_base: Decimal = ZERO
    cash: Decimal = ZERO
    at: datetime = NOW
    snapshots: list[Snapshot] = field(default_factory=list)
    fills: list[BookedFill] = field(default_factory=list)
    income: list[Income] = field(default_factory=list)

    def mint(self, position_id: int = 1, liquidity: int = LIQUIDITY) -> None:
        read = position(position_id, base_is_token0=self.base_is_token0)
        kept = tuple(each for each in self.held if each.position_id != position_id)
        before = next((each.liquidity for each in self.held if each.position_id == position_id), 0)
        ticks = (read.tick_lower, read.tick_upper)
        minted = HeldLiquidity(position_id, self.base_is_token0, 18, 6, *ticks, before + liquidity, ZERO, ZERO)
        self.held = (*kept, minted)

    def burn(self, index: int, *, parks: bool) -> None:
        """Half of a position's liquidity, paid out or left in `tokensOwed`."""
        each = self.held[index % len(self.held)]
        left = each.liquidity // 2
        base, quote = amounts_at_price(each, each.liquidity - left, self.price) if parks else (ZERO, ZERO)
        parked = replace(
            each, liquidity=left, parked_base=each.parked_base + base, parked_quote=each.parked_quote + quote
        )
        self.held = tuple(parked if other is each else other for other in self.held)

    def amounts(self) -> tuple[Decimal, Decimal]:
        """Principal in BASE and QUOTE."""
        base = quote = ZERO
        for each in self.held:
            its_base, its_quote = amounts_at_price(each, each.liquidity, self.price)
            base, quote = base + its_base + each.parked_base, quote + its_quote + each.parked_quote
        return base, quote

    def trade(
        self,
        side: OrderSide,
        quantity: str,
        price: str,
        *,
        origin: TradeOrigin = TradeOrigin.OURS,
        fee: str = "0",
        fee_asset: str = "USDT",
        arrival: str | None = None,
        late_s: float = 0.0,
        realised: Decimal = ZERO,
    ) -> None:
        number = len(self.fills) + 1
        trade = Trade(
            SYMBOL, number, number, side, PositionSide.BOTH, Decimal(price), Decimal(quantity), Decimal(fee), fee_asset,
            realised, False, self.at + timedelta(seconds=late_s),
        )  # fmt: skip
        arrival_price = None if origin is TradeOrigin.FOREIGN else Decimal(arrival or price)
        self.fills.append(BookedFill("eth", origin, trade, arrival_price))
        worth = {"USDT": Decimal(1), "BASE": Decimal(price)}.get(fee_asset, ZERO)
        with localcontext(EXACT):
            self.perp_base += side.sign * trade.quantity_base
            self.cash -= side.sign * trade.quantity_base * trade.price + trade.fee * worth

    def pay(self, kind: str, amount: str, asset: str = "USDT") -> None:
        self.income.append(Income(kind, len(self.income) + 1, SYMBOL, Decimal(amount), asset, self.at))
        with localcontext(EXACT):
            self.cash += Decimal(amount) if asset == "USDT" else ZERO

    def read(self, seconds_s: float = 60.0) -> None:
        """A snapshot now; what follows comes later."""
        base, quote = self.amounts()
        self.snapshots.append(
            Snapshot(
                hedge="eth",
                at=self.at,
                price=self.price,
                perp_base=self.perp_base,
                mark_price=self.mark,
                lp_base=base,
                lp_quote=quote,
                fee_base=self.fee_base,
                fee_quote=self.fee_quote,
                symbol=SYMBOL,
                held=self.held,
                figures={"beside_base": self.beside_base},
            )
        )
        self.at += timedelta(seconds=seconds_s)

    def wealth(self) -> Decimal:
        """Everything at this moment's prices."""
        base, quote = self.amounts()
        with localcontext(EXACT):
            lp = (base + self.fee_base + self.beside_base) * self.price + quote + self.fee_quote
            return lp + self.perp_base * self.mark + self.cash

    def statement(self) -> Statement | None:
        records = Records(self.snapshots, self.fills, self.income)
        return statement_of("eth", records, ASSETS, timedelta(minutes=10))


def hedged(price: str = "2000", *, base_is_token0: bool = True) -> Purse:
    """R, the reference position of the theory, read once."""
    purse = Purse(base_is_token0, Decimal(price), Decimal(price))
    purse.mint()
    purse.read()
    return purse
