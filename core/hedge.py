"""What the engine and the command desk need of one hedge."""

from __future__ import annotations

from typing import Protocol

from core.facts import PositionSide
from core.hedging.states import Request
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

    async def ask_for(self, request: Request, by: str) -> str:
        """The answer for the operator. Raises Refused."""
        ...

    async def adopt(self, leg: PositionSide, by: str) -> str:
        """The answer for the operator. Raises Refused."""
        ...
