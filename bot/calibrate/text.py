"""The report of a calibration for a terminal of 100 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from textwrap import fill

from bot.backtest.figures import minute
from bot.calibrate.block import block
from bot.calibrate.report import Report
from bot.calibrate.verdicts import account_sentences, doubts, forward_sentence
from bot.rendering.numbers import span
from core.clock import at_ms
from core.config import HedgeConfig
from core.replay.calibration.conclusion import CONFIGURED
from core.replay.calibration.frontier import is_luck
from core.replay.calibration.ranking import fault, objective

WIDTH, LABEL = 100, 18
SETTING = "{:>9} {:>9} {:>8} {:>8}"
MOST_FRONTIER_ROWS = 8
NOTHING = "-"


def report_text(report: Report) -> str:
    sections = (_head(report), _comparison(report), _forward(report), _frontier(report), _paste(report))
    return "\n\n".join("\n".join(section) for section in sections)


def _prose(sentences: str) -> str:
    return fill(sentences, WIDTH, break_long_words=False, break_on_hyphens=False)


def _head(report: Report) -> Iterator[str]:
    aim = report.conclusion.aim
    yield (
        f"Calibration of {report.hedge} on {report.symbol}: {minute(at_ms(report.start_ms))} to "
        f"{minute(at_ms(report.end_ms))} UTC,"
    )
    yield (
        f"{report.days:.1f} days, {report.bars:,} bars, {len(report.conclusion.candidates):,} settings over "
        f"{report.parts} parts. Amounts in {report.quote}."
    )
    if aim.most_residual_quote is None:
        yield f"Best is the least cost + {aim.risk_aversion:.3g} / 2 * variance of the hedge error a day."
    else:
        yield f"Best is the least cost with a residual rms below {aim.most_residual_quote:,.2f}."
    yield "Profit is not looked at: it only follows which way the price went."
    yield from map(_prose, report.notices)
    yield from map(_prose, account_sentences(report))


def _comparison(report: Report) -> Iterator[str]:
    conclusion = report.conclusion
    yield _row("", SETTING.format("band", "rests at", "force", "cooldown"), _figures())
    yield from _setting_rows(report, "configured", CONFIGURED)
    yield from _setting_rows(report, "found", conclusion.chosen)
    if (predicted := report.predicted) is not None:
        figures = _figures(predicted.cost_quote_per_day, report.rms_quote(predicted), predicted.trades_per_day)
        yield _row("  by theory", SETTING.format("", "", "", ""), figures)
    if report.optimum is None:
        yield "Theory has no optimum here: the position was never in range."
    else:
        yield from _theory_rows(report)
    yield from map(_prose, doubts(report))


def _theory_rows(report: Report) -> Iterator[str]:
    best = report.optimum
    assert best is not None
    rest = float(best.rest) * best.band_quote
    setting = SETTING.format(_amount(best.band_quote), _amount(rest) if rest else "target", "", "")
    told = best.prediction
    cost, trades = told.cost_quote_per_day, told.trades_per_day
    yield _row(
        "theory's optimum", setting, _figures(cost, report.rms_quote(told), trades, best.objective_quote_per_day)
    )
    if (place := report.conclusion.theory) is not None:
        yield from _setting_rows(report, "  replayed", place)


def _setting_rows(report: Report, label: str, place: int) -> Iterator[str]:
    found, aim = report.total(place), report.conclusion.aim
    figures = _figures(found.cost_per_day, found.residual_rms_quote, found.rebalances_per_day, objective(found, aim))
    yield _row(label, _setting(report, place), figures)
    if differs := _other_keys(report.config(place), report.configured):
        yield f"{'':{LABEL}}{differs}"
    if bad := fault(found, aim):
        yield f"{'':{LABEL}}{bad}: ranked last"


def _setting(report: Report, place: int) -> str:
    config, band = report.config(place), report.band_of(place)
    rest = "target" if config.rebalance_to == "target" else _amount(float(config.hysteresis_in(Decimal(band))))
    return SETTING.format(_amount(band), rest, _span(config.force_rebalance_seconds), _span(config.cooldown_seconds))


def _span(seconds: int) -> str:
    """Whole hours without their minutes; 0 is off."""
    if seconds == 0:
        return NOTHING
    return span(seconds) if seconds % 3600 else f"{seconds // 3600} h"


def _other_keys(config: HedgeConfig, configured: HedgeConfig) -> str:
    keys = ("hedge_ratio", "order_type")
    return ", ".join(f"{key} {value}" for key in keys if (value := getattr(config, key)) != getattr(configured, key))


def _forward(report: Report) -> Iterator[str]:
    yield "Walk-forward: chosen on the parts before, tried on the next; a day:"
    header = SETTING.format("band", "rests at", "force", "cooldown")
    yield _row("  part", header, f"{'expected':>11}{'came out':>11}{'at best':>11}{'regret':>9}")
    for step in report.conclusion.steps:
        figures = f"{step.predicted:>11,.2f}{step.tried:>11,.2f}{step.best_tried:>11,.2f}{step.regret:>9,.2f}"
        yield _row(f"  {step.trained + 1}", _setting(report, step.chosen), figures)
    yield _prose(forward_sentence(report))


def _frontier(report: Report) -> Iterator[str]:
    """A few of them, the ends always."""
    if not report.conclusion.frontier:
        yield "Efficient frontier: none, for no setting is sound."
        return
    yield "Efficient frontier: nothing tried is both cheaper and better hedged than these:"
    yield _row("", SETTING.format("band", "rests at", "force", "cooldown"), _figures())
    for place in _some(report.conclusion.frontier):
        yield from _setting_rows(report, "  found" if place == report.conclusion.chosen else "", place)
        if is_luck(report.total(place)):
            yield f"{'':{LABEL}}luck of a few trades"


def _some(places: Sequence[int]) -> list[int]:
    last = len(places) - 1
    if last < MOST_FRONTIER_ROWS:
        return list(places)
    steps = MOST_FRONTIER_ROWS - 1
    return [places[round(last * step / steps)] for step in range(MOST_FRONTIER_ROWS)]


def _paste(report: Report) -> Iterator[str]:
    if (lines := block(report)) is not None:
        yield f"For hedge.toml (`lp-hedge check` afterwards tells what is in force):\n\n{lines}"
    elif report.keeps_configured and report.is_sound:
        yield "Nothing tried is better than what is configured: leave it."
    else:
        yield "Nothing that was tried can be recommended."


def _row(label: str, setting: str, figures: str) -> str:
    return f"{label:{LABEL}}{setting}{figures}".rstrip()


def _figures(
    cost: float | None = None, rms: float | None = None, trades: float | None = None, total: float | None = None
) -> str:
    """Columns; without any figure their names."""
    if cost is None or rms is None or trades is None:
        return f"{'cost/day':>11}{'rms':>11}{'trades/day':>11}{'cost+risk':>11}"
    return f"{cost:>11,.2f}{rms:>11,.2f}{trades:>11,.1f}" + ("" if total is None else f"{total:>11,.2f}")


def _amount(quote: float) -> str:
    return f"{quote:,.0f}" if quote >= 100 else f"{quote:.3g}"
