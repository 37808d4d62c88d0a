"""A hedge in a few lines, and what is at work and comes next: for screens that hold several."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from bot.measures import liquidation_distance
from bot.rendering.bars import fill_bar, is_full_range, range_bar
from bot.rendering.markup import code, esc
from bot.rendering.numbers import UNKNOWN, amount, exact, money, percent, quote_of, span
from core.status import DueKind, HedgeStatus, LpStatus, PositionStatus, WorkStatus

MOST_DUE = 2
DUE_WORDS: Mapping[DueKind, str] = {
    DueKind.LOOK: "look",
    DueKind.FUNDING: "funding",
    DueKind.COOLDOWN: "cooldown ends",
    DueKind.SNOOZE: "snooze ends",
    DueKind.ASK_AGAIN: "asks again",
    DueKind.EXPIRY: "proposal expires",
    DueKind.GRACE: "grace of what left ends",
    DueKind.CLOSE: "closes the short",
    DueKind.FORCE: "rebalance by the clock",
    DueKind.OUT_OF_RANGE: "out-of-range trade",
}


def brief_lines(status: HedgeStatus) -> tuple[str, ...]:
    """Where the price stands, how the short fits, how safe it is."""
    base, quote = status.base_symbol or "BASE", quote_of(status.perp.symbol)
    about = "≈ " if status.estimated else ""
    short = f"Short {amount(status.perp.position_base)} of {about}{amount(status.target_base, base)}"
    gap = f"gap {about}{money(status.gap_quote, quote)}{_share(status)}"
    return (
        f"{_hull(status.lp)} · {about}{esc(amount(status.lp.price, quote))}",
        f"{esc(short)} · {esc(gap)}",
        f"{brief_liquidation(status, quote)} · free {esc(money(status.perp.available_balance, quote))}",
    )


def brief_liquidation(status: HedgeStatus, quote: str) -> str:
    """ "none" only where the position was read and has none."""
    perp, distance = status.perp, liquidation_distance(status.perp)
    if distance is not None:
        where = f"{amount(perp.liquidation_price, quote)} ({percent(distance)} away)"
    elif perp.position_base is None:
        where = UNKNOWN
    else:
        where = "none" if perp.liquidation_price is None else amount(perp.liquidation_price, quote)
    return f"Liquidation {esc(where)}"


def work_line(work: WorkStatus | None, base: str, quote: str, now: datetime) -> str | None:
    """A plan under way: how much of it is filled, by which order, and what rests."""
    if work is None:
        return None
    filled = f"{exact(work.filled_base)} of {exact(work.quantity_base, base)}"
    slices = f", order {work.orders} of {max(work.orders, work.slices)}" if work.slices > 1 else ""
    resting = ""
    if (rests := work.quote) is not None:
        age = span((now - rests.since).total_seconds())
        resting = f" · rests {exact(rests.left_base)} at {amount(rests.price, quote)} for {age}"
    bar = code(fill_bar(work.filled_base, work.quantity_base))
    return f"At work: {esc(work.side)} {bar} {esc(filled + slices + resting)}"


def next_words(status: HedgeStatus, now: datetime) -> str:
    """What happens soonest by itself, the next look only where nothing else is known."""
    known = [due for due in status.due if due.kind is not DueKind.LOOK] or list(status.due)
    said = (f"{DUE_WORDS[due.kind]} in {span((due.at - now).total_seconds())}" for due in known[:MOST_DUE])
    return "".join(f" · {each}" for each in said)


def _share(status: HedgeStatus) -> str:
    if status.gap_quote is None or not status.band_quote:
        return ""
    return f", {status.gap_quote / status.band_quote * 100:.0f} % of the band"


def _hull(lp: LpStatus) -> str:
    """The outermost edges of all positions, as one range."""
    if not lp.positions:
        return f"LP {UNKNOWN}" if lp.state is None else "no LP position"
    ranged = [each for each in lp.positions if not is_full_range(each)]
    return _between(ranged, lp.price) if ranged else "full range"


def _between(ranged: Sequence[PositionStatus], price: Decimal | None) -> str:
    lower, upper = min(each.price_lower for each in ranged), max(each.price_upper for each in ranged)
    return f"{esc(amount(lower))} {code(range_bar(price, lower, upper))} {esc(amount(upper))}"
