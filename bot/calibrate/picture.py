"""Cost against residual of everything that was tried, with the efficient frontier."""

from __future__ import annotations

from bot.calibrate.report import Report
from bot.charts.cloud import XY, Cloud, Star
from bot.charts.colours import LEFT_OVER, LP, PRICE, SHORT
from core.clock import at_ms
from core.replay.calibration.conclusion import CONFIGURED
from core.replay.calibration.ranking import fault


def frontier_picture(report: Report) -> Cloud:
    """Settings that were liquidated or held back are left out and counted."""
    conclusion = report.conclusion
    sound = [place for place, found in enumerate(conclusion.totals) if not fault(found, conclusion.aim)]
    left_out = len(conclusion.totals) - len(sound)
    subtitle = f"{at_ms(report.start_ms):%Y-%m-%d} to {at_ms(report.end_ms):%Y-%m-%d}, {len(sound):,} settings"
    return Cloud(
        title=f"{report.hedge}: what hedging closer costs",
        subtitle=subtitle + (f"; {left_out:,} liquidated or held back are not shown" if left_out else ""),
        x_label=f"cost, {report.quote} a day",
        y_label=f"residual rms, {report.quote}",
        label="tried",
        points=tuple(_point(report, place) for place in sound),
        line_label="efficient frontier",
        line=tuple(_point(report, place) for place in conclusion.frontier),
        stars=_stars(report),
    )


def _stars(report: Report) -> tuple[Star, ...]:
    conclusion = report.conclusion
    stars = [
        Star("configured", *_point(report, CONFIGURED), SHORT, "s"),
        Star("found", *_point(report, conclusion.chosen), LP, "*"),
    ]
    if (best := report.optimum) is not None:
        told = best.prediction
        there = told.cost_quote_per_day, report.rms_quote(told)
        stars.append(Star("theory's optimum, by theory", *there, LEFT_OVER, "^"))
    if conclusion.theory is not None:
        stars.append(Star("theory's optimum, replayed", *_point(report, conclusion.theory), PRICE, "D"))
    return tuple(stars)


def _point(report: Report, place: int) -> XY:
    found = report.total(place)
    return found.cost_per_day, found.residual_rms_quote
