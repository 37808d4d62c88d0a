"""One screen that answers: is it hedged, is it safe, is it fresh, and if it does nothing, why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from decimal import Decimal

from bot.rendering.markup import bold, code, esc, italic, lines
from bot.rendering.numbers import UNKNOWN, amount, hour, money, percent, quote_of, span
from bot.rendering.reasons import words
from core.status import HedgeStatus, LpStatus, PerpStatus, PositionStatus

Funding = Mapping[str, Mapping[str, Decimal]]  # symbol -> asset -> received, less what was paid
NO_AMOUNTS: Mapping[str, Decimal] = {}
NO_FUNDING: Funding = {}
BAR_CELLS = 12
FULL_RANGE_RATIO = Decimal(10) ** 12
ESTIMATE = "≈ Estimated: the chain cannot be read. Its last confirmed liquidity at the perpetual's price."
OVERALL = (
    ("halted", "HALTED ⛔"),
    ("paused", "PAUSED ⏸"),
    ("suspended", "SUSPENDED ⚠️"),
    ("awaiting_approval", "WAITING FOR YOUR ANSWER ⚖️"),
    ("disabled", "DISABLED"),
)


def status_text(
    statuses: Sequence[HedgeStatus], *, mode: str, now: datetime, zone: tzinfo, funding: Funding = NO_FUNDING
) -> str:
    """All hedges; the first line holds the mode and the most serious state. `funding`: of the last 24 hours."""
    return lines(
        bold(f"{mode.upper()} · {overall(statuses)}"),
        *(
            hedge_text(status, now=now, zone=zone, funding=funding.get(status.perp.symbol, NO_AMOUNTS))
            for status in statuses
        ),
        italic(f"Updated {hour(now, zone)}"),
    )


def overall(statuses: Sequence[HedgeStatus]) -> str:
    if not statuses:
        return "STARTING"
    marks = {status.reason.lower() for status in statuses} | {status.state.lower() for status in statuses}
    return next((title for mark, title in OVERALL if mark in marks), "RUNNING ✅")


def hedge_text(status: HedgeStatus, *, now: datetime, zone: tzinfo, funding: Mapping[str, Decimal]) -> str:
    quote = quote_of(status.perp.symbol)
    base = status.base_symbol or "BASE"
    about = "≈ " if status.estimated else ""
    return lines(
        "",
        f"{bold(status.name)} · {esc(status.perp.symbol)} · {esc(status.state)}: {esc(_reason(status))}",
        ESTIMATE if status.estimated else None,
        *_lp_lines(status.lp, base, quote, about),
        f"Target {about}{_signed(status.target_base, base)} · short {_signed(status.perp.position_base, base)}",
        _gap_line(status, base, quote, about),
        f"Exposure left {about}{_signed(status.residual_base, base)}{_departed(status, base)}",
        _margin_line(status, quote),
        _funding_line(status, zone, funding),
        f"Last hedge {_ago(status.last_hedge_at, now)}",
        f"Fresh: chain {span(status.chain_age_s)}{_block(status.lp)} · exchange {span(status.venue_age_s)}",
    )


def range_bar(price: Decimal | None, lower: Decimal, upper: Decimal) -> str:
    """The range as a line with the price as a dot in it, or beside it when it is out; distances as ratios."""
    cells = ["─"] * BAR_CELLS
    if price is None or price <= 0 or not 0 < lower < upper:
        return f"├{''.join(cells)}┤"
    if price < lower:
        return f"● ├{''.join(cells)}┤"
    if price >= upper:
        return f"├{''.join(cells)}┤ ●"
    share = (price / lower).ln() / (upper / lower).ln()
    cells[min(BAR_CELLS - 1, int(share * BAR_CELLS))] = "●"
    return f"├{''.join(cells)}┤"


def fill_bar(part: Decimal, whole: Decimal) -> str:
    """How much of `whole` is used, full when it is or more."""
    filled = min(BAR_CELLS, int(part / whole * BAR_CELLS)) if whole > 0 else 0
    return "▰" * filled + "▱" * (BAR_CELLS - filled)


def range_line(position: PositionStatus, price: Decimal | None) -> str:
    if position.price_upper >= position.price_lower * FULL_RANGE_RATIO:
        return f"{code(range_bar(price, position.price_lower, position.price_upper))} full range"
    bar = code(range_bar(price, position.price_lower, position.price_upper))
    return f"{esc(amount(position.price_lower))} {bar} {esc(amount(position.price_upper))}"


def liquidation_distance(status: HedgeStatus) -> Decimal | None:
    """Fraction the mark may move until liquidation; None when either is not known or there is none."""
    mark, liquidation = status.perp.mark_price, status.perp.liquidation_price
    if not mark or not liquidation:
        return None
    return abs(liquidation - mark) / mark


def _lp_lines(lp: LpStatus, base: str, quote: str, about: str) -> tuple[str, ...]:
    state = lp.state.replace("_", " ").upper() if lp.state else UNKNOWN
    fees = f"fees {amount(lp.fee_base, base)} + {money(lp.fee_quote, quote)}"
    return (
        f"LP {esc(state)}: {about}{esc(amount(lp.base, base))} + {about}{esc(money(lp.quote, quote))} · {esc(fees)}",
        f"Price {about}{esc(amount(lp.price, quote))}",
        *(range_line(position, lp.price) for position in lp.positions[:4]),
        *((f"… and {len(lp.positions) - 4} more, see /positions",) if len(lp.positions) > 4 else ()),
    )


def _gap_line(status: HedgeStatus, base: str, quote: str, about: str) -> str:
    gap, band = status.gap_quote, status.band_quote
    figures = f"Gap {about}{_signed(status.gap_base, base)} = {about}{esc(money(gap, quote))}"
    if gap is None or not band:
        return f"{figures}, band {esc(money(band, quote))}"
    share = f"{gap / band * 100:.0f} % of the {money(band, quote)} band"
    return f"{figures} {code(fill_bar(gap, band))} {esc(share)}"


def _margin_line(status: HedgeStatus, quote: str) -> str:
    perp = status.perp
    distance = liquidation_distance(status)
    if distance is not None:
        liquidation = f"{amount(perp.liquidation_price, quote)} ({percent(distance)} away)"
    elif perp.position_base is None:
        liquidation = UNKNOWN
    else:
        liquidation = "none" if perp.liquidation_price is None else amount(perp.liquidation_price, quote)
    return (
        f"Liquidation {esc(liquidation)} · free {esc(money(perp.available_balance, quote))}"
        f" · margin ratio {esc(_margin_ratio(perp))}"
    )


def _margin_ratio(perp: PerpStatus) -> str:
    """What the positions need over what the account has: at 100 % they are liquidated."""
    balance, needed = perp.margin_balance, perp.maintenance_margin
    if balance is None or needed is None:
        return UNKNOWN
    if balance <= 0:
        return "over 100 %" if needed else percent(needed)
    return percent(needed / balance)


def _funding_line(status: HedgeStatus, zone: tzinfo, day: Mapping[str, Decimal]) -> str:
    """`day`: by asset, what was received less what was paid in the last 24 hours, as far as it is booked."""
    perp = status.perp
    due = f" at {hour(perp.next_funding_time, zone)}" if perp.next_funding_time is not None else ""
    paid = ", ".join(f"{money(total, asset, signed=True)}" for asset, total in day.items()) or "none booked"
    return f"Funding {esc(_funding(perp.funding_rate))}{esc(due)} · last 24 h {esc(paid)}"


def _funding(rate: Decimal | None) -> str:
    """A positive rate is paid by longs, so a short receives it."""
    if not rate:
        return percent(rate)
    return f"{percent(rate, signed=True)} ({'received' if rate > 0 else 'paid'})"


def _reason(status: HedgeStatus) -> str:
    what = words(status.reason).what
    return f"{what} ({status.detail.rstrip('.')})" if status.detail and status.detail != what else what


def _departed(status: HedgeStatus, base: str) -> str:
    return f" · left the LP, still hedged {esc(amount(status.departed_base, base))}" if status.departed_base else ""


def _block(lp: LpStatus) -> str:
    return f" (block {lp.block:,})" if lp.block is not None else ""


def _ago(at: datetime | None, now: datetime) -> str:
    return f"{span((now - at).total_seconds())} ago" if at is not None else "none yet"


def _signed(value: Decimal | None, unit: str) -> str:
    return esc(amount(value, unit, signed=True))
