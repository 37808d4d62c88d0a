"""The parts of a profit or loss over time, as charts draw them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class PnlStep:
    """Since the series' start, in QUOTE, negative when lost or paid. `net` is the sum of the five parts.

    `fees`: what the LP earned. `lp`: change of the principal's value. `hedge`: the perpetual's profit, realised or
    not, as if filled at arrival. `costs`: commissions, slippage and rare other rows.
    """

    at: datetime
    fees: Decimal
    lp: Decimal
    hedge: Decimal
    funding: Decimal
    costs: Decimal
    net: Decimal


@dataclass(frozen=True, slots=True)
class PnlSeries:
    """Oldest first; the first step is all zero. `left_out`: in words, what could not be counted."""

    steps: tuple[PnlStep, ...]
    left_out: tuple[str, ...] = ()
