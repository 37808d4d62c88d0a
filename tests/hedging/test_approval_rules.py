"""What a tap on Approve is worth."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.facts import OrderSide
from core.hedging.approval_rules import NeedNow, Tap, TapAnswer, at_tap, covers_until, failed_to_start
from core.ports import Approval, ApprovalState

NOW = datetime(2026, 1, 1, tzinfo=UTC)
NEED = NeedNow(
    steps=-3000,
    gap_quote=Decimal(6000),
    hysteresis_quote=Decimal(1000),
    slippage_bps=Decimal(3),
    max_slippage_bps=Decimal(30),
)


def tap(**different: object) -> TapAnswer:
    return at_tap(approved_steps=-3000, left_steps=3000, need=replace(NEED, **different))


def test_the_smaller_of_approved_and_needed_is_executed():
    """More is never executed than was shown, nor more than is needed."""
    assert tap() == tap(steps=-9000) == TapAnswer(Tap.EXECUTE, -3000)
    assert tap(steps=-2000) == TapAnswer(Tap.EXECUTE, -2000)


def test_what_is_used_up_is_not_executed_again():
    """A part already filled under the approval counts."""
    assert at_tap(approved_steps=-3000, left_steps=500, need=NEED) == TapAnswer(Tap.EXECUTE, -500)


@pytest.mark.parametrize(
    ("different", "outcome"),
    [
        ({"steps": 3000}, Tap.SIDE_FLIPPED),
        ({"steps": -1499}, Tap.NEED_HALVED),
        ({"steps": 0}, Tap.NEED_HALVED),
        ({"gap_quote": Decimal(1000)}, Tap.NOT_NEEDED),
        ({"slippage_bps": Decimal(31)}, Tap.SLIPPAGE),
        ({"slippage_bps": None}, Tap.SLIPPAGE),
    ],
)
def test_a_tap_that_no_longer_fits_executes_nothing(different: dict[str, object], outcome: Tap):
    """Other side, under half, within the hysteresis, or a book too dear or too thin."""
    assert tap(**different) == TapAnswer(outcome, 0)


def test_no_slippage_limit_asks_no_book():
    """A limit of 0 is off."""
    assert tap(slippage_bps=None, max_slippage_bps=Decimal(0)).outcome is Tap.EXECUTE


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
