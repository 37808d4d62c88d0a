"""Scripted misbehaviour of the server: refusals, delays, and connections that end before or after the side effect."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum


class Drop(Enum):
    """Where the connection ends without an answer; AFTER means the call has taken effect all the same."""

    BEFORE = "before"
    AFTER = "after"


@dataclass
class Fault:
    """`method` "*" matches all calls; `times` None lasts until cleared; `contains` narrows to calls with that text."""

    method: str
    times: int | None
    code: int | None
    description: str
    retry_after: int | None
    delay_s: float
    drop: Drop | None
    contains: str
    cleared: threading.Event = field(default_factory=threading.Event)

    def matches(self, method: str, text: str) -> bool:
        return self.times != 0 and self.method in ("*", method) and self.contains in text


class Faults:
    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        """Also ends the delays that have begun."""
        for fault in self._faults:
            fault.cleared.set()
        self._faults.clear()

    def take(self, method: str, text: str = "") -> Fault | None:
        """The first matching fault; counts as one use of it."""
        for fault in self._faults:
            if fault.matches(method, text):
                if fault.times is not None:
                    fault.times -= 1
                return fault
        return None
