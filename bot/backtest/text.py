"""What a backtest found, for a terminal of 100 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from bot.backtest.figures import minute
from bot.backtest.findings import Findings, shares_of
from bot.rendering.numbers import amount, span
from core.accounting.attribution import Parts
from core.clock import at_ms

COLUMNS = 100
UNKNOWN = "unknown"
LABEL, FIGURE = 40, 16
JUDGE = (
    "Net is not what settings are judged by: over one period the price decides it. Judge by the cost and by the "
    "exposure that is left."
)
NOT_RECORDED = {
    "lp_fees": "LP fees (not recorded: --pool-minutes, or --fee-apr)",
    "funding": "funding (not recorded: --funding)",
}
PART_LABELS = (
    ("lp_fees", "LP fees"),
    ("lp_price", "price of the LP's BASE"),
    ("lvr", "LVR, the LP's loss by rebalancing"),
    ("beside", "BASE beside the LP"),
    ("hedge", "short, as if filled at arrival prices"),
    ("slippage", "slippage"),
    ("funding", "funding"),
    ("commissions", "commissions"),
    ("other", "other: taken at a liquidation"),
)
OTHER = "Other is what the exchange takes beside the commission when it liquidates; it is no part of the cost."
# In no sum; the short's two are what it and slippage are, another way.
BESIDE_THE_SUM = (
    ("residual", "residual: LP's BASE and short"),
    ("realised", "short, realised"),
    ("unrealised", "short, unrealised"),
)
ONLY_IF_ANY = ("beside", "other")
MOST_REASONS = 8


def report_text(found: Findings) -> str:
    """A block that has nothing to say is left out."""
    blocks = (
        _warnings(found),
        _head(found),
        _notes(found),
        _account(found),
        _hedging(found),
        _lp(found),
        _risk(found),
        _times(found),
    )
    return "\n\n".join("\n".join(lines) for lines in map(list, blocks) if lines)


def _head(found: Findings) -> Iterator[str]:
    case, outcome = found.case, found.outcome
    start, end = (minute(at_ms(each)) for each in (outcome.start_ms, outcome.end_ms))
    yield f"{case.hedge}: {case.config.symbol}, {start} to {end} UTC"
    yield f"{outcome.bars:,} bars of {span(case.step_ms / 1000)}, {outcome.days:.1f} days, {outcome.looks:,} looks"
    yield from textwrap.wrap(f"Recorded: {case.source}", COLUMNS, subsequent_indent="  ")
    position = case.position
    yield (
        f"Position {_amount(position.lower)} to {_amount(position.upper)} {case.quote} per {case.base}, worth "
        f"{case.first_value_quote:,.2f} {case.quote} at {_amount(float(case.path.pool[0]))};"
    )
    yield f"in range {_percent(outcome.observed.in_range_share)} of the time"


def _warnings(found: Findings) -> Iterator[str]:
    for warning in found.warnings:
        yield from textwrap.wrap(warning, COLUMNS)


def _notes(found: Findings) -> Iterator[str]:
    for notice in found.case.notices:
        yield from textwrap.wrap(notice, COLUMNS, initial_indent="- ", subsequent_indent="  ")


def _account(found: Findings) -> Iterator[str]:
    parts, days = found.outcome.parts, found.outcome.days
    yield _row("Account", (found.case.quote, "a day"))
    yield from _parts(found)
    yield _row("  net, their sum", _whole_and_daily(parts.net, days))
    yield from _beside_the_sum(parts, days)
    missing = " and ".join(NOT_RECORDED[name] for name in found.unknown)
    yield from textwrap.wrap(f"Not in it: {missing}. {JUDGE}" if missing else JUDGE, COLUMNS)


def _parts(found: Findings) -> Iterator[str]:
    for name, label in PART_LABELS:
        value = getattr(found.outcome.parts, name)
        if name in found.unknown:
            yield _row(f"  {label}", (UNKNOWN, ""))
        elif value or name not in ONLY_IF_ANY:
            yield _row(f"  {label}", _whole_and_daily(value, found.outcome.days))


def _beside_the_sum(parts: Parts, days: float) -> Iterator[str]:
    yield "In no sum:"
    for name, label in BESIDE_THE_SUM:
        value = getattr(parts, name)
        yield _row(f"  {label}", (UNKNOWN, "") if value is None else _whole_and_daily(value, days))
    if parts.other:
        yield from textwrap.wrap(OTHER, COLUMNS)


def _hedging(found: Findings) -> Iterator[str]:
    outcome, base = found.outcome, found.case.base
    days, parts = outcome.days, outcome.parts
    rms = found.theory_rms_base
    yield _row("Hedging", ("measured", "theory"))
    rebalances, turnover, cost = found.predicted
    yield _row("  rebalances a day", (f"{outcome.plans / days:,.2f}", _two(rebalances)))
    yield _row("  turnover a day", (_two(float(parts.turnover) / days), _two(turnover)))
    yield _row("  cost a day", (_two(outcome.cost_quote / days), _two(cost)))
    left = outcome.exposure
    yield _row(f"  residual, typical (rms), {base}", (_amount(left.rms_base), UNKNOWN if rms is None else _amount(rms)))
    yield _row(f"  residual, typical (rms), {found.case.quote}", (_two(left.rms_quote), ""))
    yield _row(f"  residual, largest, {base}", (_amount(left.largest_base), ""))
    yield _row(f"  residual, largest, {found.case.quote}", (_two(left.largest_quote), ""))
    counted = f"{_counted(outcome.plans, 'rebalance')} in {_counted(outcome.trades, 'fill')}"
    opening = ", opening the short included" if outcome.trades else ""
    yield f"{counted}, turnover {parts.turnover:,.2f}, costs {_two(outcome.cost_quote)} {found.case.quote}{opening}"


def _lp(found: Findings) -> Iterator[str]:
    parts = found.outcome.parts
    yield _row("The LP itself", ("measured", "theory"))
    lvr = found.lvr_theory_quote
    yield _row("  LVR", (_signed(parts.lvr), UNKNOWN if lvr is None else _signed(Decimal(lvr))))
    yield _row("  against holding its tokens (IL)", (_signed(parts.impermanent_loss), ""))
    if found.realised_sigma is not None:
        paid = found.break_even_sigma
        was = _percent(found.realised_sigma)
        if paid is None:
            yield f"The price's volatility was {was} a year"
        else:
            yield f"Fees would pay for the LVR up to a volatility of {_percent(paid)} a year; it was {was}"


def _risk(found: Findings) -> Iterator[str]:
    risk, quote = found.outcome.risk, found.case.quote
    yield _row("Risk", (quote, ""))
    yield _row("  largest drawdown of net", (_two(risk.drawdown_quote), ""))
    yield _row("  lowest margin balance", (_two(risk.margin_low_quote), ""))
    yield _row("  lowest available balance", (_two(risk.available_low_quote), ""))
    near = risk.liquidation_distance_low_pct
    yield _row("  nearest to liquidation", ("no short" if near is None else f"{near:.1f} %", ""))
    yield _row("  liquidations", (str(risk.liquidations), ""))


def _times(found: Findings) -> Iterator[str]:
    yield from _wrapped("State:", _longest(shares_of(found.outcome.states)))
    yield from _wrapped("Why:", _longest(shares_of(found.outcome.reasons)))


def _longest(shares: Sequence[tuple[str, float]]) -> Iterator[str]:
    """What is left out is short."""
    for name, share in shares[:MOST_REASONS]:
        yield f"{name} {_percent(share)}"
    if shares[MOST_REASONS:]:
        yield f"others {_percent(sum(share for _, share in shares[MOST_REASONS:]))}"


def _wrapped(head: str, words: Iterable[str]) -> list[str]:
    return textwrap.wrap(f"{head} {', '.join(words)}", COLUMNS, subsequent_indent="  ")


def _row(label: str, figures: Iterable[str]) -> str:
    return f"{label:<{LABEL}}{''.join(f'{figure:>{FIGURE}}' for figure in figures)}".rstrip()


def _whole_and_daily(value: Decimal, days: float) -> tuple[str, str]:
    return _signed(value), _signed(value / Decimal(days))


def _amount(value: float) -> str:
    return amount(Decimal(value))


def _two(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    text = f"{value:,.2f}"
    return "0.00" if text == "-0.00" else text


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _signed(value: Decimal) -> str:
    text = f"{value:+,.2f}"
    return "0.00" if not value.quantize(Decimal("0.01")) else text


def _percent(fraction: float) -> str:
    return "under 0.1 %" if 0 < fraction < 0.0005 else f"{100 * fraction:.1f} %"
