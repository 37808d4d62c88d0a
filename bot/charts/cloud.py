"""A picture of many points in two figures, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Star:
    """A point that stands out, named in the legend."""

    label: str
    x: float
    y: float
    colour: str
    shape: Literal["*", "D", "s", "^"]


@dataclass(frozen=True, slots=True)
class Cloud:
    """`points` drawn faint; `line` through those that matter, in its order."""

    title: str
    subtitle: str
    x_label: str
    y_label: str
    label: str
    points: tuple[XY, ...]
    line_label: str
    line: tuple[XY, ...]
    stars: tuple[Star, ...]
