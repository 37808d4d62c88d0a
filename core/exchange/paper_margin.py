"""Margin of a cross-margined one-way account: maintenance brackets and the liquidation price.

A bracket's maintenance margin is `notional * rate - cum`; `cum` makes it continuous where brackets meet.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal

QUOTE_UNIT = Decimal("0.00000001")
_PRICE = Context(prec=16, rounding=ROUND_HALF_EVEN)


def rounded_quote(amount: Decimal) -> Decimal:
    """To 8 decimals, half to even: the unit in which the paper account keeps money."""
    return amount.quantize(QUOTE_UNIT, ROUND_HALF_EVEN)


def rounded_price(price: Decimal) -> Decimal:
    """To 16 significant digits, half to even: a price of a tiny coin keeps as many as a large one's."""
    return _PRICE.plus(price)


@dataclass(frozen=True, slots=True)
class Bracket:
    """Above `floor_quote` of notional this maintenance rate and this deduction apply."""

    floor_quote: Decimal
    rate: Decimal
    cum_quote: Decimal


def brackets(*steps: tuple[int, str]) -> tuple[Bracket, ...]:
    """(notional floor, rate) ascending -> brackets, each `cum` following from continuity at its floor."""
    made: list[Bracket] = []
    for floor, rate_text in steps:
        rate = Decimal(rate_text)
        cum = made[-1].cum_quote + floor * (rate - made[-1].rate) if made else Decimal(0)
        made.append(Bracket(Decimal(floor), rate, cum))
    return tuple(made)


# Binance's public brackets of 2024-10, as far as a paper account of reasonable size can reach.
BRACKETS: Mapping[str, tuple[Bracket, ...]] = {
    "BTCUSDT": brackets(
        (0, "0.004"),
        (50_000, "0.005"),
        (600_000, "0.0065"),
        (3_000_000, "0.01"),
        (12_000_000, "0.02"),
        (70_000_000, "0.025"),
    ),
    "ETHUSDT": brackets(
        (0, "0.004"),
        (50_000, "0.005"),
        (600_000, "0.0065"),
        (3_000_000, "0.01"),
        (12_000_000, "0.02"),
        (50_000_000, "0.025"),
    ),
    "BNBUSDT": brackets(
        (0, "0.005"), (10_000, "0.006"), (50_000, "0.01"), (200_000, "0.02"), (1_500_000, "0.025"), (3_000_000, "0.05")
    ),
}
# For a symbol whose brackets we do not carry: a smaller coin's first bracket, rather too strict than too kind.
OTHER_BRACKETS = brackets((0, "0.02"), (1_000_000, "0.05"))


def bracket_of(table: Sequence[Bracket], notional_quote: Decimal) -> Bracket:
    """The bracket a notional (not negative) falls into; a floor itself is still the bracket's below, as at Binance."""
    return [bracket for bracket in table if bracket.floor_quote < notional_quote or not bracket.floor_quote][-1]


def maintenance_margin(table: Sequence[Bracket], notional_quote: Decimal) -> Decimal:
    """What must stay behind a position of this notional (not negative), in QUOTE, rounded to its unit."""
    bracket = bracket_of(table, notional_quote)
    return rounded_quote(notional_quote * bracket.rate - bracket.cum_quote)


def liquidation_price(
    size_base: Decimal, cost_quote: Decimal, backing_quote: Decimal, table: Sequence[Bracket]
) -> Decimal | None:
    """The mark at which margin balance and maintenance margin meet, to 16 digits; None when there is none.

    `size_base` and `cost_quote` (size times entry) are negative when short. `backing_quote` is the wallet plus the
    unrealised profit and less the maintenance margin of the account's other symbols. Solving
    `backing + size*p - cost = |size|*p*rate - cum` for p gives, for a short, Binance's
    `(WB + q*EP + cum) / (q * (1 + MMR))`. The bracket must be the one in which the answer's own notional falls.
    """
    if not size_base:
        return None
    for bracket in reversed(table):
        slope = abs(size_base) * bracket.rate - size_base
        price = (backing_quote - cost_quote + bracket.cum_quote) / slope
        if abs(size_base) * price >= bracket.floor_quote:
            return rounded_price(price) if price > 0 else None
    return None
