"""A replay's outcome beside what theory says of the same path, and what is not known of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

from bot.backtest.case import Case
from bot.backtest.notices import of_suspension
from core.hedging.states import Reason, State
from core.replay.expectation import expected, terms_of
from core.replay.outcome import Outcome
from core.replay.setup import Setup
from core.replay.theory import Prediction
from core.replay.theory.lvr import break_even_sigma, lvr_rate

DAYS_PER_YEAR = 365.0


_Named = TypeVar("_Named", State, Reason)


@dataclass(frozen=True, slots=True)
class Findings:
    """`theory`: over the whole period, None when the price was never in range or there was no band.

    `theory_rms_base`: also None for a hedge ratio under 1, where part of the exposure is left by design. Volatilities
    are fractions a year. `lvr_theory_quote`: negative, as `Parts.lvr`. `break_even_sigma`: up to which the fees pay for
    the LVR.
    """

    case: Case
    outcome: Outcome
    theory: Prediction | None
    theory_rms_base: float | None
    lvr_theory_quote: float | None
    realised_sigma: float | None
    break_even_sigma: float | None

    @property
    def predicted(self) -> tuple[float | None, float | None, float | None]:
        """Trades, turnover and cost a day, the last two in QUOTE."""
        if self.theory is None:
            return None, None, None
        return self.theory.trades_per_day, self.theory.turnover_quote_per_day, self.theory.cost_quote_per_day

    @property
    def warnings(self) -> tuple[str, ...]:
        """What has to be read before any figure."""
        return tuple(of_suspension(self.outcome))

    @property
    def unknown(self) -> tuple[str, ...]:
        """Parts that were not recorded: zero in the sum, and no figures."""
        known = {"lp_fees": self.case.lp_fees_known, "funding": self.case.funding_known}
        return tuple(name for name, is_known in known.items() if not is_known)


def shares_of(spent_ms: Mapping[_Named, int]) -> list[tuple[str, float]]:
    """Fractions of the time by name, the longest first."""
    whole = sum(spent_ms.values()) or 1
    return [(each.text, ms / whole) for each, ms in sorted(spent_ms.items(), key=lambda spent: -spent[1])]


def findings_of(case: Case, setup: Setup, outcome: Outcome) -> Findings:
    """All of theory's figures are None when the position was never in range."""
    seen = outcome.observed
    if not seen.in_range_share:
        return Findings(case, outcome, None, None, None, None, None)
    days_in_range = outcome.days * seen.in_range_share
    theory = _predicted(case, setup, outcome)
    fees = float(outcome.parts.lp_fees) if case.lp_fees_known else None
    return Findings(
        case=case,
        outcome=outcome,
        theory=theory,
        theory_rms_base=theory.residual_rms_base if theory and setup.policy.hedge_ratio == 1 else None,
        lvr_theory_quote=-lvr_rate(seen.price, case.position.liquidity, seen.sigma_per_day) * days_in_range,
        realised_sigma=seen.sigma_per_day * math.sqrt(DAYS_PER_YEAR),
        break_even_sigma=_break_even(case, seen.price, days_in_range, fees),
    )


def _break_even(case: Case, price: float, days_in_range: float, fees_quote: float | None) -> float | None:
    if fees_quote is None:
        return None
    return break_even_sigma(price, case.position.liquidity, fees_quote / days_in_range * DAYS_PER_YEAR)


def _predicted(case: Case, setup: Setup, outcome: Outcome) -> Prediction | None:
    """A day of the whole period: while out of range nothing moves, and nothing is traded."""
    seen = outcome.observed
    if not seen.band_base > 0:
        return None
    terms = terms_of(setup, outcome, case.step_ms)
    return expected(seen, terms, seen.band_base * seen.price, seen.inner_share)
