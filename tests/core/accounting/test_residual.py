"""What the exposure that was left open brought, and how the hedge's profit is realised and not yet realised."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from core.accounting.attribution import Parts
from core.accounting.books import EXACT
from core.facts import OrderSide
from core.ports import TradeOrigin
from tests.core.accounting.purse import Purse, hedged

ZERO = Decimal(0)
# What a venue's rounding of one realised profit may hide.
VENUE_UNIT = Decimal("1e-8")
prices = st.decimals("1500", "2700", places=4)
trades = st.tuples(st.sampled_from(OrderSide), st.decimals("0.001", "30", places=3), prices, prices)
steps = st.lists(st.tuples(prices, prices, st.lists(trades, max_size=3)), min_size=1, max_size=8)


def total(purse: Purse) -> Parts:
    statement = purse.statement()
    assert statement is not None
    return statement.total


@dataclass
class Venue:
    """Books a position at its average cost, as an exchange does; knows nothing of readings."""

    base: Fraction = Fraction(0)
    entry: Fraction = Fraction(0)

    def trade(self, side: OrderSide, quantity: Decimal, price: Decimal) -> Decimal:
        """What it realised, rounded as the exchange rounds."""
        added, at = side.sign * Fraction(quantity), Fraction(price)
        same = self.base * added >= 0
        closed = Fraction(0) if same else min(abs(added), abs(self.base))
        realised = closed * (at - self.entry) * (1 if self.base > 0 else -1)
        after = self.base + added
        if same:
            self.entry = (self.base * self.entry + added * at) / after
        elif abs(added) > abs(self.base):
            self.entry = at
        self.base = after
        return Decimal(round(realised * 10**8)) / 10**8

    def unrealised(self, mark: Decimal) -> Fraction:
        return self.base * (Fraction(mark) - self.entry)


def test_an_open_exposure_times_the_move() -> None:
    """Hedged but for 3 BASE, the price 100 up: 300, though LP and hedge moved by thousands."""
    purse = hedged()
    base, _ = purse.amounts()
    purse.trade(OrderSide.SELL, str(base - 3), "2000")
    purse.read()
    purse.price = purse.mark = Decimal(2100)
    purse.read()
    assert total(purse).residual == 300
    assert total(purse).net == EXACT.add(total(purse).lvr, Decimal(300))


@given(st.booleans(), steps)
@settings(max_examples=60, deadline=None)
def test_it_is_each_steps_residual_times_its_move(base_is_token0: bool, path: list[tuple]) -> None:  # type: ignore[type-arg]
    """With one price for pool and mark, and what was traded in between from its arrival to the step's end, exactly."""
    purse = hedged(base_is_token0=base_is_token0)
    wanted = ZERO
    for price, arrival, traded in path:
        base, _ = purse.amounts()
        open_base = EXACT.add(EXACT.add(base, purse.fee_base), EXACT.add(purse.beside_base, purse.perp_base))
        wanted = EXACT.add(wanted, EXACT.multiply(open_base, price - purse.price))
        for side, quantity, filled_at, _ in traded:
            purse.trade(side, str(quantity), str(filled_at), arrival=str(arrival))
            wanted = EXACT.add(wanted, side.sign * quantity * (price - arrival))
        purse.price = purse.mark = price
        purse.fee_base += Decimal("0.125")
        purse.beside_base = Decimal("1.5")
        purse.read()
    assert total(purse).residual == wanted


@given(steps, st.lists(trades, max_size=3))
@settings(max_examples=60, deadline=None)
def test_unrealised_is_the_position_against_its_entry(path: list[tuple], earlier: list[tuple]) -> None:  # type: ignore[type-arg]
    """At the end less at the start, a position carried in too; realised and unrealised are hedge and slippage."""
    purse, venue = hedged(), Venue()

    def happen(mark: Decimal, traded: list[tuple]) -> None:  # type: ignore[type-arg]
        for side, quantity, filled_at, arrival in traded:
            realised = venue.trade(side, quantity, filled_at)
            purse.trade(side, str(quantity), str(filled_at), arrival=str(arrival), realised=realised)
        purse.mark = mark
        purse.read()

    happen(Decimal(2000), earlier)
    purse.snapshots = purse.snapshots[-1:]
    before = venue.unrealised(Decimal(2000))
    for _, mark, traded in path:
        happen(mark, traded)
    parts = total(purse)
    assert parts.unrealised is not None
    assert EXACT.add(parts.realised, parts.unrealised) == EXACT.add(parts.hedge, parts.slippage)
    off = Fraction(parts.unrealised) - (venue.unrealised(purse.mark) - before)
    assert abs(off) <= Fraction(VENUE_UNIT) * max(1, len(purse.fills))


def test_what_others_traded_leaves_the_unrealised_unknown() -> None:
    """One entry price for their trades and ours: the sum stays exact, the halves cannot be told."""
    for happen in ("manual", "moved"):
        purse = hedged()
        purse.trade(OrderSide.SELL, "2", "2000")
        purse.read()
        if happen == "manual":
            purse.trade(OrderSide.BUY, "1", "1990", origin=TradeOrigin.FOREIGN)
        else:
            purse.perp_base += 1
        purse.read()
        assert total(purse).unrealised is None
        assert total(purse).hedge == 0


def test_rounding_of_a_replay_is_no_strange_position() -> None:
    """Machine numbers leave a little of nothing, which hides no half."""
    parts = Parts(hedge=Decimal(5), slippage=Decimal(-1), realised=Decimal(3), moved=Decimal("-2.5e-10"))
    assert parts.unrealised == 1
