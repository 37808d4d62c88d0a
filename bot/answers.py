"""Where an operator's answers go: the approval desk, and the record of who asked for what."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from core.ports import Approval, EngineView
from core.traded import Traded


class DeskAnswer(Protocol):
    @property
    def won(self) -> bool:
        """This call decided it."""
        ...

    @property
    def approval(self) -> Approval | None:
        """As it stands now; None for an unknown id."""
        ...

    @property
    def lacks_a_reason(self) -> bool:
        """It was rejected before, without a word why."""
        ...


class Desk(Protocol):
    """The approval desk; its word on who was first is the only one."""

    async def answer(self, approval_id: str, *, approve: bool, by: str, note: str | None) -> DeskAnswer:
        """Yes or no to one that is pending; the first caller in time wins."""
        ...

    async def explain(self, approval_id: str, *, by: str, why: str) -> DeskAnswer:
        """The reason for a no, said afterwards; the first one stands."""
        ...

    async def traded(self, approval_id: str) -> Traded | None:
        """Under it so far; None: nothing."""
        ...


class AuditTrail(Protocol):
    """Who asked for what, kept for good."""

    async def append(self, actor: str, source: str, action: str, detail: str, at: datetime) -> None:
        """`source`: telegram, terminal or cli. Durable when it returns."""
        ...


class HaltableEngine(EngineView, Protocol):
    async def halt(self, words: Sequence[str], by: str) -> str:
        """At once and without a row, for when none can be written; `words`: what was said after it.

        The answer for the operator. Raises Transient before there is an engine.
        """
        ...
