"""What theory expects of a hedge on the path that was observed: formula 9 at the path's own volatility and costs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from core.replay.orders import IMPACT_QUOTE
from core.replay.outcome import Observed, Outcome
from core.replay.setup import POST_ONLY, Costs, Setup
from core.replay.theory import Prediction, predict

BPS = 10_000.0


@dataclass(frozen=True, slots=True)
class Terms:
    """What a trade costs and how often it is looked, as the replay had it; a price stands still between two bars."""

    costs: Costs
    order_kind: int
    look_every_s: float
    hedge_ratio: float

    def rate(self, trade_quote: float) -> float:
        """Fee and slippage as a fraction of what is traded; a post-only order is taken to fill as a maker."""
        if self.order_kind == POST_ONLY:
            return self.costs.maker_rate
        impact_bps = self.costs.impact_bps * trade_quote / IMPACT_QUOTE
        return self.costs.taker_rate + (self.costs.half_spread_bps + impact_bps) / BPS


def terms_of(setup: Setup, outcome: Outcome, step_ms: int) -> Terms:
    """The price moves at the bars, `step_ms` apart; a look in between sees nothing new."""
    look_every_ms = max(step_ms, (outcome.end_ms - outcome.start_ms) / max(1, outcome.looks))
    return Terms(setup.costs, setup.conduct.order_kind, look_every_ms / 1000, float(setup.policy.hedge_ratio))


def sigma_in_range(observed: Observed, terms: Terms) -> float:
    """Of the target, BASE per square root of a day in range; what was observed is of the LP's BASE over all days."""
    return observed.sigma_base_per_day * terms.hedge_ratio / math.sqrt(observed.in_range_share)


def expected(observed: Observed, terms: Terms, band_quote: float, rest: float) -> Prediction:
    """Of any band, by theory, a day of the whole path: out of range nothing moves, and nothing is traded."""
    share = observed.in_range_share
    in_range = predict(
        price=observed.price,
        sigma_base_per_day=sigma_in_range(observed, terms),
        band_base=band_quote / observed.price,
        inner_share=rest,
        look_every_s=terms.look_every_s,
        cost_rate=terms.rate(band_quote * (1 - rest)),
    )
    return Prediction(
        in_range.trades_per_day * share,
        in_range.turnover_quote_per_day * share,
        in_range.cost_quote_per_day * share,
        in_range.residual_rms_base,
    )
