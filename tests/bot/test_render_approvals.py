"""The proposal and its outcome, as the operator reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from bot.rendering.approvals import outcome_sentence, proposal_text, settled_text
from bot.rendering.markup import plain
from core.ports import Approval, ApprovalState
from tests.bot.samples import SHOWN, T0, an_approval


def test_a_proposal_says_everything_one_decides_on() -> None:
    """Side, size in BASE and QUOTE, why, cost, before and after, expiry and what silence means."""
    assert plain(proposal_text(an_approval(), UTC)) == (
        "⚖️ Approve this hedge?\n"
        "SELL 4.2 BNB ≈ 2,541.42 USDT · bnb · BNBUSDT\n"
        "Why: gap -4.20432 BNB = 2,544.03 USDT (band 500 USDT, 5.1 bands); the gap left the band\n"
        "Expected: price 605.042 USDT, cost 1.9 USDT, slippage 1.2 bps\n"
        "Position: -10 BNB → -14.2 BNB\n"
        "Exposure left: +4.2043 BNB → +0.0043 BNB\n"
        "Free margin: 8,000 USDT → 7,746 USDT\n"
        "Liquidation: none → 907.5 USDT\n"
        "Expires 12:05:00 UTC. No answer: nothing is traded, and I ask again.\n"
        "ID a1b2c3d4"
    )


def test_a_partial_default_is_announced() -> None:
    """With approval_on_timeout = "partial" silence trades a part, and the message says so."""
    approval = replace(an_approval(), shown={**SHOWN, "on_timeout": "partial"})
    assert "one part just under the approval limit is traded" in proposal_text(approval, UTC)


def test_unknown_figures_are_called_unknown() -> None:
    """A liquidation price that is not known is neither hidden nor zero."""
    approval = replace(an_approval(), shown={"liquidation_before": "unknown"})
    assert "Liquidation: unknown → unknown" in proposal_text(approval, UTC)


def decided(state: ApprovalState, note: str | None) -> Approval:
    """By Anna, about a minute after it was asked."""
    return replace(
        an_approval(state=state),
        note=note,
        decided_at=T0 + timedelta(seconds=64),
        decided_by="Anna (tg:1)",
        used_base=Decimal("4.2"),
    )


@pytest.mark.parametrize(
    ("state", "note", "ending"),
    [
        (ApprovalState.APPROVED, None, "✅ Approved by Anna 12:01:04 UTC."),
        (ApprovalState.EXECUTING, None, "✅ Approved by Anna 12:01:04 UTC."),
        (
            ApprovalState.REJECTED,
            "too much",
            "❌ Rejected by Anna 12:01:04 UTC (too much). This side is not proposed for a while.",
        ),
        (ApprovalState.DONE, None, "✅ Approved by Anna 12:01:04 UTC.\n🏁 Done: 4.2 BNB traded under it."),
        (
            ApprovalState.FAILED,
            "slippage",
            "✅ Approved by Anna 12:01:04 UTC.\n⚠️ Failed (slippage). 4.2 BNB traded under it.",
        ),
    ],
)
def test_the_outcome_stands_under_the_proposal(state: ApprovalState, note: str | None, ending: str) -> None:
    """The text one decided on stays; who, when and how it ended is appended."""
    approval = decided(state, note)
    body, _, outcome = plain(settled_text(approval, UTC)).rpartition("\n\n")
    assert outcome == ending and "SELL 4.2 BNB ≈ 2,541.42 USDT" in body


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (ApprovalState.REJECTED, "Too late for your answer: rejected by Anna at 12:01:04 UTC."),
        (ApprovalState.APPROVED, "Decided already: approved by Anna at 12:01:04 UTC."),
        (ApprovalState.EXPIRED, "Too late for your answer: it expired at 12:05:00 UTC."),
        (ApprovalState.SUPERSEDED, "Too late for your answer: it was superseded, the need changed (flipped)."),
        (ApprovalState.VOIDED, "Too late for your answer: it is void (flipped)."),
        (ApprovalState.PENDING, "Too late for your answer: its time was up at 12:05:00 UTC."),
    ],
)
def test_who_comes_second_hears_what_happened(state: ApprovalState, said: str) -> None:
    """The loser of a race, or of time, is told who decided and when."""
    approval = decided(state, "flipped")
    assert outcome_sentence(approval, UTC, wanted="approve", won=False) == said
