"""From what a replay counted to what it found."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.accounting.attribution import Parts
from core.accounting.split import Split, Worth, wealth
from core.errors import InvariantBroken
from core.hedging.kernel_types import Policy
from core.hedging.situation import hysteresis_of
from core.hedging.states import Reason, State
from core.replay import tally as place
from core.replay.outcome import CURVE_FIELDS, FILL_FIELDS, Exposure, Observed, Outcome, Risk
from core.replay.path import DAY_MS, Milliseconds, Path
from core.replay.tally import Tally

# What a year of sums of machine numbers may lose, as a share of the largest that was summed.
ROUNDING = 1e-9
_Named = TypeVar("_Named", State, Reason)


def outcome_of(path: Path, policy: Policy, tally: Tally, start: Worth, end: Worth, cash_quote: float) -> Outcome:
    """Raises InvariantBroken when the parts do not add up to the change of wealth."""
    days = float(path.time_ms[-1] - path.time_ms[0]) / DAY_MS
    bars = len(path.time_ms) - 1
    parts = _parts(tally)
    _check(tally, start, end, cash_quote)
    counts = tally.counts
    return Outcome(
        bars=bars,
        start_ms=int(path.time_ms[0]),
        end_ms=int(path.time_ms[-1]),
        looks=int(counts[place.LOOKS]),
        plans=int(counts[place.PLANS]),
        trades=int(counts[place.FILLS]),
        parts=parts,
        execution_quote=float(tally.sums[place.EXECUTION]),
        exposure=_exposure(tally, days),
        risk=_risk(tally),
        observed=_observed(path, tally, policy, bars, days),
        states=_spent(tally.state_ms, State),
        reasons=_spent(tally.reason_ms, Reason),
        fills=_rows(tally.fills[: counts[place.FILLS]], FILL_FIELDS),
        curve=_rows(tally.curve[: counts[place.CURVE]], CURVE_FIELDS),
    )


def _parts(tally: Tally) -> Parts:
    amounts = {name: _exact(tally.sums[index]) for index, name in enumerate(Split._fields)}
    return Parts(
        **amounts,
        realised=_exact(tally.sums[place.REALISED]),
        turnover=_exact(tally.sums[place.TURNOVER_QUOTE]),
        trades=int(tally.counts[place.FILLS]),
    )


def _exact(number: float) -> Decimal:
    return Decimal(repr(float(number)))


def _check(tally: Tally, start: Worth, end: Worth, cash_quote: float) -> None:
    """Against what is there at the end and the account's own cash, which the parts know nothing of."""
    before, after = float(wealth(start)), float(wealth(end))
    change = after - before + cash_quote
    found = tally.sums[place.NET]
    scale = max(abs(before), abs(after), abs(cash_quote), tally.sums[place.TURNOVER_QUOTE], 1.0)
    if not abs(found - change) <= ROUNDING * scale:
        raise InvariantBroken(f"parts of {found} were found of a change of {change}")


def _exposure(tally: Tally, days: float) -> Exposure:
    sums, worst, all_ms = tally.sums, tally.worst, days * DAY_MS
    return Exposure(
        rms_base=math.sqrt(sums[place.RESIDUAL_SQUARED_BASE] / all_ms),
        largest_base=float(worst[place.RESIDUAL_BASE]),
        rms_quote=math.sqrt(sums[place.RESIDUAL_SQUARED_QUOTE] / all_ms),
        largest_quote=float(worst[place.RESIDUAL_QUOTE]),
        variance_per_day=float(sums[place.ERROR_SQUARED]) / days,
    )


def _risk(tally: Tally) -> Risk:
    worst = tally.worst
    distance = float(worst[place.DISTANCE])
    return Risk(
        drawdown_quote=float(worst[place.DRAWDOWN]),
        margin_low_quote=float(worst[place.MARGIN]),
        available_low_quote=float(worst[place.AVAILABLE]),
        liquidation_distance_low_pct=distance if math.isfinite(distance) else None,
        liquidations=int(tally.counts[place.LIQUIDATIONS]),
    )


def _observed(path: Path, tally: Tally, policy: Policy, bars: int, days: float) -> Observed:
    sums, inside = tally.sums, int(tally.counts[place.INSIDE])
    each = max(inside, 1)
    price, band_base = float(sums[place.PRICE_INSIDE]) / each, float(sums[place.BAND_INSIDE]) / each
    return Observed(
        price=price,
        gamma=float(sums[place.GAMMA_INSIDE]) / each,
        sigma_per_day=math.sqrt(float(np.square(np.diff(np.log(path.pool))).sum()) / days),
        sigma_base_per_day=math.sqrt(sums[place.DELTA_SQUARED] / days),
        band_base=band_base,
        inner_share=_inner_share(policy, band_base * price),
        in_range_share=inside / bars,
    )


def _inner_share(policy: Policy, band_quote: float) -> float:
    """Nothing at all where trades go to the target."""
    if not policy.to_edge or band_quote <= 0.0:
        return 0.0
    return float(hysteresis_of(policy, band_quote)) / band_quote


def _spent(milliseconds: Milliseconds, named: type[_Named]) -> Mapping[_Named, int]:
    return {each: int(milliseconds[each]) for each in named if milliseconds[each]}


def _rows(rows: NDArray[np.float64], fields: np.dtype[np.void]) -> NDArray[np.void]:
    found = np.zeros(len(rows), fields)
    for column, name in enumerate(fields.names or ()):
        found[name] = rows[:, column]
    return found
