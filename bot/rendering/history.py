"""What happened, one short sentence an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import tzinfo

from bot.rendering.alerts import WRITERS, Units, alert_text
from bot.rendering.approvals import person
from bot.rendering.markup import bold, clip, esc, lines, plain
from bot.rendering.numbers import amount, exact, money, number, quote_of, stamp
from bot.rendering.reasons import words
from core.events import Event, EventKind
from core.facts import Trade

LINE_UNITS = 160
UNNAMED = Units("BASE", "QUOTE")


def history_text(
    events: Sequence[Event], fills: Sequence[tuple[str, Trade]], units: Mapping[str, Units], zone: tzinfo
) -> str:
    """`events` and `fills` newest first, shown oldest first, as a chat reads; `units` by hedge."""
    return lines(
        bold("What happened"),
        *(history_line(event, zone, units.get(event.hedge or "", UNNAMED)) for event in reversed(events)),
        *(("nothing yet",) if not events else ()),
        *(("", bold("Last fills")) if fills else ()),
        *(_fill_line(hedge, trade, zone) for hedge, trade in reversed(fills)),
    )


def is_worth_a_line(event: Event) -> bool:
    """A suspension is an event of its own, beside the decision that says the same."""
    return event.kind is not EventKind.DECISION_CHANGED or event.data.get("state") != "SUSPENDED"


def history_line(event: Event, zone: tzinfo, units: Units) -> str:
    """Marked up for the chat; of an alert's text its first line."""
    if (sentence := SENTENCES.get(event.kind)) is not None:
        what = f"{event.hedge or 'all hedges'}: {sentence(event.data, units)}"
    else:
        what = plain(_first_line(event, zone, units))
    return esc(f"{stamp(event.at, zone)} {clip(' '.join(what.split()), LINE_UNITS)}")


def _first_line(event: Event, zone: tzinfo, units: Units) -> str:
    if event.kind not in WRITERS:
        return esc(f"{event.hedge or 'all hedges'}: {event.kind.value.replace('_', ' ')}")
    try:
        return alert_text(event, zone, units).partition("\n")[0]
    except (LookupError, ValueError, ArithmeticError):  # a row of another version
        return esc(f"{event.hedge or 'all hedges'}: {event.kind.value.replace('_', ' ')}")


Data = Mapping[str, str]


def _decision(data: Data, units: Units) -> str:
    gap = number(data.get("gap_quote"))
    missing = f", gap {money(gap, units.quote)}" if gap is not None else ""
    return f"{_state(data)}: {words(data.get('reason', '')).what}{missing}"


def _state(data: Data) -> str:
    return data.get("state", "decision").replace("_", " ").lower()


def _suspended(data: Data, _units: Units) -> str:
    return f"⚠️ suspended: {words(data.get('reason', '')).what}"


def _recovered(data: Data, _units: Units) -> str:
    return f"✅ hedging again ({words(data.get('reason', '')).what})"


def _breached(data: Data, units: Units) -> str:
    gap, limit = number(data.get("gap_quote")), number(data.get("limit_quote"))
    return f"🚨 exposure over its limit: gap {money(gap, units.quote)}, limit {money(limit, units.quote)}"


def _restored(data: Data, units: Units) -> str:
    return f"✅ exposure back under its limit: gap {money(number(data.get('gap_quote')), units.quote)}"


def _plan(data: Data, units: Units) -> str:
    size = exact(number(data.get("quantity_base")), units.base)
    return f"▸ to {data.get('side', 'trade').lower()} {size}: {words(data.get('reason', '')).what}"


def _position(data: Data, _units: Units) -> str:
    before, after = (data.get(key, "unknown").replace("_", " ").lower() for key in ("frm", "to"))
    return f"💧 position {data.get('position_id', 'unknown')} {before} → {after}"


def _reorganised(data: Data, _units: Units) -> str:
    return f"the chain replaced its block {data.get('replaced_block', 'unknown')}"


def _approval(what: str) -> Callable[[Data, Units], str]:
    def sentence(data: Data, _units: Units) -> str:
        by = f" by {person(data['by'])}" if data.get("by") else ""
        why = f" ({data['detail']})" if data.get("detail") else ""
        return f"⚖️ proposal {data.get('approval_id', 'unknown')} {what}{by}{why}"

    return sentence


SENTENCES: Mapping[EventKind, Callable[[Data, Units], str]] = {
    EventKind.DECISION_CHANGED: _decision,
    EventKind.SUSPENDED: _suspended,
    EventKind.RECOVERED: _recovered,
    EventKind.EXPOSURE_BREACHED: _breached,
    EventKind.EXPOSURE_RESTORED: _restored,
    EventKind.PLAN_OPENED: _plan,
    EventKind.POSITION_CHANGED: _position,
    EventKind.CHAIN_REORGANISED: _reorganised,
    EventKind.APPROVAL_ASKED: _approval("asked"),
    EventKind.APPROVAL_APPROVED: _approval("approved"),
    EventKind.APPROVAL_REJECTED: _approval("rejected"),
    EventKind.APPROVAL_EXPLAINED: _approval("explained"),
    EventKind.APPROVAL_EXPIRED: lambda data, _: f"⚖️ proposal {data.get('approval_id', 'unknown')} expired unanswered",
    EventKind.APPROVAL_SUPERSEDED: _approval("superseded"),
    EventKind.APPROVAL_VOIDED: _approval("void"),
    EventKind.APPROVAL_DONE: lambda data, _: f"⚖️ proposal {data.get('approval_id', 'unknown')} done",
    EventKind.APPROVAL_FAILED: lambda data, _: (
        f"⚖️ proposal {data.get('approval_id', 'unknown')} failed ({data.get('detail', 'unknown')})"
    ),
}


def _fill_line(hedge: str, trade: Trade, zone: tzinfo) -> str:
    quote = quote_of(trade.symbol)
    fee = exact(trade.fee, trade.fee_asset)
    return esc(
        f"{stamp(trade.at, zone)} {hedge}: {trade.side.value} {exact(trade.quantity_base)}"
        f" @ {amount(trade.price, quote)}, fee {fee}"
    )
