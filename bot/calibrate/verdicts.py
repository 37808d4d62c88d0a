"""Sentences that say how far a calibration is to be believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bot.calibrate.report import Report
from core.replay.calibration.conclusion import CONFIGURED
from core.replay.calibration.ranking import fault, lacks_margin
from core.replay.calibration.walk_forward import MOST_REGRET, Forward, regret_share


def forward_sentence(report: Report) -> str:
    """Whether what was chosen on the past did well on what came next."""
    steps = report.conclusion.steps
    tried, best, configured = (
        sum(getattr(step, name) for step in steps) / len(steps) for name in ("tried", "best_tried", "configured_tried")
    )
    figures = (
        f"on parts they had not seen, the chosen settings came to {tried:,.2f} a day, the best in hindsight to "
        f"{best:,.2f}, the configured one to {configured:,.2f}."
    )
    told = f"{figures} {_margin(steps)}"
    if not report.is_sound:
        return "Walk-forward tells nothing here: no setting is sound."
    if not report.is_within:
        return f"It cannot hold where nothing keeps the limit, and more data will not change that: {told}"
    return f"It held: {told}" if report.has_held else _not_held(report, told)


def _not_held(report: Report, told: str) -> str:
    broken = ", ".join(str(step.trained + 1) for step in report.conclusion.steps if not step.sound)
    why = f" On part {broken} the chosen setting broke the limit, was liquidated or held back." if broken else ""
    limited = broken and report.conclusion.aim.most_residual_quote is not None
    way_out = "leave room by a lower --max-residual-quote" if limited else "calibrate on more data"
    return f"It did not hold: {told}{why} Expect worse than the figures above, or {way_out}."


def account_sentences(report: Report) -> Iterator[str]:
    """What is wrong with the account rather than with a setting: to be told before any figure."""
    aim = report.conclusion.aim
    lacking = [lacks_margin(each, aim) for each in report.conclusion.totals]
    if _is_account_too_small(report, lacking):
        yield (
            f"The account is too small: give it more margin. {sum(lacking):,} of {len(lacking):,} settings were held "
            "back by low_margin."
        )


def _is_account_too_small(report: Report, lacking: Sequence[bool]) -> bool:
    """For what is configured, for most of what was tried, or for any of it where nothing is sound."""
    most = sum(lacking) * 2 > len(lacking)
    return lacking[CONFIGURED] or most or (any(lacking) and not report.is_sound)


def straight_sentences(report: Report) -> Iterator[str]:
    """Each part begins with the full balance; one run over all of them does not."""
    configured, chosen = (fault(each, report.conclusion.aim) for each in report.straight)
    over = "Over all parts in one run, where earlier losses are missing from the margin,"
    if configured:
        yield f"{over} the configured setting was {configured}."
    if chosen and not report.keeps_configured:
        yield f"{over} the setting found was {chosen}."


def _margin(steps: Sequence[Forward]) -> str:
    share = regret_share(steps)
    if share is None:
        return "The best came to nothing or to a gain: there is no share of it to hold to."
    return f"Regret {share:.1%} of what the best would cost; held means at most {MOST_REGRET:.0%}."


def _missed(report: Report) -> str:
    limit = report.conclusion.aim.most_residual_quote
    return f"No setting that was tried keeps the residual below {limit:,.2f}."


def doubts(report: Report) -> Iterator[str]:
    """Why the setting found may not be the best there is, or not good at all."""
    yield from _doubts_of_choice(report)
    yield from straight_sentences(report)
    if report.optimum is not None and report.configured.hedge_ratio < 1:
        yield "Theory's rms is of what is hedged: a hedge_ratio below 1 leaves more open by design."
    yield from _at_the_rim(report)


def _doubts_of_choice(report: Report) -> Iterator[str]:
    if not report.is_sound:
        yield "No setting is sound on this account: give it more margin or look at max_per_hour and the caps."
        return
    if not report.is_within:
        rms_quote = report.total(report.conclusion.chosen).residual_rms_quote
        yield f"{_missed(report)} Found is the nearest, at {rms_quote:,.2f}."
    if report.is_worse:
        yield "Found is WORSE than what is configured, which this account cannot follow: more margin comes first."


def _at_the_rim(report: Report) -> Iterator[str]:
    conclusion = report.conclusion
    tried = [float(each.config.band_quote) for each in conclusion.candidates if each.origin == "grid"]
    if conclusion.candidates[conclusion.chosen].origin != "grid":
        return
    band = report.band_of(conclusion.chosen)
    if band in (min(tried), max(tried)):
        edge = "narrowest" if band == min(tried) else "widest"
        yield f"The band found is the {edge} that was tried: the best may lie beyond it."
