"""Many recorded values made few enough to be drawn, without losing a peak or bridging a gap."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from bot.charts.picture import Values

MOST_POINTS = 600
Point = tuple[float, float | None]


def thinned(points: Sequence[Point], *, most: int = MOST_POINTS) -> list[Point]:
    """At most about `most` points: of each of equal stretches of time the lowest, the highest, and each gap."""
    if len(points) <= most:
        return list(points)
    first, width = points[0][0], (points[-1][0] - points[0][0]) / (most / 3) or 1.0
    kept: list[Point] = []
    for _, stretch in groupby(points, key=lambda point: int((point[0] - first) / width)):
        kept.extend(_kept(list(stretch)))
    return [*kept, points[-1]] if kept[-1] != points[-1] else kept


def with_gaps(points: Iterable[Point], *, longest_s: float) -> Iterator[Point]:
    """A gap where nothing was recorded for longer than `longest_s`."""
    before: float | None = None
    for x, y in points:
        if before is not None and x - before > longest_s:
            yield before + longest_s, None
        yield x, y
        before = x


def split(points: Iterable[Point]) -> tuple[tuple[float, ...], Values]:
    """Times, to a tenth of a second, and values apart."""
    pairs = list(points)
    return tuple(round(x, 1) for x, _ in pairs), tuple(y for _, y in pairs)


def known_values(points: Iterable[Point]) -> list[float]:
    """Without the gaps."""
    return [y for _, y in points if y is not None]


def _kept(stretch: Sequence[Point]) -> list[Point]:
    """The lowest, the highest and the first gap, in their order."""
    known: list[tuple[float, int]] = []
    gaps: list[int] = []
    for index, (_, y) in enumerate(stretch):
        if y is None:
            gaps.append(index)
        else:
            known.append((y, index))
    chosen = set(gaps[:1])
    if known:
        chosen |= {min(known)[1], max(known)[1]}
    return [stretch[index] for index in sorted(chosen)]
