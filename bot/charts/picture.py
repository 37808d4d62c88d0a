"""What a picture consists of, as plain values: nothing here knows what they mean, nor the library that draws them.

Times are seconds since the picture's start; None in a line or an area is a gap, which stays one.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any, Literal

Values = tuple[float | None, ...]
Style = Literal["solid", "dashed", "dotted"]


@dataclass(frozen=True, slots=True)
class Line:
    """`label` in the panel's legend, "" for none. `last`: written at the last value, "" for none."""

    label: str
    xs: tuple[float, ...]
    ys: Values
    colour: str
    style: Style = "solid"
    last: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    """Filled between `low` and `high`; outlined when `edges`."""

    label: str
    xs: tuple[float, ...]
    low: Values
    high: Values
    colour: str
    opacity: float
    edges: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A trade at its time and price; `size` from 0, the smallest shown, to 1, the largest."""

    x: float
    y: float
    side: Literal["buy", "sell"]
    size: float


@dataclass(frozen=True, slots=True)
class Note:
    """Words at a height inside the panel; `edge`: at its upper or lower rim instead, for what lies beyond."""

    text: str
    colour: str
    y: float = 0.0
    edge: Literal["", "top", "bottom"] = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """`low`, `high`: the limits of the axis. `places`: decimals of its numbers. `empty`: said instead of a drawing."""

    title: str
    unit: str
    low: float
    high: float
    places: int
    lines: tuple[Line, ...] = ()
    areas: tuple[Area, ...] = ()
    marks: tuple[Mark, ...] = ()
    notes: tuple[Note, ...] = ()
    zero: bool = False
    weight: float = 1.0
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time shaded in every panel."""

    start: float
    end: float
    label: str


@dataclass(frozen=True, slots=True)
class Picture:
    """`end`: the length of the time axis. `ticks`: (time, text). `time_label` names the zone."""

    title: str
    subtitle: str
    end: float
    ticks: tuple[tuple[float, str], ...]
    time_label: str
    panels: tuple[Panel, ...]
    spans: tuple[Span, ...] = ()
    footer: str = ""


def to_json(picture: Picture) -> bytes:
    """For `from_json` in the process that draws."""
    return json.dumps(picture, default=_fields_of, separators=(",", ":")).encode()


def from_json(text: bytes) -> Picture:
    """Raises ValueError, TypeError or KeyError for anything that `to_json` did not write."""
    data = json.loads(text)
    return Picture(
        **{
            **data,
            "ticks": tuple((float(at), str(label)) for at, label in data["ticks"]),
            "panels": tuple(_panel(each) for each in data["panels"]),
            "spans": tuple(Span(**each) for each in data["spans"]),
        }
    )


def _panel(data: dict[str, Any]) -> Panel:
    parts = {
        name: tuple(kind(**_tuples(each)) for each in data[name])
        for name, kind in (("lines", Line), ("areas", Area), ("marks", Mark), ("notes", Note))
    }
    return Panel(**{**data, **parts})


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}


def _fields_of(value: Any) -> dict[str, object]:
    return {field.name: getattr(value, field.name) for field in fields(value)}
