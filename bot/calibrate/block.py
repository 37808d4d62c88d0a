"""The lines for hedge.toml that turn the configured setting into the one that was found."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from bot.calibrate.report import Report
from core.clock import at_ms
from core.replay.calibration.conclusion import CONFIGURED
from core.replay.calibration.ranking import fault, score

BAND_KEYS = ("delta_band_quote", "delta_band_pct", "rebalance_to", "delta_hysteresis_quote")
DOUBT = "# In walk-forward such a choice did not hold on prices it had not seen: expect worse."
OTHER_KEYS = ("hedge_threshold", "force_rebalance_seconds", "cooldown_seconds", "hedge_ratio", "order_type")


def block(report: Report) -> str | None:
    """None: nothing is to be changed, or nothing found can be recommended."""
    found = report.total(report.conclusion.chosen)
    if report.keeps_configured or not report.is_sound:
        return None
    period = f"{at_ms(report.start_ms):%Y-%m-%d} to {at_ms(report.end_ms):%Y-%m-%d}"
    costs = f"{found.cost_per_day:,.2f} {report.quote} a day in costs"
    rms = f"residual rms {found.residual_rms_quote:,.2f} {report.quote}"
    lines = [
        f"# In [hedges.{report.hedge}], instead of the lines of the same names.",
        f"# By lp-hedge calibrate on {report.symbol}, {period} ({report.days:.1f} days). Expected:",
        f"# {costs}, {rms}, {found.rebalances_per_day:.1f} trades a day.",
        *_warnings(report),
        *(f"{key} = {_toml(value)}" for key, value in changes(report).items()),
    ]
    return "\n".join(lines)


def _warnings(report: Report) -> Iterator[str]:
    """What must not be lost when the lines are kept and the report is not."""
    aim = report.conclusion.aim
    if report.is_worse:
        now, found = (score(report.total(place), aim) for place in (CONFIGURED, report.conclusion.chosen))
        yield f"# WORSE than what was configured ({found:,.2f} a day against {now:,.2f}), which the account could not"
        yield "# follow: more margin comes before these lines."
    if not report.is_within:
        yield f"# The limit of {aim.most_residual_quote:,.2f} is MISSED: of what was tried, this comes nearest."
    elif not report.has_held:
        yield DOUBT
    if bad := fault(report.straight[1], aim):
        yield f"# Over the whole time in one run: {bad}."


def changes(report: Report) -> dict[str, object]:
    """The band's keys, and what else is not as configured; a key that is unset stays away."""
    chosen, configured = report.chosen, report.configured
    kept = {key: getattr(chosen, key) for key in BAND_KEYS}
    kept |= {key: value for key in OTHER_KEYS if (value := getattr(chosen, key)) != getattr(configured, key)}
    return {key: value for key, value in kept.items() if value is not None}


def _toml(value: object) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value:f}" if isinstance(value, Decimal) else str(value)
