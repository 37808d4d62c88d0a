"""One screen that answers: is it hedged, is it safe, is it fresh, and if it does nothing, why.

One hedge is shown in full; of several each in a few lines, and in full when asked for by name.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal

from bot.rendering.bars import fill_bar, range_line
from bot.rendering.brief import brief_lines, brief_liquidation, next_words, work_line
from bot.rendering.markup import bold, code, esc, italic, lines
from bot.rendering.numbers import UNKNOWN, amount, hour, money, percent, quote_of, span
from bot.rendering.reasons import words
from core.status import HedgeStatus, LpStatus, PerpStatus

Funding = Mapping[str, Mapping[str, Decimal]]  # symbol -> asset -> received, less what was paid
NO_AMOUNTS: Mapping[str, Decimal] = {}
NO_FUNDING: Funding = {}
ESTIMATE = "≈ Estimated: the chain cannot be read. Its last confirmed liquidity at the perpetual's price."
STOPS = (("halted", "HALTED ⛔"), ("paused", "PAUSED ⏸"))
OVERALL = (
    *STOPS,
    ("suspended", "SUSPENDED ⚠️"),
    ("awaiting_approval", "WAITING FOR YOUR ANSWER ⚖️"),
    ("snoozed", "NOT HEDGED, YOU REJECTED IT ⚠️"),
    ("unanswered", "NOT HEDGED, UNANSWERED ⚠️"),
    ("disabled", "DISABLED"),
)


NOT_RUNNING = "NOT RUNNING 💤"
NO_SERVICE = "No service runs on this database: this is one look, nothing is traded. lp-hedge run starts it."
NOTHING_READ = "Neither the chain nor the exchange has been read, so no figure is known."
WOULD_ASK = "would ask you first: a large hedge is needed"


@dataclass(frozen=True, slots=True)
class Service:
    """Of the program that keeps these hedges. `running` False: what is shown is one look beside it; None: cannot be
    seen. `failing`: its other parts that are not well, with what is wrong."""

    running: bool | None = True
    failing: Sequence[str] = ()


RUNNING = Service()


def status_text(
    statuses: Sequence[HedgeStatus],
    *,
    mode: str,
    now: datetime,
    zone: tzinfo,
    funding: Funding = NO_FUNDING,
    service: Service = RUNNING,
) -> str:
    """All hedges; the first line holds the mode and the most serious state. `funding`: of the last 24 hours."""
    if len(statuses) == 1:
        day = funding.get(statuses[0].perp.symbol, NO_AMOUNTS)
        hedges = [_full(statuses[0], now=now, zone=zone, day=day, service=service)]
    else:
        hedges = [_compact(status, now=now, service=service) for status in statuses]
    return lines(
        bold(f"{mode.upper()} · {headline(statuses, service)}"),
        _service_line(service),
        *hedges,
        "\n/status NAME shows one in full." if len(statuses) > 1 else None,
        *(f"🚨 {esc(each)}" for each in service.failing),
        italic(f"Updated {hour(now, zone)}"),
    )


def headline(statuses: Sequence[HedgeStatus], service: Service = RUNNING) -> str:
    """Without a service a stop is still in force; any other state is only what it would be in."""
    if service.running is not False:
        return overall(statuses)
    stop = _gravest(STOPS, {mark for status in statuses for mark in (status.reason, status.stopped)})
    return f"{stop} · {NOT_RUNNING}" if stop else NOT_RUNNING


def overall(statuses: Sequence[HedgeStatus]) -> str:
    """The gravest that any of them is in, by the order of OVERALL."""
    if not statuses:
        return "STARTING"
    marks = {mark.lower() for status in statuses for mark in (status.reason, status.state, status.stopped)}
    return _gravest(OVERALL, marks) or "RUNNING ✅"


def _gravest(titles: Sequence[tuple[str, str]], marks: Collection[str]) -> str | None:
    return next((title for mark, title in titles if mark in marks), None)


def hedge_title(status: HedgeStatus, service: Service = RUNNING) -> str:
    """Name, symbol, state and why."""
    says = f"{status.state}: {_reason(status)}"
    if service.running is False and status.reason not in ("halted", "paused"):
        says = WOULD_ASK if status.awaits_answer else f"would be {says}"
    return f"{bold(status.name)} · {esc(status.perp.symbol)} · {esc(says)}"


def _answer_line(status: HedgeStatus) -> str | None:
    """As it is typed at the machine, where no button is."""
    waits = status.approval_id
    return f"Waits for: approve {esc(waits)}, or reject {esc(waits)}" if waits else None


def _full(status: HedgeStatus, *, now: datetime, zone: tzinfo, day: Mapping[str, Decimal], service: Service) -> str:
    quote = quote_of(status.perp.symbol)
    base = status.base_symbol or "BASE"
    about = "≈ " if status.estimated else ""
    if _nothing_is_read(status):
        return lines("", hedge_title(status, service), _answer_line(status), NOTHING_READ)
    return lines(
        "",
        hedge_title(status, service),
        _answer_line(status),
        ESTIMATE if status.estimated else None,
        *_lp_lines(status.lp, base, quote, about),
        f"Target {about}{_signed(status.target_base, base)} · short {_signed(status.perp.position_base, base)}",
        _gap_line(status, base, quote, about),
        f"Exposure left {about}{_signed(status.residual_base, base)}{_departed(status, base)}",
        work_line(status.work, base, quote, now),
        _margin_line(status, quote),
        _funding_line(status, zone, day),
        f"Last hedge {_ago(status.last_hedge_at, now)}{next_words(status, now)}",
        f"Fresh: chain {span(status.chain_age_s)}{_block(status.lp)} · account {span(status.venue_age_s)}"
        f" · market {span(status.market_age_s)}{_pushed(status)}",
    )


def _compact(status: HedgeStatus, *, now: datetime, service: Service) -> str:
    base, quote = status.base_symbol or "BASE", quote_of(status.perp.symbol)
    fresh = f"Fresh: chain {span(status.chain_age_s)} · exchange {span(status.venue_age_s)}"
    return lines(
        "",
        hedge_title(status, service),
        _answer_line(status),
        ESTIMATE if status.estimated else None,
        *brief_lines(status),
        work_line(status.work, base, quote, now),
        f"{fresh}{next_words(status, now)}",
    )


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
    return (
        f"{brief_liquidation(status, quote)} · free {esc(money(status.perp.available_balance, quote))}"
        f" · margin ratio {esc(_margin_ratio(status.perp))}"
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
    return f"Funding {esc(_funding(perp))}{esc(due)} · last 24 h {esc(paid)}"


def _funding(perp: PerpStatus) -> str:
    """A positive rate is paid by longs, so a short receives it, and who holds nothing does neither."""
    rate, position = perp.funding_rate, perp.position_base
    if not rate or not position:
        return percent(rate, signed=True)
    return f"{percent(rate, signed=True)} ({'received' if rate * position < 0 else 'paid'})"


def _nothing_is_read(status: HedgeStatus) -> bool:
    ages = (status.chain_age_s, status.venue_age_s, status.market_age_s)
    return all(age_s is None for age_s in ages) and status.lp.base is None and status.perp.position_base is None


def _reason(status: HedgeStatus) -> str:
    what = words(status.reason).what
    return f"{what} ({status.detail.rstrip('.')})" if status.detail and status.detail != what else what


def _departed(status: HedgeStatus, base: str) -> str:
    return f" · left the LP, still hedged {esc(amount(status.departed_base, base))}" if status.departed_base else ""


def _pushed(status: HedgeStatus) -> str:
    if status.market_pushed is None:
        return ""
    return " (pushed)" if status.market_pushed else " (asked)"


def _service_line(service: Service) -> str | None:
    if service.running is None:
        return "Whether a service runs on this database cannot be seen."
    return None if service.running else NO_SERVICE


def _block(lp: LpStatus) -> str:
    return f" (block {lp.block:,})" if lp.block is not None else ""


def _ago(at: datetime | None, now: datetime) -> str:
    return f"{span((now - at).total_seconds())} ago" if at is not None else "none yet"


def _signed(value: Decimal | None, unit: str) -> str:
    return esc(amount(value, unit, signed=True))
