"""A proposal to a person, and the same text again with what became of it."""

from __future__ import annotations

from datetime import datetime, tzinfo

from bot.rendering.markup import bold, code, esc, lines
from bot.rendering.numbers import UNKNOWN, amount, bps, exact, hour, money, number, quote_of, span
from bot.rendering.reasons import words
from core.ports import Approval, ApprovalState

ON_TIMEOUT = {
    "hold": "No answer: nothing is traded, and I ask again.",
    "partial": "No answer: one part just under the approval limit is traded, and I ask again for the rest.",
}


ESTIMATE = "≈ From an estimate: the chain cannot be read; its last confirmed liquidity at the perpetual's price."


def proposal_text(approval: Approval, zone: tzinfo) -> str:
    """Everything one needs to say yes or no, and what silence means."""
    again = f" (asked {approval.ask_count} times)" if approval.ask_count > 1 else ""
    return lines(
        f"⚖️ {bold('Approve this hedge?')}{again}",
        *_body(approval),
        ESTIMATE if "estimated" in approval.shown else None,
        f"Expires {esc(hour(approval.expires_at, zone))}. {_on_timeout(approval)}",
        f"ID {code(approval.approval_id)}",
    )


def settled_text(approval: Approval, zone: tzinfo) -> str:
    """The proposal as it was shown, and under it the outcome: the chat keeps what was decided on."""
    return lines(
        f"⚖️ {bold('Proposed hedge')}",
        *_body(approval),
        f"ID {code(approval.approval_id)}",
        "",
        *outcome_lines(approval, zone),
    )


def outcome_lines(approval: Approval, zone: tzinfo) -> tuple[str, ...]:
    """Who decided, when, and how it ended; nothing while it waits."""
    decision = _decision(approval, zone)
    match approval.state:
        case ApprovalState.PENDING:
            return ()
        case ApprovalState.DONE:
            return (decision, f"🏁 Done: {_used(approval)} traded under it.")
        case ApprovalState.FAILED:
            return (decision, f"⚠️ Failed{_because(approval)}. {_used(approval)} traded under it.")
        case _:
            return (decision,)


def outcome_sentence(approval: Approval | None, zone: tzinfo, *, wanted: str, won: bool) -> str:
    """One plain sentence for who pressed: what their answer did, or who was there before."""
    if approval is None:
        return "I know no proposal with this ID; /pending lists those that wait."
    size = f"{approval.side.value} {exact(approval.quantity_base)} {approval.shown.get('base_symbol', '')}".rstrip()
    if won and wanted == "approve":
        return f"Approved: {size}. Working on it."
    if won:
        return f"Rejected: {size}. I do not propose this side again for a while."
    already = approval.state is (ApprovalState.APPROVED if wanted == "approve" else ApprovalState.REJECTED)
    return f"{'Decided already' if already else 'Too late for your answer'}: {_standing(approval, zone)}"


def person(by: str | None) -> str:
    """The name out of "Anna (4711)"."""
    return (by or "someone").partition(" (")[0]


def time_left(approval: Approval, now: datetime) -> str:
    left = (approval.expires_at - now).total_seconds()
    return f"{span(left)} left" if left > 0 else "its time is up"


def _body(approval: Approval) -> tuple[str, ...]:
    shown = approval.shown
    base, quote = shown.get("base_symbol", "BASE"), quote_of(approval.symbol)
    size = number(shown.get("size_base")) or approval.quantity_base
    worth = number(shown.get("size_quote")) or approval.notional_quote
    trade = bold(f"{approval.side.value} {exact(size, base)}")
    price, slippage = _shown(approval, "expected_price", quote), bps(number(shown.get("expected_slippage_bps")))
    cost = esc(money(number(shown.get("expected_cost_quote")), quote))
    return (
        f"{trade} ≈ {esc(money(worth, quote))} · {esc(approval.hedge)} · {esc(approval.symbol)}",
        f"Why: {esc(_why(approval, base, quote))}",
        f"Expected: price {price}, cost {cost}, slippage {slippage}",
        _change(approval, "Position", "position", base, signed=True),
        _change(approval, "Exposure left", "exposure", base, signed=True),
        _change(approval, "Free margin", "available", quote),
        _change(approval, "Liquidation", "liquidation", quote),
    )


def _why(approval: Approval, base: str, quote: str) -> str:
    gap_base, gap = number(approval.shown.get("gap_base")), number(approval.shown.get("gap_quote"))
    band = number(approval.shown.get("band_quote"))
    multiple = f", {amount(round(gap / band, 1))} bands" if gap is not None and band else ""
    figures = f"gap {amount(gap_base, base, signed=True)} = {money(gap, quote)} (band {money(band, quote)}{multiple})"
    return f"{figures}; {words(approval.reason).what}"


def _change(approval: Approval, title: str, key: str, unit: str, *, signed: bool = False) -> str:
    before = _shown(approval, f"{key}_before", unit, signed=signed)
    after = _shown(approval, f"{key}_after", unit, signed=signed)
    return f"{title}: {before} → {after}"


def _shown(approval: Approval, key: str, unit: str, *, signed: bool = False) -> str:
    text = approval.shown.get(key, UNKNOWN)
    value = number(text)
    return esc(amount(value, unit, signed=signed) if value is not None else text)


def _on_timeout(approval: Approval) -> str:
    return ON_TIMEOUT.get(approval.shown.get("on_timeout", "hold"), ON_TIMEOUT["hold"])


def _decision(approval: Approval, zone: tzinfo) -> str:
    who, at = person(approval.decided_by), hour(approval.decided_at, zone)
    match approval.state:
        case ApprovalState.REJECTED:
            rejected = f"❌ {bold('Rejected')} by {esc(who)} {at}{_because(approval)}"
            return f"{rejected}. This side is not proposed for a while."
        case ApprovalState.EXPIRED:
            return f"⌛ {bold('Expired')} {hour(approval.expires_at, zone)}: nobody answered."
        case ApprovalState.SUPERSEDED:
            return f"↩️ {bold('Superseded')}: no longer what is needed{_because(approval)}."
        case ApprovalState.VOIDED:
            return f"🚫 {bold('Void')}{_because(approval)}."
        case _:
            return f"✅ {bold('Approved')} by {esc(who)} {at}."


def _standing(approval: Approval, zone: tzinfo) -> str:
    """Why an answer came too late, as one plain sentence."""
    who = f"{person(approval.decided_by)} at {hour(approval.decided_at, zone)}"
    match approval.state:
        case ApprovalState.PENDING:
            return f"its time was up at {hour(approval.expires_at, zone)}."
        case ApprovalState.REJECTED:
            return f"rejected by {who}."
        case ApprovalState.EXPIRED:
            return f"it expired at {hour(approval.expires_at, zone)}."
        case ApprovalState.SUPERSEDED:
            return f"it was superseded, the need changed{_note(approval)}."
        case ApprovalState.VOIDED:
            return f"it is void{_note(approval)}."
        case _:
            return f"approved by {who}."


def _because(approval: Approval) -> str:
    return esc(_note(approval))


def _note(approval: Approval) -> str:
    return f" ({approval.note.rstrip('.')})" if approval.note else ""


def _used(approval: Approval) -> str:
    return esc(exact(approval.used_base, approval.shown.get("base_symbol", "BASE")))
