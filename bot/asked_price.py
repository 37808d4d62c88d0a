"""A price as an operator asks for it: a number, a change of the present one, or an edge of the range."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from bot.rendering.numbers import amount
from core.hedging.margin_needs import edges_of
from core.outlook import Outlook

# Beyond these a price is a slip of the finger, or no use to anyone.
MOST_TIMES = 1000
MOST_DIGITS = 30
EDGES = ("lower", "upper")
# 650,5 is meant by half the world as 650.5, and would be read as 6505.
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?%?")
EXAMPLES = "/whatif 650, /whatif +10%, /whatif -5%"


@dataclass(frozen=True, slots=True)
class Place:
    """A price as it was asked for: a number of QUOTE, a change of the present price, or an edge of the range."""

    price: Decimal | None = None
    change: Decimal | None = None
    edge: str = ""

    def of(self, outlook: Outlook) -> Decimal | None:
        """None when it has no such edge, or no price to start from."""
        if self.price is not None:
            return self.price
        if self.change is not None:
            now = price_now(outlook)
            return now * (1 + self.change) if now is not None else None
        return self._at_edge(outlook)

    def _at_edge(self, outlook: Outlook) -> Decimal | None:
        edges = edges_of(outlook.lp) if outlook.lp is not None else None
        if edges is None:
            return None
        return edges.lower if self.edge == "lower" else edges.upper


def parsed(text: str) -> Place | str:
    """A sentence when it is no price."""
    if _has_decimal_comma(text):
        return f"{text} is no price: a comma parts thousands, a point the decimals. Use {EXAMPLES}."
    wanted = text.lower().replace(",", "").replace("_", "")
    if wanted in EDGES:
        return Place(edge=wanted)
    try:
        value = Decimal(wanted.removesuffix("%"))
    except InvalidOperation:
        return f"{text} is no price. Use {EXAMPLES}."
    if not _is_workable(value):
        return f"{text} is no price that I can work with. Use {EXAMPLES}."
    return _changed(text, value) if wanted.endswith("%") else _at(text, value)


def _has_decimal_comma(text: str) -> bool:
    return "," in text and not THOUSANDS.fullmatch(text)


def _is_workable(value: Decimal) -> bool:
    return value.is_finite() and abs(value.adjusted()) <= MOST_DIGITS


def _changed(text: str, change_pct: Decimal) -> Place | str:
    return Place(change=change_pct / 100) if change_pct > -100 else f"{text}: a price cannot fall by 100 % or more."


def _at(text: str, price: Decimal) -> Place | str:
    return Place(price=price) if price > 0 else f"{text}: a price is above zero. Use {EXAMPLES}."


def price_now(outlook: Outlook) -> Decimal | None:
    """The perpetual's mark, else the pool's price."""
    if outlook.market is not None:
        return outlook.market.mark_price
    return outlook.lp.facts.price if outlook.lp is not None else None


def impossible(price: Decimal, outlook: Outlook) -> str | None:
    """A sentence when it is too far from the present price."""
    now = price_now(outlook)
    if now is None or now / MOST_TIMES <= price <= now * MOST_TIMES:
        return None
    return f"{amount(price)} is too far from {amount(now)}: I go up to {MOST_TIMES} times as much or as little."
