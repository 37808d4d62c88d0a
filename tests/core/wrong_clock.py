"""A wall clock that is set by an hour, to or fro, while time goes on."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from core.clock import ManualClock

HOUR_S = 3600.0
BOTH_WAYS = pytest.mark.parametrize("by_s", [-HOUR_S, HOUR_S])


class WrongClock(ManualClock):
    """Its wall clock is wrong by `wall_offset_s`."""

    wall_offset_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.wall_offset_s)
