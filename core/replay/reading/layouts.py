"""The tables that are understood, told apart by their header."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from core.errors import ConfigurationError
from core.replay.reading.lines import refused, shown


class Content(Enum):
    """What a column holds."""

    TIME = "time"
    NUMBER = "number"
    EVENT = "event"


class Column(NamedTuple):
    """`names`: what headers call it, in lower case."""

    key: str
    names: tuple[str, ...]
    content: Content = Content.NUMBER
    is_needed: bool = True


class Layout(NamedTuple):
    """`said`: what it holds; `expected`: the header as a person may be shown it."""

    said: str
    expected: str
    columns: tuple[Column, ...]

    @property
    def needed(self) -> set[str]:
        """The keys without whose columns a table is refused."""
        return {column.key for column in self.columns if column.is_needed}


def _number(key: str, *, is_needed: bool = True) -> Column:
    return Column(key, (key.lower(),), is_needed=is_needed)


KLINES = Layout(
    "klines",
    "open_time,open,high,low,close,volume,...",
    (
        Column("time", ("open_time_ms", "open_time"), Content.TIME),
        *map(_number, ("open", "high", "low", "close")),
        # Mark price klines have none.
        _number("volume", is_needed=False),
    ),
)
POOL_MINUTES = Layout(
    "pool minutes",
    "timestamp,...,closeTick,...,lowestTick,highestTick,inAmount0,inAmount1,currentLiquidity",
    (
        Column("time", ("timestamp",), Content.TIME),
        *map(_number, ("closeTick", "lowestTick", "highestTick", "inAmount0", "inAmount1", "currentLiquidity")),
    ),
)
POOL_EVENTS = Layout(
    "pool events",
    "block_number,block_timestamp,tx_type,...,log_index,amount0,amount1,sqrtPriceX96,tick,total_liquidity,...",
    (
        Column("time", ("block_timestamp",), Content.TIME),
        Column("is_swap", ("tx_type",), Content.EVENT),
        *map(_number, ("block_number", "log_index", "amount0", "amount1", "sqrtPriceX96", "total_liquidity")),
    ),
)
FUNDING = Layout(
    "funding",
    "funding_time_ms,funding_rate",
    (
        Column("time", ("funding_time_ms", "calc_time", "fundingtime"), Content.TIME),
        Column("rate", ("funding_rate", "last_funding_rate", "fundingrate")),
    ),
)
_BINANCE_KLINE_COLUMNS = 12


class Header(NamedTuple):
    """`places`: where each column stands; `width`: how many there are; `lines`: 0 when the data starts at once."""

    layout: Layout
    places: dict[str, int]
    width: int
    lines: int


# Binance's older kline files have no line of names.
_BARE_KLINES = Header(
    KLINES, {column.key: place for place, column in enumerate(KLINES.columns)}, _BINANCE_KLINE_COLUMNS, lines=0
)


def header_of(file: pathlib.Path, first: bytes, layouts: Sequence[Layout]) -> Header:
    """Raises ConfigurationError when the first line is of none of `layouts`."""
    cells = first.split(b",")
    if KLINES in layouts and _is_bare_kline(cells):
        return _BARE_KLINES
    names = [cell.decode("ascii", "backslashreplace").strip().lower() for cell in cells]
    for layout in layouts:
        places = _places(names, layout)
        if layout.needed <= places.keys():
            return Header(layout, places, len(cells), 1)
    raise _unknown(file, first, layouts)


def _is_bare_kline(cells: Sequence[bytes]) -> bool:
    return cells[0].isdigit() and len(cells) == _BINANCE_KLINE_COLUMNS


def _places(names: list[str], layout: Layout) -> dict[str, int]:
    """A name that stands twice says nothing."""
    return {
        column.key: names.index(name) for column in layout.columns for name in column.names if names.count(name) == 1
    }


def _unknown(file: pathlib.Path, first: bytes, layouts: Sequence[Layout]) -> ConfigurationError:
    expected = " or ".join(f"{layout.said} ({layout.expected})" for layout in layouts)
    return refused(file, 1, f"the columns `{shown(first)}` are not known; expected {expected}")
