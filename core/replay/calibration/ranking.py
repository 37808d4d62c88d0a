"""Which setting is better: by cost and risk. What was gained or lost on the price is not among the figures here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.replay.calibration.measure import Measure

MOST_HELD_BACK = 0.05


@dataclass(frozen=True, slots=True)
class Aim:
    """Least cost + risk_aversion / 2 * variance a day, or least cost with the residual's rms below a limit.

    `risk_aversion`: per QUOTE. `most_residual_quote` None: no such limit. `most_held_back`: share of the time.
    """

    risk_aversion: float
    most_residual_quote: float | None = None
    most_held_back: float = MOST_HELD_BACK


def objective(found: Measure, aim: Aim) -> float:
    """QUOTE a day."""
    return found.cost_per_day + aim.risk_aversion / 2 * found.variance_per_day


def score(found: Measure, aim: Aim) -> float:
    """What is made small, QUOTE a day: the objective, or under a limit the cost."""
    return objective(found, aim) if aim.most_residual_quote is None else found.cost_per_day


def fault(found: Measure, aim: Aim) -> str:
    """Why a setting is ranked behind all sound ones; empty when it is sound."""
    if found.liquidations:
        return f"liquidated {found.liquidations} times" if found.liquidations > 1 else "liquidated once"
    if found.held_back_share > aim.most_held_back:
        return (
            f"held back by margin, caps, max_per_hour or unanswered questions {found.held_back_share:.0%} of the time"
        )
    return ""


def lacks_margin(found: Measure, aim: Aim) -> bool:
    """Whether the account is what is wrong with a setting, not the setting."""
    return found.low_margin_share > aim.most_held_back


def is_within(found: Measure, aim: Aim) -> bool:
    """Whether the residual keeps to the limit, if there is one."""
    return aim.most_residual_quote is None or found.residual_rms_quote < aim.most_residual_quote


def ranked(measures: Sequence[Measure], aim: Aim) -> tuple[int, ...]:
    """Places in `measures`, best first; of equals, the one that was named first."""
    return tuple(sorted(range(len(measures)), key=lambda place: (*_standing(measures[place], aim), place)))


def _standing(found: Measure, aim: Aim) -> tuple[bool, bool, float]:
    """Sound before faulty, within the limit before beyond it, those beyond by how far."""
    within = is_within(found, aim)
    return bool(fault(found, aim)), not within, score(found, aim) if within else found.residual_rms_quote
