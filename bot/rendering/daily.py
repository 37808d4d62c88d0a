"""The daily report: what the day brought, how closely it was hedged, and what is open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from bot.rendering.markup import bold, esc, lines
from bot.rendering.money import Period, Statements, pnl_text, watched_text
from bot.rendering.numbers import moment, money, quote_of
from bot.rendering.reasons import words
from core.accounting.statement import Watched
from core.status import HedgeStatus

TROUBLES = ("suspended", "awaiting_approval", "disabled")


def report_text(
    statements: Statements,
    seen: Mapping[str, tuple[Watched, str]],
    statuses: Sequence[HedgeStatus],
    *,
    waiting: int,
    period: Period,
) -> str:
    """`seen`: with the QUOTE of each hedge. `waiting`: proposals without an answer."""
    return lines(
        pnl_text(statements, period, f"Daily report · {moment(period.end, period.zone)}"),
        *(watched_text(name, watched, quote) for name, (watched, quote) in seen.items()),
        *(_now(status) for status in statuses),
        *_open(statuses, waiting),
    )


def _now(status: HedgeStatus) -> str:
    quote = quote_of(status.perp.symbol)
    gap, band = money(status.gap_quote, quote), money(status.band_quote, quote)
    return f"{bold(status.name)} now {esc(status.state)}: gap {esc(gap)}, band {esc(band)}"


def _open(statuses: Sequence[HedgeStatus], waiting: int) -> Iterator[str]:
    for status in statuses:
        if status.state.lower() in TROUBLES:
            yield f"⚠️ {bold(status.name)}: {esc(words(status.reason).what)}"
    if waiting:
        yield f"⚖️ {waiting} waiting for your answer: /pending"
    if not statuses:
        yield "The hedges have not started yet."
