"""What one replay found. Amounts in QUOTE unless a name says BASE; positive when earned, costs as `Parts` has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.accounting.attribution import Parts
from core.hedging.states import Reason, State
from core.replay.path import DAY_MS

FILL_FIELDS = np.dtype(
    [
        ("time_ms", np.int64),  # of the fill: a taker's is later than its decision by the latency
        ("side", np.int8),  # -1 sell, +1 buy
        ("quantity_base", np.float64),
        ("price", np.float64),
        ("arrival_price", np.float64),  # the mid when the plan was decided
        ("fee_quote", np.float64),  # positive when paid
        ("is_maker", np.bool_),
        ("reason", np.int8),  # a Reason
        ("position_base", np.float64),  # after the fill
    ]
)
CURVE_FIELDS = np.dtype(
    [
        ("time_ms", np.int64),
        ("pool_price", np.float64),
        ("net_base", np.float64),
        ("perp_base", np.float64),
        # Running sums since the first point.
        ("lp_fees", np.float64),
        ("lp", np.float64),
        ("hedge", np.float64),
        ("funding", np.float64),
        ("costs", np.float64),
        ("net", np.float64),
    ]
)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Of the residual (net + perp): `rms` by the time that each stood, `largest` of all that stood for
    any time since the first fill, or ever where nothing was filled."""

    rms_base: float
    largest_base: float
    rms_quote: float
    largest_quote: float
    # Of the residual times the next price move, in QUOTE squared a day.
    variance_per_day: float


@dataclass(frozen=True, slots=True)
class Risk:
    """`liquidation_distance_low_pct`: the mark's nearest to liquidation; None while there was no short."""

    drawdown_quote: float
    margin_low_quote: float
    available_low_quote: float
    liquidation_distance_low_pct: float | None
    liquidations: int


@dataclass(frozen=True, slots=True)
class Observed:
    """What theory needs, as it was on the path. Means over the points in range; `sigma_base_per_day`: standard
    deviation of the LP's BASE per square root of a day, `sigma_per_day` of the price, a fraction; both over all points.
    `inner_share`: where a trade ends, as a share of the band (0: at the target)."""

    price: float
    gamma: float
    sigma_per_day: float
    sigma_base_per_day: float
    band_base: float
    inner_share: float
    in_range_share: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """`plans`: rebalances; `trades`: fills. `states`, `reasons`: milliseconds spent in each that was met.

    `execution_quote`: what orders paid beyond the mid of their fill (spread and impact), quotes beyond that of their
    decision; positive when paid. `parts`: the same account as live, its sum checked. `curve`: CURVE_FIELDS, thinned;
    `fills`: FILL_FIELDS; empty where they were not asked for.
    """

    bars: int
    start_ms: int
    end_ms: int
    looks: int
    plans: int
    trades: int
    parts: Parts
    execution_quote: float
    exposure: Exposure
    risk: Risk
    observed: Observed
    states: Mapping[State, int]
    reasons: Mapping[Reason, int]
    fills: NDArray[np.void]
    curve: NDArray[np.void]

    @property
    def days(self) -> float:
        """From the first point to the last, of 24 hours each."""
        return (self.end_ms - self.start_ms) / DAY_MS

    @property
    def trading_cost_quote(self) -> float:
        """Commissions and execution: what a setting is judged by. Slippage would add the luck of few slices to it."""
        return self.execution_quote - float(self.parts.commissions)

    @property
    def cost_quote(self) -> float:
        """Commissions and slippage, positive when paid; what a liquidation took is no cost of a setting."""
        return 0.0 - float(self.parts.commissions + self.parts.slippage)
