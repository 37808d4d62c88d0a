"""What settings are judged by, as sums over the replayed time, so that parts of a path add up to the whole."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass

from core.errors import InvariantBroken
from core.hedging.states import Reason
from core.replay.outcome import Outcome
from core.replay.path import DAY_MS

# Held back although a trade was wanted: the setting does not work on this account.
HELD_BACK = (
    Reason.LOW_MARGIN,
    Reason.AT_CAP,
    Reason.MAX_PER_HOUR,
    Reason.AWAITING_APPROVAL,
    Reason.UNANSWERED,
    Reason.POSITION_MISMATCH,
)


@dataclass(frozen=True, slots=True)
class Measure:
    """`cost_quote`: commissions, spread and impact, positive when paid. `variance`: of the hedge error, QUOTE squared.

    `residual_days`: mean square of the residual, QUOTE squared, times days. `held_back_days`: wanted to trade and was
    not allowed to; `low_margin_days`: of these for want of margin. `funding_quote`: positive when received;
    shown, and in no ranking.
    """

    days: float
    cost_quote: float
    variance: float
    residual_days: float
    rebalances: int
    held_back_days: float
    liquidations: int
    funding_quote: float
    low_margin_days: float = 0.0

    def __add__(self, more: Measure) -> Measure:
        return Measure(*(mine + its for mine, its in zip(astuple(self), astuple(more), strict=True)))

    @property
    def cost_per_day(self) -> float:
        """In QUOTE, positive when paid."""
        return self.cost_quote / self.days

    @property
    def variance_per_day(self) -> float:
        """In QUOTE squared."""
        return self.variance / self.days

    @property
    def residual_rms_quote(self) -> float:
        """Over the time, not over the looks."""
        return math.sqrt(self.residual_days / self.days)

    @property
    def rebalances_per_day(self) -> float:
        """Plans with a fill, however many orders each took."""
        return self.rebalances / self.days

    @property
    def held_back_share(self) -> float:
        """Of the time, 0 to 1."""
        return self.held_back_days / self.days

    @property
    def low_margin_share(self) -> float:
        """Of the time, 0 to 1; never more than `held_back_share`."""
        return self.low_margin_days / self.days


def measure(outcome: Outcome) -> Measure:
    """Raises InvariantBroken for figures that are no numbers: they would pass every comparison unseen."""
    days = outcome.days
    found = Measure(
        days=days,
        cost_quote=outcome.trading_cost_quote,
        variance=outcome.exposure.variance_per_day * days,
        residual_days=outcome.exposure.rms_quote**2 * days,
        rebalances=outcome.plans,
        held_back_days=sum(outcome.reasons.get(reason, 0) for reason in HELD_BACK) / DAY_MS,
        liquidations=outcome.risk.liquidations,
        funding_quote=float(outcome.parts.funding),
        low_margin_days=outcome.reasons.get(Reason.LOW_MARGIN, 0) / DAY_MS,
    )
    if not (all(map(math.isfinite, astuple(found))) and days > 0):
        raise InvariantBroken(f"a replay of {days:g} days left a figure that is no number")
    return found
