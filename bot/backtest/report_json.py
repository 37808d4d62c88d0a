"""`backtest --json`: names as docs/replay.md lists them; numbers are text, what is unknown is null."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal

from bot.backtest.figures import digits, iso
from bot.backtest.findings import Findings, shares_of
from bot.status_json import Json, number_text
from core.accounting.attribution import Parts
from core.replay.outcome import Outcome

PARTS = ("lp_fees", "lp_price", "lvr", "beside", "hedge", "slippage", "funding", "commissions", "other", "net")
# In no sum: how far LP and short did not cancel out, and the short's profit another way.
BESIDE_THE_SUM = ("residual", "realised", "unrealised")


def report_json(found: Findings) -> str:
    case, outcome = found.case, found.outcome
    said: dict[str, Json] = {
        "hedge": case.hedge,
        "symbol": case.config.symbol,
        "source": case.source,
        "start": iso(outcome.start_ms),
        "end": iso(outcome.end_ms),
        "days": digits(outcome.days),
        "bars": str(outcome.bars),
        "bar_seconds": digits(case.step_ms / 1000),
        "position": _position(found),
        "parts": _parts(outcome.parts, found.unknown),
        "unknown": list(found.unknown),
        "impermanent_loss": number_text(outcome.parts.impermanent_loss),
        "hedging": _hedging(outcome),
        "exposure": _numbers(outcome.exposure),
        "risk": _numbers(outcome.risk),
        "theory": _theory(found),
        "observed": _numbers(outcome.observed) if outcome.observed.in_range_share else None,
        "states": _shares(shares_of(outcome.states)),
        "reasons": _shares(shares_of(outcome.reasons)),
        "notices": [*found.warnings, *case.notices],
    }
    return json.dumps(said, indent=2)


def _position(found: Findings) -> Json:
    position, case = found.case.position, found.case
    return {
        "lower": digits(position.lower),
        "upper": digits(position.upper),
        "liquidity": digits(position.liquidity),
        "first_price": digits(float(case.path.pool[0])),
        "first_value_quote": digits(case.first_value_quote),
        "in_range_share": digits(found.outcome.observed.in_range_share),
    }


def _parts(parts: Parts, unknown: tuple[str, ...]) -> Json:
    """The names of `lp-hedge report --json`."""
    known = {name: None if name in unknown else getattr(parts, name) for name in (*PARTS, *BESIDE_THE_SUM)}
    return {name: None if value is None else number_text(value) for name, value in known.items()}


def _hedging(outcome: Outcome) -> Json:
    parts, days = outcome.parts, outcome.days
    return {
        "looks": str(outcome.looks),
        "rebalances": str(outcome.plans),
        "fills": str(outcome.trades),
        "turnover_quote": number_text(parts.turnover),
        "cost_quote": digits(outcome.cost_quote),
        "rebalances_per_day": digits(outcome.plans / days),
        "turnover_quote_per_day": digits(float(parts.turnover) / days),
        "cost_quote_per_day": digits(outcome.cost_quote / days),
    }


def _theory(found: Findings) -> Json:
    rebalances, turnover, cost = found.predicted
    known: Mapping[str, float | None] = {
        "rebalances_per_day": rebalances,
        "turnover_quote_per_day": turnover,
        "cost_quote_per_day": cost,
        "residual_rms_base": found.theory_rms_base,
        "lvr_quote": found.lvr_theory_quote,
        "realised_volatility_per_year": found.realised_sigma,
        "break_even_volatility_per_year": found.break_even_sigma,
    }
    return {name: None if value is None else digits(value) for name, value in known.items()}


def _numbers(found: object) -> Json:
    """A dataclass of plain numbers, by its fields' names."""
    return {each.name: _text(getattr(found, each.name)) for each in fields(found)}  # type: ignore[arg-type]


def _text(value: object) -> Json:
    match value:
        case None:
            return None
        case int():
            return str(value)
        case Decimal():
            return number_text(value)
        case _:
            return digits(float(value))  # type: ignore[arg-type]


def _shares(shares: Sequence[tuple[str, float]]) -> Json:
    return {name: digits(share) for name, share in shares}
