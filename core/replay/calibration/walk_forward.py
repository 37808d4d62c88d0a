"""Walk-forward: choose on what was, judge on what came next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from core.replay.calibration.measure import Measure
from core.replay.calibration.ranking import Aim, fault, is_within, ranked, score

# The chosen settings hold when, unseen, they come within this share of the best in hindsight.
MOST_REGRET = 0.25


@dataclass(frozen=True, slots=True)
class Forward:
    """Chosen on the first `trained` parts, tried on the next one. Scores in QUOTE a day.

    `chosen`, `best`: places of the settings; `best` of the tried part in hindsight. `sound`: no fault, and within the
    limit if there is one, on the tried part. `configured_tried`: of the first setting, which is the configured one.
    """

    trained: int
    chosen: int
    predicted: float
    tried: float
    best: int
    best_tried: float
    configured_tried: float
    sound: bool

    @property
    def regret(self) -> float:
        """What hindsight would have saved a day. Below zero: the chosen one broke the limit that the best keeps."""
        return self.tried - self.best_tried


def walk_forward(by_setting: Sequence[Sequence[Measure]], aim: Aim) -> tuple[Forward, ...]:
    """One step for each part but the first; all settings were measured over the same parts."""
    parts = len(by_setting[0])
    return tuple(_step(by_setting, trained, aim) for trained in range(1, parts))


def whole(parts: Sequence[Measure]) -> Measure:
    """The sum of the parts, of which there is one at least."""
    return reduce(add, parts)


def has_held(steps: Sequence[Forward]) -> bool:
    """Over all the tried parts together, and never with a fault."""
    best = sum(step.best_tried for step in steps)
    return all(step.sound for step in steps) and sum(step.tried for step in steps) <= (1 + MOST_REGRET) * best


def regret_share(steps: Sequence[Forward]) -> float | None:
    """Of what the best in hindsight would have come to, over all tried parts; None where that was not above zero."""
    best = sum(step.best_tried for step in steps)
    return (sum(step.tried for step in steps) - best) / best if best > 0 else None


def _step(by_setting: Sequence[Sequence[Measure]], trained: int, aim: Aim) -> Forward:
    seen = [whole(parts[:trained]) for parts in by_setting]
    unseen = [parts[trained] for parts in by_setting]
    chosen, best = ranked(seen, aim)[0], ranked(unseen, aim)[0]
    return Forward(
        trained=trained,
        chosen=chosen,
        predicted=score(seen[chosen], aim),
        tried=score(unseen[chosen], aim),
        best=best,
        best_tried=score(unseen[best], aim),
        configured_tried=score(unseen[0], aim),
        sound=not fault(unseen[chosen], aim) and is_within(unseen[chosen], aim),
    )
