"""Where the questions to people and their answers are kept."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from core.ports import Approval, ApprovalState
from core.traded import ApprovedFill


class Approvals(Protocol):
    async def propose(self, approval: Approval) -> bool:
        """False, and nothing written, when this hedge already has one pending, approved or executing."""

    async def get(self, approval_id: str) -> Approval | None:
        """None for an unknown id."""

    async def live(self, hedge: str | None = None) -> tuple[Approval, ...]:
        """Pending, approved and executing ones, oldest first."""

    async def latest(self, hedge: str) -> Approval | None:
        """The one proposed last, whatever became of it."""

    async def decide(
        self,
        approval_id: str,
        *,
        approve: bool,
        by: str,
        note: str | None,
        now: datetime,
        leapt: timedelta = timedelta(0),
    ) -> tuple[bool, Approval | None]:
        """One compare-and-set from pending, while `now < expires_at`; True for the caller that won it. `leapt`: how far
        the wall clock was set forward since it was asked, and `expires_at` with it.

        The approval comes back as it stands afterwards, None when there is none of that id.
        """

    async def move(
        self, approval_id: str, *, frm: ApprovalState, to: ApprovalState, now: datetime, note: str | None = None
    ) -> bool:
        """Compare-and-set of the state; False when it was no longer `frm`."""

    async def annotate(self, approval_id: str, note: str, now: datetime) -> bool:
        """Say afterwards why; False, and nothing written, unless it was rejected and has no note yet."""

    async def fills(self, approval_id: str) -> tuple[ApprovedFill, ...]:
        """What was traded under it, oldest first."""

    async def use(self, approval_id: str, filled_base: Decimal) -> None:
        """Add to `used_base`. Raises InvariantBroken when the sum would pass `quantity_base`."""
