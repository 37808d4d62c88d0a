"""A file's rows as arrays, read a chunk at a time."""

from __future__ import annotations

import pathlib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigurationError
from core.replay.path import Floats, Milliseconds
from core.replay.reading.cells import Times, numbers, swap_marks
from core.replay.reading.layouts import Content, Header, Layout, header_of
from core.replay.reading.lines import chunks, refused

Scalar = TypeVar("Scalar", np.int64, np.float64)


@dataclass(frozen=True, slots=True)
class Table:
    """`columns`: by the layout's keys, one entry a row; `first_line`: of the first row; `units`: of counted times."""

    file: pathlib.Path
    layout: Layout
    first_line: int
    time_ms: Milliseconds
    columns: dict[str, Floats]
    units: tuple[str, ...]

    def refused(self, row: int, why: str) -> ConfigurationError:
        """The error about one row."""
        return refused(self.file, self.first_line + int(row), why)

    def told_repeats(self, repeated: int) -> tuple[str, ...]:
        """The notice of so many rows that stood there twice; none of none."""
        return (f"{self.layout.said}: {repeated} repeated rows were dropped",) if repeated else ()

    def require(self, fine: NDArray[np.bool_], why: str) -> None:
        """Raises ConfigurationError about the first row that is not fine."""
        if not fine.all():
            raise self.refused(int(np.argmin(fine)), why)


def read_table(file: pathlib.Path, *layouts: Layout) -> Table:
    """Raises ConfigurationError with the file and the line of what is wrong."""
    reading = chunks(file)
    first = next(reading, None)
    if first is None:
        raise refused(file, None, "the file is empty")
    header = header_of(file, first[0], layouts)
    times = Times()
    parses = _parses(header, times)
    time_parts: list[Milliseconds] = []
    parts: defaultdict[str, list[Floats]] = defaultdict(list)
    for line, rows in _rows(file, header, first, reading):
        time_parts.append(_parsed(file, line, "time", _cells(rows, header.places["time"]), times))
        for key, parse in parses.items():
            parts[key].append(_parsed(file, line, key, _cells(rows, header.places[key]), parse))
    if not time_parts:
        raise refused(file, None, "there is a header and nothing below it")
    columns = {key: np.concatenate(parts.pop(key)) for key in parses}
    first_line = header.lines + 1
    return Table(file, header.layout, first_line, np.concatenate(time_parts), columns, tuple(sorted(times.units)))


def _parses(header: Header, times: Times) -> dict[str, Callable[[Sequence[bytes]], Floats]]:
    present = (column for column in header.layout.columns if column.key in header.places)
    return {
        column.key: swap_marks if column.content is Content.EVENT else numbers
        for column in present
        if column.content is not Content.TIME
    }


def _rows(
    file: pathlib.Path, header: Header, first: list[bytes], reading: Iterator[list[bytes]]
) -> Iterator[tuple[int, list[list[bytes]]]]:
    """(line of the first, rows), chunk by chunk. Empty lines may only end the file."""
    line, has_ended = 1 + header.lines, False
    for chunk in chain([first[header.lines :]], reading):
        filled = _filled_lines(chunk)
        if has_ended and any(chunk):
            raise refused(file, line - 1, "the line is empty")
        if any(chunk[filled:]):
            raise refused(file, line + filled, "the line is empty")
        if filled:
            yield line, _split(file, line, chunk[:filled], header.width)
        has_ended |= filled < len(chunk)
        line += len(chunk)


def _filled_lines(chunk: list[bytes]) -> int:
    """How many lines stand before the first empty one."""
    return len(chunk) if all(chunk) else chunk.index(b"")


def _split(file: pathlib.Path, line: int, texts: list[bytes], width: int) -> list[list[bytes]]:
    rows = [text.split(b",") for text in texts]
    if set(map(len, rows)) != {width}:
        index = next(index for index, row in enumerate(rows) if len(row) != width)
        raise refused(file, line + index, f"{len(rows[index])} columns where {width} were expected")
    return rows


def _cells(rows: list[list[bytes]], place: int) -> list[bytes]:
    return [row[place] for row in rows]


def _parsed(
    file: pathlib.Path, line: int, key: str, cells: list[bytes], parse: Callable[[Sequence[bytes]], NDArray[Scalar]]
) -> NDArray[Scalar]:
    try:
        return parse(cells)
    except ValueError as error:
        # Again one by one: the message is about the first of what was given.
        for index, cell in enumerate(cells):
            try:
                parse([cell])
            except ValueError as fault:
                raise refused(file, line + index, f"{key}: {fault}") from None
        raise refused(file, line, f"{key}: {error}") from None
