"""Runs a setup over a path."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.errors import ConfigurationError
from core.hedging.kernel_types import Memory
from core.hedging.states import Reason, State
from core.replay.compiled import loop
from core.replay.outcome import Outcome
from core.replay.path import Path
from core.replay.setup import Setup
from core.replay.summary import outcome_of
from core.replay.tally import FILLS, Tally, empty_tally

FIRST_ROOM = 4096


def replay(path: Path, setup: Setup, *, fills: bool = False, curve_points: int = 0) -> Outcome:
    """The live kernel's decisions over a recorded market, and what came of them.

    `fills`: keep each one; `curve_points`: keep about so many points of the running account. Compiled where numba is
    there, interpreted (a hundred times slower) where not. Raises ConfigurationError for a path of fewer than two
    points, InvariantBroken when the account does not add up.
    """
    if len(path.time_ms) < 2:
        raise ConfigurationError("a replay needs at least two points in time: the recording holds fewer.")
    arrays = _unwritable(path)
    room = FIRST_ROOM if fills else 0
    while True:
        tally = _tally(arrays, room, min(curve_points, len(path.time_ms)))
        start, end, cash = loop()(arrays, setup, Memory(), tally)
        if not fills or tally.counts[FILLS] <= room:
            return outcome_of(arrays, setup.policy, tally, start, end, cash)
        room = int(tally.counts[FILLS])


def _tally(path: Path, fills: int, curve_points: int) -> Tally:
    return empty_tally(
        start_ms=int(path.time_ms[0]),
        fills=fills,
        curve_points=curve_points,
        states=len(State),
        reasons=max(Reason) + 1,
    )


def _unwritable(path: Path) -> Path:
    """Shared arrays are: one kind of array, compiled for once."""
    return Path(*map(_unwritable_view, path))


def _unwritable_view(array: Any) -> Any:
    view = np.ascontiguousarray(array).view(np.ndarray)
    view.flags.writeable = False
    return view
