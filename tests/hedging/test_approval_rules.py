"""How long a yes lasts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from core.facts import OrderSide
from core.hedging.approval_rules import covers_until, failed_to_start
from core.ports import Approval, ApprovalState

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_an_approval_must_start_within_a_minute_and_covers_its_time():
    """60 s to begin; to its expiry plus the TWAP's duration to go on."""
    approval = Approval(
        approval_id="a", hedge="h", symbol="S", side=OrderSide.SELL, quantity_base=Decimal(3),
        notional_quote=Decimal(6000), reason="band_exceeded", shown={}, created_at=NOW,
        expires_at=NOW + timedelta(seconds=300), state=ApprovalState.APPROVED, decided_at=NOW,
    )  # fmt: skip
    assert not failed_to_start(approval, NOW + timedelta(seconds=60))
    assert failed_to_start(approval, NOW + timedelta(seconds=61))
    assert covers_until(approval, timedelta(seconds=60)) == NOW + timedelta(seconds=360)
