"""`status --json`: the fields of `core.status`; numbers, ids and blocks are text, what is unknown is null."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime
from decimal import Decimal

from core.status import HedgeStatus

FOR_PEOPLE = frozenset(
    {"base_symbol", "detail", "chain_age_s", "venue_age_s", "last_hedge_at", "held", "beside_base", "confirmed"}
    | {"margin_balance", "maintenance_margin", "next_funding_time", "read_at", "isolated"}
    | {"market_age_s", "market_pushed", "work", "due", "stopped"}
)

Json = None | str | bool | list["Json"] | dict[str, "Json"]


def status_json(mode: str, statuses: Sequence[HedgeStatus]) -> str:
    hedges: list[Json] = [plain_value(status) for status in statuses]
    return json.dumps({"mode": mode, "hedges": hedges}, indent=2)


def facts_are_missing(status: HedgeStatus) -> bool:
    """Whether something that a decision needs could not be read."""
    return None in (status.price, status.net_base, status.lp.block, status.perp.position_base, status.perp.mark_price)


def plain_value(value: object) -> Json:
    """Raises TypeError for a type that the contract does not name."""
    if isinstance(value, tuple):
        return [plain_value(each) for each in value]
    if is_dataclass(value):
        return {
            field.name: plain_value(getattr(value, field.name))
            for field in fields(value)
            if field.name not in FOR_PEOPLE
        }
    return _scalar(value)


def _scalar(value: object) -> str | bool | None:
    match value:
        case None | bool():
            return value
        case Decimal():
            return number_text(value)
        case str() | int():
            return str(value)
        case datetime():
            return time_text(value)
    raise TypeError(f"{type(value).__name__} has no place in the status")


def time_text(value: datetime, timespec: str = "auto") -> str:
    """ISO 8601, UTC; `timespec` as `isoformat` has it."""
    return value.isoformat(timespec=timespec).replace("+00:00", "Z")


def number_text(value: Decimal) -> str:
    """Every digit, never an exponent; -0 is 0."""
    return f"{abs(value) if value == 0 else value:f}"
