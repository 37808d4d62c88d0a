"""When what is asked of people expires, and when it was answered, by the wall clock as it is set now.

The database has the times as the wall clock told them then, which is all that a restart knows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from core.clock import Leaps
from core.ports import Approval


@dataclass(frozen=True, slots=True)
class _Told:
    """How far the wall clock had been set when it told the times of this approval."""

    approval_id: str
    asked: timedelta
    decided: timedelta | None


class ApprovalTimes:
    """Of each hedge's newest approval. The times of what is first seen here are believed."""

    def __init__(self, leaps: Leaps) -> None:
        self._leaps = leaps
        self._told: dict[str, _Told] = {}

    def restated(self, approval: Approval) -> Approval:
        """The same with its times as they would be if the wall clock had always been as it is now."""
        total, told = self._leaps.total(), self._told_of(approval)
        asked = total if told is None else told.asked
        decided = total if told is None or told.decided is None else told.decided
        decided_at = approval.decided_at and approval.decided_at + (total - decided)
        self._told[approval.hedge] = _Told(approval.approval_id, asked, decided if decided_at else None)
        leapt = total - asked
        return replace(
            approval,
            created_at=approval.created_at + leapt,
            expires_at=approval.expires_at + leapt,
            decided_at=decided_at,
        )

    def leapt_since_asked(self, approval: Approval) -> timedelta:
        """How far the wall clock was set since then, as far as is known here."""
        told = self._told_of(approval)
        return timedelta(0) if told is None else self._leaps.total() - told.asked

    def _told_of(self, approval: Approval) -> _Told | None:
        told = self._told.get(approval.hedge)
        return told if told is not None and told.approval_id == approval.approval_id else None
