"""What a tap on Approve is worth at that moment, and how long an approval lasts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from core.ports import Approval

START_WITHIN = timedelta(seconds=60)


class Tap(StrEnum):
    """EXECUTE; SIDE_FLIPPED and NEED_HALVED supersede it; NOT_NEEDED and SLIPPAGE leave it until it may start."""

    EXECUTE = "execute"
    SIDE_FLIPPED = "side_flipped"
    NEED_HALVED = "need_halved"
    NOT_NEEDED = "not_needed"
    SLIPPAGE = "slippage"


@dataclass(frozen=True, slots=True)
class NeedNow:
    """`steps`: the signed trade needed now. `slippage_bps`: expected against the current mid, None when the book is
    too shallow to tell; `max_slippage_bps` 0: no limit."""

    steps: int
    gap_quote: Decimal
    hysteresis_quote: Decimal
    slippage_bps: Decimal | None
    max_slippage_bps: Decimal


@dataclass(frozen=True, slots=True)
class TapAnswer:
    """`steps`: signed, what is executed now; the rest of the need, if any, is proposed anew."""

    outcome: Tap
    steps: int


def at_tap(*, approved_steps: int, left_steps: int, need: NeedNow) -> TapAnswer:
    """`approved_steps`: signed, as shown. `left_steps`: the size of it that is not used up yet."""
    side = 1 if approved_steps > 0 else -1
    needed = need.steps * side
    if needed < 0:
        return TapAnswer(Tap.SIDE_FLIPPED, 0)
    if 2 * needed < abs(approved_steps):
        return TapAnswer(Tap.NEED_HALVED, 0)
    if need.gap_quote <= need.hysteresis_quote:
        return TapAnswer(Tap.NOT_NEEDED, 0)
    if need.max_slippage_bps > 0 and (need.slippage_bps is None or need.slippage_bps > need.max_slippage_bps):
        return TapAnswer(Tap.SLIPPAGE, 0)
    return TapAnswer(Tap.EXECUTE, side * min(left_steps, needed))


def failed_to_start(approval: Approval, now: datetime) -> bool:
    """Approved, but nothing could begin for 60 s: it fails and the need is proposed anew."""
    return approval.decided_at is not None and now - approval.decided_at > START_WITHIN


def covers_until(approval: Approval, twap_duration: timedelta) -> datetime:
    """Until then all capped parts of its plan run under the one approval, as far as its quantity reaches."""
    return approval.expires_at + twap_duration
