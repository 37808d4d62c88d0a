"""How long a person's yes lasts."""

from __future__ import annotations

from datetime import datetime, timedelta

from core.ports import Approval

START_WITHIN = timedelta(seconds=60)


def failed_to_start(approval: Approval, now: datetime) -> bool:
    """Approved, but nothing could begin for 60 s: it fails and the need is proposed anew."""
    return approval.decided_at is not None and now - approval.decided_at > START_WITHIN


def covers_until(approval: Approval, twap_duration: timedelta) -> datetime:
    """Until then all capped parts of its plan run under the one approval, as far as its quantity reaches."""
    return approval.expires_at + twap_duration
