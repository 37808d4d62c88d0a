"""The proposal and its outcome, as the operator reads them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta
from decimal import Decimal

import pytest

from bot.rendering.approvals import (
    asks_why,
    executed_under,
    is_told_by_its_fills,
    outcome_lines,
    outcome_sentence,
    proposal_text,
    reason_question,
    settled_text,
)
from bot.rendering.markup import plain
from core.ports import Approval, ApprovalState
from core.traded import Traded
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


@pytest.mark.parametrize(
    ("cut_by", "limit"),
    [
        ("at_cap", "max_position_notional"),
        ("low_margin", "the free margin"),
        ("low_liquidation_distance", "the distance to liquidation (min_liquidation_distance_pct)"),
        ("lp_limit", "what the liquidity could ever need"),
    ],
)
def test_a_trade_that_a_limit_cut_says_which_one(cut_by: str, limit: str) -> None:
    """Beside the whole need, so that nobody takes the part for all of it."""
    approval = replace(an_approval(), shown={**SHOWN, "cut_by": cut_by, "needed_base": "10.5"})
    assert f"Cut by {limit}: 10.5 BNB needed, 6.3 BNB of it stays open." in plain(proposal_text(approval, UTC))


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
            "✅ Approved by Anna 12:01:04 UTC.\n⚠️ Failed (slippage): 4.2 BNB traded under it.",
        ),
        (
            ApprovalState.VOIDED,
            "halted",
            "✅ Approved by Anna 12:01:04 UTC.\n🚫 Stopped (halted). Until then: 4.2 BNB traded under it.",
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
        (ApprovalState.VOIDED, "Too late for your answer: approved by Anna at 12:01:04 UTC, then stopped (flipped)."),
        (ApprovalState.PENDING, "Too late for your answer: its time was up at 12:05:00 UTC."),
    ],
)
def test_who_comes_second_hears_what_happened(state: ApprovalState, said: str) -> None:
    """The loser of a race, or of time, is told who decided and when."""
    approval = decided(state, "flipped")
    assert outcome_sentence(approval, UTC, wanted="approve", won=False) == said


QUOTED = {**SHOWN, "quote_price": "605.2", "quote_fee_quote": "0.5084", "quote_for_s": "20", "fallback": "market"}


@pytest.mark.parametrize(
    ("more", "second"),
    [
        (
            {},
            "At market what has not filled after 20 s: price 605.042 USDT, cost 1.9 USDT, slippage 1.2 bps",
        ),
        ({"fallback": "none"}, "What has not filled after 20 s is not traded"),
        ({"quote_for_s": "0"}, "It rests until it fills."),
    ],
)
def test_a_plan_that_quotes_first_shows_what_that_costs(more: dict[str, str], second: str) -> None:
    """The maker's fee at the touch, and beside it what follows when nobody takes it."""
    shown = plain(proposal_text(replace(an_approval(), shown=QUOTED | more), UTC)).splitlines()
    at = shown.index("Expected as a quote: price 605.2 USDT, fee 0.51 USDT")
    assert shown[at + 1] == second


DONE = Traded(
    plans=2,
    fills=3,
    quantity_base=Decimal("4.0"),
    average_price=Decimal("605.1"),
    fees={"USDT": Decimal("1.21"), "BNB": Decimal("0.0004")},
    arrival_bps=Decimal("2.5"),
)


def test_the_end_sums_what_was_traded() -> None:
    """Fills, average price, fee in each coin, slippage against both, and what was not traded."""
    approval = replace(decided(ApprovalState.DONE, "its time was used up"), used_base=Decimal("4.0"))
    assert plain(outcome_lines(approval, UTC, DONE)[1]) == (
        "🏁 Done (its time was used up): 4 BNB in 3 fills @ 605.1 USDT, fee 1.21 USDT + 0.0004 BNB, slippage 2.5 bps"
        " against the mid then, 0.957 bps better than shown; 0.2 BNB of the approved 4.2 BNB not traded."
    )


def test_what_a_halt_stopped_says_what_was_traded() -> None:
    """Who approved it and how much of it was traded; of a question that was never answered only that it is void."""
    approval = replace(decided(ApprovalState.VOIDED, "halted"), used_base=Decimal("4.0"))
    approved, stopped = (plain(line) for line in outcome_lines(approval, UTC, DONE))
    assert approved == "✅ Approved by Anna 12:01:04 UTC."
    assert stopped.startswith("🚫 Stopped (halted). Until then: 4 BNB in 3 fills @ 605.1 USDT")
    assert stopped.endswith("0.2 BNB of the approved 4.2 BNB not traded.")
    (_, unbooked) = outcome_lines(replace(approval, used_base=Decimal(0)), UTC)
    assert plain(unbooked) == "🚫 Stopped (halted). Until then: no fill was booked under it."
    unanswered = replace(approval, decided_by=None, decided_at=None)
    assert [plain(line) for line in outcome_lines(unanswered, UTC)] == ["🚫 Void (halted)."]
    assert outcome_sentence(unanswered, UTC, wanted="approve", won=False) == (
        "Too late for your answer: it is void (halted)."
    )


def test_one_plan_that_did_all_of_it_is_told_once() -> None:
    """Its own message has said so; parts, an early end or an end without a fill get a sum of their own."""
    approval = decided(ApprovalState.DONE, None)
    assert is_told_by_its_fills(approval, replace(DONE, plans=1))
    assert not is_told_by_its_fills(approval, DONE)
    assert not is_told_by_its_fills(approval, None)
    assert not is_told_by_its_fills(decided(ApprovalState.DONE, "nothing more was needed"), replace(DONE, plans=1))
    assert not is_told_by_its_fills(decided(ApprovalState.FAILED, None), replace(DONE, plans=1))


def test_each_part_says_how_it_compares_and_what_is_left() -> None:
    """Selling under the price that was shown is worse."""
    approval = replace(decided(ApprovalState.EXECUTING, None), used_base=Decimal("1.2"))
    told = executed_under(approval, {"average_price": "604.98", "fills": "1"})
    assert told == "1 fill, 1.03 bps worse than shown, 3 BNB of the approved 4.2 BNB not traded."
    unknown = replace(approval, shown={}, used_base=Decimal("4.2"))
    assert executed_under(unknown, {}) == "that is all that was approved."


def test_only_the_question_itself_is_answered_by_a_reason() -> None:
    """Not the proposal's message, nor words that look a little like it."""
    assert asks_why(plain(reason_question(an_approval()))) == "a1b2c3d4"
    assert asks_why(plain(proposal_text(an_approval(), UTC))) is None
    assert asks_why("") is None and asks_why("Why was it rejected? no idea") is None


@pytest.mark.parametrize(("on_timeout", "then"), [("hold", "Nothing is traded"), ("partial", "One part just under")])
def test_an_expired_proposal_says_what_silence_meant(on_timeout: str, then: str) -> None:
    """As it was announced."""
    approval = replace(decided(ApprovalState.EXPIRED, None), shown={**SHOWN, "on_timeout": on_timeout})
    assert f"nobody answered. {then}" in plain(settled_text(approval, UTC))
