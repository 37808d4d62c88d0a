"""A calibration for programs: figures as strings, null where nothing is known; the names are docs/calibration.md's."""

from __future__ import annotations

import json
from collections.abc import Mapping

from bot.backtest.figures import digits, iso
from bot.calibrate.block import BAND_KEYS, OTHER_KEYS, block
from bot.calibrate.report import Report
from core.config import HedgeConfig
from core.replay.calibration.conclusion import CONFIGURED
from core.replay.calibration.measure import Measure
from core.replay.calibration.ranking import fault, objective
from core.replay.calibration.walk_forward import Forward
from core.replay.theory import Prediction

Json = Mapping[str, object]


def report_json(report: Report) -> str:
    conclusion = report.conclusion
    limit = conclusion.aim.most_residual_quote
    told: Json = {
        "hedge": report.hedge,
        "symbol": report.symbol,
        "quote": report.quote,
        "period": {"start": iso(report.start_ms), "end": iso(report.end_ms), "days": digits(report.days)},
        "bars": str(report.bars),
        "parts": str(report.parts),
        "settings": str(len(conclusion.candidates)),
        "risk_aversion": digits(conclusion.aim.risk_aversion),
        "max_residual_quote": None if limit is None else digits(limit),
        "configured": _entry(report, CONFIGURED),
        "found": _entry(report, conclusion.chosen),
        "found_by_theory": None if report.predicted is None else _predicted(report, report.predicted),
        "theory": _theory(report),
        "theory_replayed": None if conclusion.theory is None else _entry(report, conclusion.theory),
        "straight": {
            "configured": _straight(report, report.straight[0]),
            "found": _straight(report, report.straight[1]),
        },
        "held": report.has_held,
        "walk_forward": [_step(report, each) for each in conclusion.steps],
        "frontier": [_entry(report, place) for place in conclusion.frontier],
        "block": block(report),
        "notices": list(report.notices),
    }
    return json.dumps(told, indent=2)


def _entry(report: Report, place: int) -> Json:
    found, aim = report.total(place), report.conclusion.aim
    return {
        "setting": _setting(report.config(place)),
        "band_quote": digits(report.band_of(place)),
        "cost_quote_per_day": digits(found.cost_per_day),
        "residual_rms_quote": digits(found.residual_rms_quote),
        "variance_per_day": digits(found.variance_per_day),
        "objective_quote_per_day": digits(objective(found, aim)),
        "trades_per_day": digits(found.rebalances_per_day),
        "funding_quote_per_day": digits(found.funding_quote / found.days),
        "held_back_share": digits(found.held_back_share),
        "liquidations": str(found.liquidations),
        "fault": fault(found, aim) or None,
    }


def _straight(report: Report, found: Measure) -> Json:
    return {
        "held_back_share": digits(found.held_back_share),
        "liquidations": str(found.liquidations),
        "fault": fault(found, report.conclusion.aim) or None,
    }


def _setting(config: HedgeConfig) -> Json:
    values = {key: getattr(config, key) for key in (*BAND_KEYS, *OTHER_KEYS)}
    return {key: value if value is None or isinstance(value, str) else f"{value:f}" for key, value in values.items()}


def _theory(report: Report) -> Json | None:
    best = report.optimum
    if best is None:
        return None
    return {
        "delta_band_quote": digits(best.band_quote),
        "delta_hysteresis_quote": digits(best.band_quote * float(best.rest)),
        "rebalance_to": "edge" if best.rest else "target",
        "objective_quote_per_day": digits(best.objective_quote_per_day),
        **_predicted(report, best.prediction),
    }


def _predicted(report: Report, told: Prediction) -> Json:
    return {
        "cost_quote_per_day": digits(told.cost_quote_per_day),
        "residual_rms_quote": digits(report.rms_quote(told)),
        "trades_per_day": digits(told.trades_per_day),
    }


def _step(report: Report, step: Forward) -> Json:
    return {
        "part": str(step.trained + 1),
        "chosen": _setting(report.config(step.chosen)),
        "expected": digits(step.predicted),
        "came_out": digits(step.tried),
        "best": digits(step.best_tried),
        "configured": digits(step.configured_tried),
        "regret": digits(step.regret),
        "sound": step.sound,
    }
