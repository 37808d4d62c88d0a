"""All that a search found, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.replay.calibration.candidates import Candidate
from core.replay.calibration.frontier import frontier
from core.replay.calibration.measure import Measure
from core.replay.calibration.ranking import Aim, ranked
from core.replay.calibration.walk_forward import Forward, walk_forward, whole

# The place of what is configured.
CONFIGURED = 0


@dataclass(frozen=True, slots=True)
class Conclusion:
    """Settings by their place in `candidates`, which begins with what is configured.

    `totals`: over the whole path. `order`: best first, fitted on all of it. `steps`: none with a single part.
    """

    candidates: tuple[Candidate, ...]
    totals: tuple[Measure, ...]
    order: tuple[int, ...]
    frontier: tuple[int, ...]
    steps: tuple[Forward, ...]
    aim: Aim

    @property
    def chosen(self) -> int:
        """The place of the best, fitted on the whole path."""
        return self.order[0]

    @property
    def theory(self) -> int | None:
        """Theory's setting as it was replayed; None when theory has none."""
        return next((place for place, each in enumerate(self.candidates) if each.origin == "theory"), None)


def conclude(candidates: Sequence[Candidate], by_part: Sequence[Sequence[Measure]], aim: Aim) -> Conclusion:
    """`by_part`: the measures of each candidate, part by part."""
    totals = tuple(whole(parts) for parts in by_part)
    return Conclusion(
        candidates=tuple(candidates),
        totals=totals,
        order=ranked(totals, aim),
        frontier=frontier(totals, aim),
        steps=walk_forward(by_part, aim),
        aim=aim,
    )
