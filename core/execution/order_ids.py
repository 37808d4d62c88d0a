"""Client order ids: `lph.<hedge>.<plan>.<attempt>`, at most 36 of `[a-z0-9_.]`, readable back into their parts.

A plan id is the millisecond of its making in base 36, so that ids stay unique when a database is lost: Binance checks
an id against *open* orders only, and a query for a reused id would answer for the old order.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

PREFIX = "lph"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
MAX_LENGTH = 36


@dataclass(frozen=True, slots=True)
class OrderName:
    hedge: str
    plan_id: str
    attempt: int


def client_order_id(name: OrderName) -> str:
    """Raises ValueError when it would be longer than Binance takes."""
    text = f"{PREFIX}.{name.hedge}.{name.plan_id}.{to_base36(name.attempt)}"
    if len(text) > MAX_LENGTH:
        raise ValueError(f"client order id {text!r} is longer than {MAX_LENGTH}")
    return text


def parse_client_order_id(text: str) -> OrderName | None:
    """None: not one of ours."""
    prefix, _, rest = text.partition(".")
    parts = rest.split(".")
    if prefix != PREFIX or len(parts) != 3 or not all(parts) or not parts[2].isalnum():
        return None
    try:
        return OrderName(hedge=parts[0], plan_id=parts[1], attempt=int(parts[2], 36))
    except ValueError:
        return None


class PlanIds:
    """Plan ids that never repeat within a process, whatever the clock does."""

    def __init__(self) -> None:
        self._last_ms = 0

    def next(self, now: datetime) -> str:
        """The millisecond of `now`, or the one after the last given when that is later."""
        self._last_ms = max(self._last_ms + 1, int(now.timestamp() * 1000))
        return to_base36(self._last_ms)


def to_base36(number: int) -> str:
    """Digits and small letters, nothing before them. Raises ValueError for a number below zero."""
    if number < 0:
        raise ValueError("base 36 of a negative number")
    digits = ""
    while True:
        number, digit = divmod(number, 36)
        digits = DIGITS[digit] + digits
        if not number:
            return digits
