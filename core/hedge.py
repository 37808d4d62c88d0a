"""What the engine and the command desk need of one hedge."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from core.facts import PositionSide
from core.status import HedgeStatus


class Hedge(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def evaluated_at_s(self) -> float | None:
        """Monotonic; None before the first evaluation was completed."""
        ...

    async def evaluate(self) -> None: ...

    def status(self) -> HedgeStatus: ...

    def pause_s(self) -> float:
        """Until the next evaluation is due by itself."""
        ...

    async def halt(self, by: str) -> None: ...

    async def pause(self, by: str) -> None: ...

    async def resume(self, by: str) -> None: ...

    async def hedge(self, by: str, most_base: Decimal | None = None) -> str:
        """To the target now, by at most that signed trade. The answer for the operator. Raises Refused."""
        ...

    async def flatten(self, by: str) -> str:
        """The answer for the operator. Raises Refused."""
        ...

    async def adopt(self, leg: PositionSide, by: str) -> str:
        """The answer for the operator. Raises Refused."""
        ...
