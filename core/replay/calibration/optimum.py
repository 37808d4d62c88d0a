"""What theory alone would choose, from the volatility that a path had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from core.replay.calibration.ranking import Aim
from core.replay.expectation import Terms, expected, sigma_in_range
from core.replay.outcome import Observed
from core.replay.theory import BestBand, Prediction, best_band

# The cost rate depends on the size of a trade, which depends on the band: each round is three times nearer.
ROUNDS = 8
HALVINGS = 100


@dataclass(frozen=True, slots=True)
class Optimum:
    """`band_quote`: half width at the path's mean price; `rest`: where a trade ends, as a share of it."""

    band_quote: float
    rest: Decimal
    prediction: Prediction
    objective_quote_per_day: float


def optimum(observed: Observed, terms: Terms, aim: Aim, rests: Sequence[Decimal]) -> Optimum | None:
    """Of the given places to rest the best, by the aim. None when the target never moved: there is nothing to hedge."""
    if not (observed.sigma_base_per_day > 0 and observed.sigma_per_day > 0 and observed.in_range_share > 0):
        return None
    found = [_at_rest(observed, terms, aim, rest) for rest in rests]
    by_cost = aim.most_residual_quote is not None
    return min(found, key=lambda each: each.prediction.cost_quote_per_day if by_cost else each.objective_quote_per_day)


def _at_rest(observed: Observed, terms: Terms, aim: Aim, rest: Decimal) -> Optimum:
    share = float(rest)
    if aim.most_residual_quote is not None:
        band_quote = _widest_within(observed, terms, aim.most_residual_quote, share)
    else:
        band_quote = _best(observed, terms, aim, share).band_base * observed.price
    prediction = expected(observed, terms, band_quote, share)
    variance = (prediction.residual_rms_base * observed.price * observed.sigma_per_day) ** 2
    return Optimum(band_quote, rest, prediction, prediction.cost_quote_per_day + aim.risk_aversion / 2 * variance)


def _best(observed: Observed, terms: Terms, aim: Aim, share: float) -> BestBand:
    trade_quote = 0.0
    for _ in range(ROUNDS):
        best = best_band(
            price=observed.price,
            sigma_per_day=observed.sigma_per_day,
            sigma_base_per_day=sigma_in_range(observed, terms),
            inner_share=share,
            look_every_s=terms.look_every_s,
            # What is left open out of range is a risk all the same.
            cost_rate=terms.rate(trade_quote) * observed.in_range_share,
            risk_aversion=aim.risk_aversion,
        )
        trade_quote = best.band_base * (1 - share) * observed.price
    return best


def _widest_within(observed: Observed, terms: Terms, limit_quote: float, share: float) -> float:
    """The widest band whose residual rms keeps to the limit, 0 when looks are too far apart for any."""
    low, high = 0.0, limit_quote * 6
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rms_quote = expected(observed, terms, middle, share).residual_rms_base * observed.price
        low, high = (middle, high) if rms_quote < limit_quote else (low, middle)
    return low
