"""Machine numbers and times as text for programs: no exponent, no digits that only the machine made up."""

from __future__ import annotations

import math
from datetime import datetime
from decimal import Decimal

from bot.status_json import number_text, time_text
from core.clock import at_ms

# One less than a machine number surely holds.
DIGITS = 14


def digits(value: float) -> str:
    """Raises ValueError for what is no finite number: an error never becomes one."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no finite number")
    return number_text(Decimal(f"{value:.{DIGITS}g}"))


def iso(time_ms: int) -> str:
    """ISO 8601, UTC, with milliseconds only where there are any."""
    timespec = "milliseconds" if time_ms % 1000 else "seconds"
    return time_text(at_ms(time_ms), timespec)


def minute(at: datetime) -> str:
    """For people, in the zone of `at`."""
    return f"{at:%Y-%m-%d %H:%M}"
