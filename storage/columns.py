"""How values stand in a column: amounts as exact decimal text, times as sortable UTC text, small structures as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal

from core.errors import InvariantBroken

# Wide enough that sums and products of token amounts are never rounded; the default context keeps 28 digits only.
EXACT = Context(prec=512)


def time_text(at: datetime) -> str:
    """Fixed width, microseconds, so that text order is time order. Raises InvariantBroken for a naive time."""
    if at.tzinfo is None:
        raise InvariantBroken(f"a time without its zone was to be stored: {at.isoformat()}")
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def time_of(text: str) -> datetime:
    """In UTC, with its zone: what `time_text` wrote."""
    return datetime.fromisoformat(text)


def number_text(value: Decimal) -> str:
    """Every digit and the exponent as they are. Raises InvariantBroken for NaN and infinities."""
    if not value.is_finite():
        raise InvariantBroken(f"{value} was to be stored as an amount")
    return str(value)


def maybe_number_text(value: Decimal | None) -> str | None:
    """NULL for None."""
    return None if value is None else number_text(value)


def maybe_number(text: str | None) -> Decimal | None:
    """None for NULL, else every digit as it was written."""
    return None if text is None else Decimal(text)


def mapping_text(mapping: Mapping[str, str]) -> str:
    """A JSON object, in the mapping's own order."""
    return json.dumps(dict(mapping))


def mapping_of(text: str) -> dict[str, str]:
    """In the stored order; whatever else a value was is made text."""
    return {str(key): str(value) for key, value in json.loads(text).items()}


def list_text(items: Sequence[str]) -> str:
    """A JSON array."""
    return json.dumps(list(items))


def list_of(text: str) -> tuple[str, ...]:
    """In the stored order; whatever else an item was is made text."""
    return tuple(str(item) for item in json.loads(text))
