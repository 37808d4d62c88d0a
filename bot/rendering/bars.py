"""Where a price stands in its range, and how much of something is used, drawn in characters."""

from __future__ import annotations

from decimal import Decimal

from bot.rendering.markup import code, esc
from bot.rendering.numbers import amount
from core.status import PositionStatus

BAR_CELLS = 12
FULL_RANGE_RATIO = Decimal(10) ** 12


def range_bar(price: Decimal | None, lower: Decimal, upper: Decimal) -> str:
    """The range as a line with the price as a dot in it, or beside it when it is out; distances as ratios."""
    cells = ["─"] * BAR_CELLS
    if price is None or price <= 0 or not 0 < lower < upper:
        return f"├{''.join(cells)}┤"
    if price < lower:
        return f"● ├{''.join(cells)}┤"
    if price >= upper:
        return f"├{''.join(cells)}┤ ●"
    share = (price / lower).ln() / (upper / lower).ln()
    cells[min(BAR_CELLS - 1, int(share * BAR_CELLS))] = "●"
    return f"├{''.join(cells)}┤"


def fill_bar(part: Decimal, whole: Decimal) -> str:
    """How much of `whole` is used, full when it is or more."""
    filled = min(BAR_CELLS, int(part / whole * BAR_CELLS)) if whole > 0 else 0
    return "▰" * filled + "▱" * (BAR_CELLS - filled)


def range_line(position: PositionStatus, price: Decimal | None) -> str:
    """A full range is named so: its numbers would tell nobody anything."""
    if is_full_range(position):
        return f"{code(range_bar(price, position.price_lower, position.price_upper))} full range"
    bar = code(range_bar(price, position.price_lower, position.price_upper))
    return f"{esc(amount(position.price_lower))} {bar} {esc(amount(position.price_upper))}"


def is_full_range(position: PositionStatus) -> bool:
    """Its edges are so far apart that no price leaves it."""
    return position.price_upper >= position.price_lower * FULL_RANGE_RATIO
