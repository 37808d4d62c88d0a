"""What front ends hold before the engine is there, and what outlives its making."""

from __future__ import annotations

from collections.abc import Callable

from core.config import Config
from core.engine import Engine
from core.facts import Market
from core.status import HedgeStatus


class EngineSlot:
    """`EngineView` for front ends that are there before the engine is, and outlive its making."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self.engine: Engine | None = None

    def hedge_names(self) -> tuple[str, ...]:
        return tuple(self._config.hedges)

    def statuses(self) -> tuple[HedgeStatus, ...]:
        return self.engine.statuses() if self.engine else ()

    def wake(self, hedge: str | None = None) -> None:
        if self.engine is not None:
            self.engine.wake(hedge)

    def stir(self, hedge: str) -> None:
        if self.engine is not None:
            self.engine.stir(hedge)

    def is_concerned(self, hedge: str, market: Market) -> bool:
        return self.engine is not None and self.engine.is_concerned(hedge, market)


class Bell:
    """Rung when the outbox has something new; whoever delivers listens, once there is one."""

    def __init__(self) -> None:
        self._listener: Callable[[], None] = lambda: None

    def listen(self, listener: Callable[[], None]) -> None:
        self._listener = listener

    def ring(self) -> None:
        self._listener()
