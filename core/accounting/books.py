"""What one hedge was worth at one moment, and whether that is known at all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Context, Decimal

from core.account_ports import HeldLiquidity, Snapshot
from core.accounting.split import Worth

# Prices of 28 digits times amounts of 24, summed: nothing is ever rounded.
EXACT = Context(prec=256)


@dataclass(frozen=True, slots=True)
class Books:
    """A snapshot of which every figure is known; units and signs as there."""

    at: datetime
    symbol: str
    price: Decimal
    mark_price: Decimal
    lp_base: Decimal
    lp_quote: Decimal
    fee_base: Decimal
    fee_quote: Decimal
    perp_base: Decimal
    beside_base: Decimal
    held: tuple[HeldLiquidity, ...]

    @property
    def worth(self) -> Worth:
        """The scalars of this reading, as `split` compares them with those of another."""
        return Worth(
            price=self.price,
            mark=self.mark_price,
            lp_base=self.lp_base,
            lp_quote=self.lp_quote,
            fee_base=self.fee_base,
            fee_quote=self.fee_quote,
            beside_base=self.beside_base,
            perp_base=self.perp_base,
        )


def books_of(snapshot: Snapshot) -> Books | None:
    """None while a figure of it is unknown."""
    found = snapshot
    if found.price is None or found.mark_price is None or found.perp_base is None:
        return None
    if found.lp_base is None or found.lp_quote is None or found.fee_base is None or found.fee_quote is None:
        return None
    if found.symbol is None or found.held is None:
        return None
    return Books(
        at=found.at,
        symbol=found.symbol,
        price=found.price,
        mark_price=found.mark_price,
        lp_base=found.lp_base,
        lp_quote=found.lp_quote,
        fee_base=found.fee_base,
        fee_quote=found.fee_quote,
        perp_base=found.perp_base,
        beside_base=found.figures.get("beside_base", Decimal(0)),
        held=found.held,
    )
