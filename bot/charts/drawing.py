"""Draws a picture as PNG, large enough to be read on a phone. The one module that imports the drawing library."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from PIL import Image

from bot.charts.cloud import Cloud
from bot.charts.picture import Area, Line, Mark, Note, Panel, Picture, Values

WIDTH_PX, HEIGHT_PX, DPI = 1080, 1350, 100
COLOURS = 256
# 16 points at this density are 22 pixels.
TEXT, TITLE = 16.0, 22.0
INK, FAINT, PAPER, SHADE = "#1c2733", "#8894a3", "#ffffff", "#7d8794"
# Shape and colour of a mark, by its side.
MARKS = {"buy": ("^", "#15803d"), "sell": ("v", "#c81e3a")}
STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": TEXT,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "path.simplify": True,
    # A dollar sign in a name is no formula.
    "text.parse_math": False,
}
LEFT, RIGHT, TOP, BOTTOM = 0.135, 0.845, 0.895, 0.088
SMALLEST_MARK, LARGEST_MARK, ROOMY_MARKS = 110.0, 420.0, 40
LABEL_GAP = 0.075


def png(picture: Picture) -> bytes:
    """Of WIDTH_PX by HEIGHT_PX, with a palette of COLOURS."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_PX / DPI, HEIGHT_PX / DPI), dpi=DPI, facecolor=PAPER)
        canvas = FigureCanvasAgg(figure)
        _head(figure, picture)
        grid = figure.add_gridspec(
            len(picture.panels),
            1,
            left=LEFT,
            right=RIGHT,
            top=TOP,
            bottom=BOTTOM,
            hspace=0.24,
            height_ratios=[panel.weight for panel in picture.panels],
        )
        rows = [figure.add_subplot(grid[row, 0]) for row in range(len(picture.panels))]
        for axes, panel in zip(rows, picture.panels, strict=True):
            _draw_panel(axes, panel, picture)
        _name_times(rows[-1], picture)
        canvas.draw()  # type: ignore[no-untyped-call]
    return _compressed(canvas)


def cloud_png(cloud: Cloud) -> bytes:
    """Both axes by decades, but for what is not above zero."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH_PX / DPI, WIDTH_PX / DPI), dpi=DPI, facecolor=PAPER)
        canvas = FigureCanvasAgg(figure)
        figure.text(0.03, 0.978, cloud.title, size=TITLE, weight="bold", va="top")
        figure.text(0.03, 0.937, cloud.subtitle, color="#55606e", va="top")
        axes = figure.add_subplot(figure.add_gridspec(1, 1, left=LEFT, right=0.96, top=0.78, bottom=BOTTOM)[0, 0])
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(which="both", color="#e4e7ec", linewidth=1)
        axes.set_axisbelow(True)
        axes.set_xlabel(cloud.x_label)
        axes.set_ylabel(cloud.y_label)
        axes.scatter(*_coordinates(cloud.points), s=16, color=FAINT, alpha=0.5, linewidths=0, label=cloud.label)
        axes.plot(*_coordinates(cloud.line), color=INK, linewidth=2.4, marker="o", markersize=4, label=cloud.line_label)
        for star in cloud.stars:
            axes.scatter([star.x], [star.y], s=320, marker=star.shape, color=star.colour, label=star.label, zorder=5)
        _set_scales(axes, cloud)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, frameon=False, markerscale=0.7)
        canvas.draw()  # type: ignore[no-untyped-call]
    return _compressed(canvas)


def _coordinates(points: Sequence[tuple[float, float]]) -> tuple[list[float], list[float]]:
    return [x for x, _ in points], [y for _, y in points]


def _set_scales(axes: Axes, cloud: Cloud) -> None:
    everything = [*cloud.points, *((star.x, star.y) for star in cloud.stars)]
    for place, (set_scale, axis) in enumerate(((axes.set_xscale, axes.xaxis), (axes.set_yscale, axes.yaxis))):
        if all(point[place] > 0 for point in everything):
            set_scale("log")
            axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
            axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))


def _compressed(canvas: FigureCanvasAgg) -> bytes:
    """With a palette: a third of the size, and sooner done."""
    size = canvas.get_width_height()
    drawn = bytes(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    pixels = Image.frombuffer("RGBA", size, drawn, "raw", "RGBA", 0, 1).convert("RGB")
    content = io.BytesIO()
    pixels.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(content, "png")
    return content.getvalue()


def _head(figure: Figure, picture: Picture) -> None:
    figure.text(0.03, 0.978, picture.title, size=TITLE, weight="bold", va="top")
    figure.text(0.03, 0.944, picture.subtitle, color="#55606e", va="top")
    figure.text(0.03, 0.012, picture.footer, size=TEXT - 1.5, color="#55606e", va="bottom")


def _draw_panel(axes: Axes, panel: Panel, picture: Picture) -> None:
    axes.set_xlim(0, picture.end)
    axes.set_ylim(panel.low, panel.high)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="both", color="#e4e7ec", linewidth=1)
    axes.set_axisbelow(True)
    axes.set_title(panel.title, loc="left", size=TEXT + 1, weight="bold", pad=8)
    axes.set_ylabel(panel.unit)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _number(value, panel.places)))
    axes.set_xticks([at for at, _ in picture.ticks], labels=[])
    for span in picture.spans:
        axes.axvspan(span.start, span.end, color=SHADE, alpha=0.35, linewidth=0, zorder=0.5)
    if panel.empty:
        axes.text(0.5, 0.5, panel.empty, transform=axes.transAxes, ha="center", va="center", color="#55606e")
    _draw_content(axes, panel)
    _draw_legend(axes)


def _name_times(axes: Axes, picture: Picture) -> None:
    """Under the last panel, for all of them."""
    axes.set_xticklabels([label for _, label in picture.ticks])
    axes.set_xlabel(picture.time_label)


def _draw_content(axes: Axes, panel: Panel) -> None:
    for area in panel.areas:
        _draw_area(axes, area)
    if panel.zero:
        axes.axhline(0, color=INK, linewidth=1.2, alpha=0.6)
    for line in panel.lines:
        label = line.label or None
        axes.plot(line.xs, _numbers(line.ys), color=line.colour, linestyle=line.style, linewidth=2.4, label=label)
        _draw_lone_points(axes, line)
    _draw_marks(axes, panel.marks)
    for note in panel.notes:
        _draw_note(axes, note, panel)
    _draw_last_values(axes, panel)


def _draw_area(axes: Axes, area: Area) -> None:
    low, high = _numbers(area.low), _numbers(area.high)
    axes.fill_between(area.xs, low, high, color=area.colour, alpha=area.opacity, linewidth=0, label=area.label or None)
    if area.edges:
        for edge in (low, high):
            axes.plot(area.xs, edge, color=area.colour, linewidth=1.6, alpha=0.8)


def _draw_note(axes: Axes, note: Note, panel: Panel) -> None:
    height = (note.y - panel.low) / (panel.high - panel.low)
    at = {"top": 0.97, "bottom": 0.03}.get(note.edge, height)
    va = "top" if at > 0.9 else "bottom"
    axes.text(0.988, at, note.text, transform=axes.transAxes, color=note.colour, ha="right", va=va, size=TEXT - 0.5)


def _draw_lone_points(axes: Axes, line: Line) -> None:
    """A value between two gaps has no line to be seen by."""
    befores, afters = (None, *line.ys), (*line.ys[1:], None)
    lone = [
        (x, y)
        for x, y, before, after in zip(line.xs, line.ys, befores, afters, strict=False)
        if y is not None and before is None and after is None
    ]
    if lone:
        axes.plot(*_coordinates(lone), ".", color=line.colour, markersize=5)


def _draw_marks(axes: Axes, marks: Sequence[Mark]) -> None:
    """Smaller where there are many, so that the price stays visible."""
    room = min(1.0, ROOMY_MARKS / max(1, len(marks)))
    of_side = attrgetter("side")
    for side, same in groupby(sorted(marks, key=of_side), key=of_side):
        mine = list(same)
        shape, colour = MARKS[side]
        axes.scatter(
            *_coordinates([(mark.x, mark.y) for mark in mine]),
            s=[room * (SMALLEST_MARK + (LARGEST_MARK - SMALLEST_MARK) * mark.size) for mark in mine],
            marker=shape,
            color=colour,
            edgecolors=PAPER,
            linewidths=1.2,
            zorder=5,
            clip_on=False,
            label=side,
        )


def _draw_last_values(axes: Axes, panel: Panel) -> None:
    """To the right of the panel, at their heights, pushed apart where they would cover each other."""
    found = [(line, _last(line.ys)) for line in panel.lines if line.last]
    height = panel.high - panel.low
    placed = [((value - panel.low) / height, line) for line, value in found if value is not None]
    previous = -math.inf
    for at, line in sorted(placed, key=lambda each: each[0]):
        at = max(min(at, 0.98), previous + LABEL_GAP)
        previous = at
        axes.text(1.015, at, line.last, transform=axes.transAxes, color=line.colour, va="center", weight="bold")


def _draw_legend(axes: Axes) -> None:
    handles, labels = axes.get_legend_handles_labels()
    if labels:
        axes.legend(
            handles,
            labels,
            loc="lower right",
            bbox_to_anchor=(1.22, 1.0),
            ncols=len(labels),
            frameon=False,
            handlelength=1.1,
            handletextpad=0.4,
            columnspacing=1.0,
            borderaxespad=0.1,
            markerscale=0.8,
        )


def _last(ys: Values) -> float | None:
    return next((value for value in reversed(ys) if value is not None), None)


def _numbers(ys: Values) -> list[float]:
    return [math.nan if value is None else value for value in ys]


def _number(value: float, places: int) -> str:
    text = f"{value:,.{places}f}"
    return "0" if float(text.replace(",", "")) == 0 else text.replace("-", "\N{MINUS SIGN}")
