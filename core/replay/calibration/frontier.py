"""The efficient frontier: settings of which none other is both cheaper and better hedged."""

from __future__ import annotations

from collections.abc import Sequence

from core.replay.calibration.measure import Measure
from core.replay.calibration.ranking import Aim, fault

# Fewer trades than one in twenty days are no measure of what they cost.
FEWEST_TRADES_PER_DAY = 0.05


def is_luck(found: Measure) -> bool:
    """A cost that came of a few trades, or a gain, which trading for long never is."""
    return found.cost_per_day < 0 or found.rebalances_per_day < FEWEST_TRADES_PER_DAY


def frontier(measures: Sequence[Measure], aim: Aim) -> tuple[int, ...]:
    """Places in `measures`, dearest first: falling cost a day, rising residual rms. Faulty settings are on none."""
    sound = (place for place, found in enumerate(measures) if not fault(found, aim))
    kept: list[int] = []
    for place in sorted(sound, key=lambda each: (measures[each].cost_per_day, measures[each].residual_rms_quote, each)):
        if not kept or measures[place].residual_rms_quote < measures[kept[-1]].residual_rms_quote:
            kept.append(place)
    return tuple(reversed(kept))
