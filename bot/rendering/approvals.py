"""A proposal to a person, and the same text again with what became of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, tzinfo
from decimal import Decimal

from bot.rendering.markup import bold, code, esc, lines
from bot.rendering.numbers import UNKNOWN, amount, bps, exact, hour, money, number, quote_of, span
from bot.rendering.reasons import words
from core.ports import Approval, ApprovalState
from core.traded import Traded, worse_bps

ON_TIMEOUT = {
    "hold": "No answer: nothing is traded, and I ask again.",
    "partial": "No answer: one part just under the approval limit is traded, and I ask again for the rest.",
}
AFTER_SILENCE = {
    "hold": "Nothing is traded, and I ask again.",
    "partial": "One part just under the approval limit is traded, and I ask again for the rest.",
}
# Which setting or figure stands behind the limit that cut a trade.
CUT_BY = {
    "low_margin": "the free margin",
    "low_liquidation_distance": "the distance to liquidation (min_liquidation_distance_pct)",
    "at_cap": "max_position_notional",
    "lp_limit": "what the liquidity could ever need",
}
WHY = "Why was it rejected?"
ASKED_WHY = re.compile(rf"^{re.escape(WHY)}.*\bID ([0-9a-z]+)\b", re.DOTALL)
# The state that an answer leads to, and what is said to whoever gave it.
ANSWERS: Mapping[str, tuple[ApprovalState, str]] = {
    "approve": (ApprovalState.APPROVED, "Approved: {size}. Working on it."),
    "reject": (ApprovalState.REJECTED, "Rejected: {size}. I do not propose this side again for a while."),
}
# Why an answer comes too late, by the state it meets; in any other the proposal was approved.
STANDING: Mapping[ApprovalState, str] = {
    ApprovalState.PENDING: "its time was up at {expiry}.",
    ApprovalState.REJECTED: "rejected by {who}.",
    ApprovalState.EXPIRED: "it expired at {expiry}.",
    ApprovalState.SUPERSEDED: "it was superseded, the need changed{note}.",
    ApprovalState.VOIDED: "approved by {who}, then stopped{note}.",
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


def settled_text(approval: Approval, zone: tzinfo, done: Traded | None = None) -> str:
    """The proposal as it was shown, and under it the outcome: the chat keeps what was decided on."""
    return lines(
        f"⚖️ {bold('Proposed hedge')}",
        *_body(approval),
        f"ID {code(approval.approval_id)}",
        "",
        *outcome_lines(approval, zone, done),
    )


def outcome_lines(approval: Approval, zone: tzinfo, done: Traded | None = None) -> tuple[str, ...]:
    """Who decided, when, and how it ended; nothing while it waits. `done`: what was traded under it."""
    decision = _decision(approval, zone)
    match approval.state:
        case ApprovalState.PENDING:
            return ()
        case ApprovalState.DONE:
            return (decision, f"🏁 {bold('Done')}{_because(approval)}: {_traded(approval, done)}")
        case ApprovalState.FAILED:
            return (decision, f"⚠️ {bold('Failed')}{_because(approval)}: {_traded(approval, done)}")
        case ApprovalState.VOIDED if approval.decided_by:
            return (decision, f"🚫 {bold('Stopped')}{_because(approval)}. Until then: {_booked(approval, done)}")
        case _:
            return (decision,)


def executed_under(approval: Approval, data: Mapping[str, str]) -> str:
    """Under the message of one executed plan: what it says beside the plan's own figures."""
    price, fills = number(data.get("average_price")), data.get("fills")
    count = None if fills is None else f"{fills} {'fill' if fills == '1' else 'fills'}"
    parts = [part for part in (count, _against_shown(approval, price)) if part]
    return esc(f"{', '.join((*parts, _rest(approval)))}.")


def is_told_by_its_fills(approval: Approval, done: Traded | None) -> bool:
    """One plan did all of it, and its own message has said so."""
    return approval.state is ApprovalState.DONE and done is not None and done.plans == 1 and not approval.note


def reason_question(approval: Approval) -> str:
    """Asked after a Reject; an answer to this very message is the reason."""
    return lines(
        f"{bold(WHY)} {esc(_size(approval))} · {esc(approval.hedge)}",
        f"It is rejected either way. Answer this message with a reason, or leave it. ID {code(approval.approval_id)}",
    )


def asks_why(text: str) -> str | None:
    """The id of the proposal about which the plain text of `reason_question` asks; None for any other text."""
    found = ASKED_WHY.match(text)
    return found.group(1) if found else None


def explained_sentence(approval: Approval | None, *, won: bool) -> str:
    """Plain text for who gave a reason; None: the id is unknown."""
    if approval is None:
        return "I know no such proposal, so the reason was not kept."
    if won:
        return f"Kept with proposal {approval.approval_id}: {approval.note}"
    if approval.state is ApprovalState.REJECTED:
        return f"Proposal {approval.approval_id} has a reason already{_note(approval)}; the first one stands."
    return f"Proposal {approval.approval_id} is {approval.state.value}, so the reason was not kept."


def outcome_sentence(approval: Approval | None, zone: tzinfo, *, wanted: str, won: bool) -> str:
    """One plain sentence for who pressed: what their answer did, or who was there before."""
    if approval is None:
        return "I know no proposal with this ID; /pending lists those that wait."
    state, says = ANSWERS[wanted]
    if won:
        return says.format(size=_size(approval))
    why = "Decided already" if approval.state is state else "Too late for your answer"
    return f"{why}: {_standing(approval, zone)}"


def person(by: str | None) -> str:
    """The name out of "Anna (4711)"."""
    return (by or "someone").partition(" (")[0]


def time_left(approval: Approval, now: datetime) -> str:
    """Until the answer comes too late."""
    left = (approval.expires_at - now).total_seconds()
    return f"{span(left)} left" if left > 0 else "its time is up"


def _body(approval: Approval) -> tuple[str, ...]:
    shown = approval.shown
    base, quote = shown.get("base_symbol", "BASE"), quote_of(approval.symbol)
    size = number(shown.get("size_base")) or approval.quantity_base
    worth = number(shown.get("size_quote")) or approval.notional_quote
    trade = bold(f"{approval.side.value} {exact(size, base)}")
    return (
        f"{trade} ≈ {esc(money(worth, quote))} · {esc(approval.hedge)} · {esc(approval.symbol)}",
        f"Why: {esc(_why(approval, base, quote))}",
        *_cut(approval, base),
        *_expected(approval, quote),
        _change(approval, "Position", "position", base, signed=True),
        _change(approval, "Exposure left", "exposure", base, signed=True),
        _change(approval, "Free margin", "available", quote),
        _change(approval, "Liquidation", "liquidation", quote),
    )


def _expected(approval: Approval, quote: str) -> tuple[str, ...]:
    """What it costs at once from the book; of a plan that quotes first, what the quote costs too."""
    shown = approval.shown
    price, slippage = _shown(approval, "expected_price", quote), bps(number(shown.get("expected_slippage_bps")))
    at_once = f"price {price}, cost {esc(money(number(shown.get('expected_cost_quote')), quote))}, slippage {slippage}"
    if "quote_price" not in shown:
        return (f"Expected: {at_once}",)
    quoted = f"price {_shown(approval, 'quote_price', quote)}, fee {_shown_money(approval, 'quote_fee_quote', quote)}"
    if not (waits_s := number(shown.get("quote_for_s"))):
        return (f"Expected as a quote: {quoted}", "It rests until it fills.")
    waits = span(float(waits_s))
    rest = f"At market what has not filled after {waits}: {at_once}"
    left = f"What has not filled after {waits} is not traded"
    return (f"Expected as a quote: {quoted}", rest if shown.get("fallback") == "market" else left)


def _shown_money(approval: Approval, key: str, unit: str) -> str:
    return esc(money(number(approval.shown.get(key)), unit))


def _why(approval: Approval, base: str, quote: str) -> str:
    gap_base, gap = number(approval.shown.get("gap_base")), number(approval.shown.get("gap_quote"))
    band = number(approval.shown.get("band_quote"))
    multiple = f", {amount(round(gap / band, 1))} bands" if gap is not None and band else ""
    figures = f"gap {amount(gap_base, base, signed=True)} = {money(gap, quote)} (band {money(band, quote)}{multiple})"
    return f"{figures}; {words(approval.reason).what}"


def _cut(approval: Approval, base: str) -> tuple[str, ...]:
    """Which limit keeps the trade under what is needed; nothing when none does."""
    cut_by, needed = approval.shown.get("cut_by"), number(approval.shown.get("needed_base"))
    if cut_by is None or needed is None:
        return ()
    limit = CUT_BY.get(cut_by) or words(cut_by).what
    left = exact(needed - approval.quantity_base, base)
    return (esc(f"Cut by {limit}: {exact(needed, base)} needed, {left} of it stays open."),)


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
            then = AFTER_SILENCE.get(approval.shown.get("on_timeout", "hold"), AFTER_SILENCE["hold"])
            return f"⌛ {bold('Expired')} {hour(approval.expires_at, zone)}: nobody answered. {then}"
        case ApprovalState.SUPERSEDED:
            return f"↩️ {bold('Superseded')}: no longer what is needed{_because(approval)}."
        case ApprovalState.VOIDED if not approval.decided_by:
            return f"🚫 {bold('Void')}{_because(approval)}."
        case _:
            return f"✅ {bold('Approved')} by {esc(who)} {at}."


def _standing(approval: Approval, zone: tzinfo) -> str:
    """Why an answer came too late, as one plain sentence."""
    if approval.state is ApprovalState.VOIDED and not approval.decided_by:
        return f"it is void{_note(approval)}."
    return STANDING.get(approval.state, "approved by {who}.").format(
        who=f"{person(approval.decided_by)} at {hour(approval.decided_at, zone)}",
        expiry=hour(approval.expires_at, zone),
        note=_note(approval),
    )


def _because(approval: Approval) -> str:
    return esc(_note(approval))


def _note(approval: Approval) -> str:
    return f" ({approval.note.rstrip('.')})" if approval.note else ""


def _size(approval: Approval) -> str:
    return f"{approval.side.value} {exact(approval.quantity_base)} {approval.shown.get('base_symbol', '')}".rstrip()


def _booked(approval: Approval, done: Traded | None) -> str:
    """Of one that was stopped on its way."""
    return _traded(approval, done) if done or approval.used_base else "no fill was booked under it."


def _traded(approval: Approval, done: Traded | None) -> str:
    """Size, fills, price, fee, slippage, and what is left of what was approved."""
    base, quote = approval.shown.get("base_symbol", "BASE"), quote_of(approval.symbol)
    if done is None:
        size = exact(approval.used_base, base) if approval.used_base else "nothing was"
        return esc(f"{size} traded under it.")
    fees = " + ".join(money(fee, asset) for asset, fee in done.fees.items())
    fills = "1 fill" if done.fills == 1 else f"{done.fills} fills"
    shown = _against_shown(approval, done.average_price)
    slippage = f"slippage {bps(done.arrival_bps)} against the mid then{f', {shown}' if shown else ''}"
    return esc(
        f"{exact(done.quantity_base, base)} in {fills} @ {amount(done.average_price, quote)}, fee {fees}, {slippage};"
        f" {_rest(approval)}."
    )


def _rest(approval: Approval) -> str:
    left, base = approval.quantity_base - approval.used_base, approval.shown.get("base_symbol", "BASE")
    if left <= 0:
        return "that is all that was approved"
    return f"{exact(left, base)} of the approved {exact(approval.quantity_base, base)} not traded"


def _against_shown(approval: Approval, price: Decimal | None) -> str | None:
    """Against the price that the proposal expected; None when it named none."""
    expected = number(approval.shown.get("expected_price"))
    if not expected or not price:
        return None
    worse = worse_bps(approval.side, price, expected)
    if not round(worse, 1):
        return "at the price shown"
    return f"{bps(abs(worse))} {'worse' if worse > 0 else 'better'} than shown"
