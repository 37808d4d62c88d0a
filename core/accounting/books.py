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
    match snapshot:
        case Snapshot(
            symbol=str() as symbol,
            price=Decimal() as price,
            mark_price=Decimal() as mark_price,
            lp_base=Decimal() as lp_base,
            lp_quote=Decimal() as lp_quote,
            fee_base=Decimal() as fee_base,
            fee_quote=Decimal() as fee_quote,
            perp_base=Decimal() as perp_base,
            held=tuple() as held,
        ):
            return Books(
                at=snapshot.at,
                symbol=symbol,
                price=price,
                mark_price=mark_price,
                lp_base=lp_base,
                lp_quote=lp_quote,
                fee_base=fee_base,
                fee_quote=fee_quote,
                perp_base=perp_base,
                beside_base=snapshot.figures.get("beside_base", Decimal(0)),
                held=held,
            )
    return None
