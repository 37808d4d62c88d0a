"""All that one hedge remembers across restarts, as one JSON text."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal

from core.errors import InvariantBroken
from core.hedging import life_memory, memory
from core.hedging.afterwards import filled
from core.hedging.kernel_types import Memory
from core.hedging.life_memory import LifeMemory

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True)
class Remembered:
    """`rebalances_ms`: when each plan of the last hour had its first fill. `plan_id`, `plan_base`: the plan whose fills
    were counted last, and how much of it. `flattening`: a confirmed /flatten is not done yet. `known_pair`: the
    symbol and token that were seen to be of one asset."""

    kernel: Memory = field(default_factory=Memory)
    life: LifeMemory = field(default_factory=LifeMemory)
    rebalances_ms: tuple[int, ...] = ()
    plan_id: str = ""
    plan_base: Decimal = Decimal(0)
    flattening: bool = False
    known_pair: str = ""

    def rebalances_since(self, since_ms: int) -> int:
        """Plans whose first fill came after that; no further back than an hour before the last fill."""
        return sum(1 for at_ms in self.rebalances_ms if at_ms > since_ms)

    def with_fills(self, plan_id: str, executed_base: Decimal, at_ms: int) -> Remembered:
        """Cooldown runs from the last fill, the hourly count from each plan's first; what was counted does not count
        again, whoever brings the news."""
        known = self.plan_base if plan_id == self.plan_id else Decimal(0)
        if executed_base <= known:
            return self
        recent = tuple(past for past in self.rebalances_ms if past > at_ms - HOUR_MS)
        return replace(
            self,
            kernel=filled(self.kernel, at_ms),
            rebalances_ms=recent if known else (*recent, at_ms),
            plan_id=plan_id,
            plan_base=executed_base,
        )

    def moved(self, by: timedelta) -> Remembered:
        """Each moment that much later: the wall clock was set."""
        by_ms = by // timedelta(milliseconds=1)
        return replace(
            self,
            kernel=memory.moved(self.kernel, by_ms),
            life=self.life.moved(by),
            rebalances_ms=tuple(at_ms + by_ms for at_ms in self.rebalances_ms),
        )


def to_json(remembered: Remembered) -> str:
    """Amounts as text, with every digit."""
    return json.dumps(
        {
            "kernel": json.loads(memory.to_json(remembered.kernel)),
            "life": json.loads(life_memory.to_json(remembered.life)),
            "rebalances_ms": list(remembered.rebalances_ms),
            "plan_id": remembered.plan_id,
            "plan_base": str(remembered.plan_base),
            "flattening": remembered.flattening,
            "known_pair": remembered.known_pair,
        }
    )


def from_json(text: str) -> Remembered:
    """Raises InvariantBroken on a text that is no memory."""
    try:
        data = json.loads(text)
        return Remembered(
            kernel=memory.from_json(json.dumps(data["kernel"])),
            life=life_memory.from_json(json.dumps(data["life"])),
            rebalances_ms=tuple(int(at_ms) for at_ms in data["rebalances_ms"]),
            plan_id=str(data.get("plan_id", "")),
            plan_base=Decimal(data.get("plan_base", "0")),
            flattening=data.get("flattening", False) is True,
            known_pair=str(data.get("known_pair", "")),
        )
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise InvariantBroken(f"the stored memory of a hedge cannot be read: {error}") from error
