"""Cells of a table to numbers and times. ValueError says what is wrong with a cell."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from core.replay.path import Floats, Milliseconds
from core.replay.reading.lines import shown

# No token amount has more than 256 bits; nothing computed from such numbers overflows.
_LARGEST = 2.0**256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
# 2009 and 2100: no market was recorded before or after. The three units never overlap in between.
_FIRST_S, _LAST_S = 1_230_768_000, 4_102_444_800
_PLAIN_LENGTH = len("2025-01-31 23:59:00")
_MARK_PLACES = (4, 7, 13, 16)
_UNITS = (("seconds", 1), ("milliseconds", 1_000), ("microseconds", 1_000_000))


def numbers(cells: Sequence[bytes]) -> Floats:
    """Finite numbers of 256 bits at most, nothing else."""
    if b"_" in b"".join(cells):
        raise ValueError(f"`{shown(cells[0])}` is no number")
    try:
        values = np.fromiter(map(float, cells), np.float64, len(cells))
    except ValueError:
        raise ValueError(f"`{shown(cells[0])}` is no number" if cells[0] else "is empty") from None
    if not (np.abs(values) < _LARGEST).all():
        raise ValueError(f"`{shown(cells[0])}` is no number that a market can have")
    return values


def swap_marks(cells: Sequence[bytes]) -> Floats:
    """1 where a pool's event is a swap, 0 where it is another that the pool is known to send."""
    if not set(cells) <= {b"SWAP", b"MINT", b"BURN", b"COLLECT"}:
        raise ValueError(f"`{shown(cells[0])}` is no event of a pool; expected SWAP, MINT, BURN or COLLECT")
    return np.fromiter((cell == b"SWAP" for cell in cells), np.float64, len(cells))


class Times:
    """A column of times: counted since 1970 or written as dates, all in one manner. `units`: those met so far."""

    def __init__(self) -> None:
        self.units: set[str] = set()
        self._written: bool | None = None
        self._with_offset: bool | None = None

    def __call__(self, cells: Sequence[bytes]) -> Milliseconds:
        """Milliseconds since the epoch, rounded down; without an offset from UTC a date counts as UTC."""
        if self._written is None:
            self._written = not cells[0].isdigit()
        return self._dates(cells) if self._written else self._counted(cells)

    def _counted(self, cells: Sequence[bytes]) -> Milliseconds:
        counts = _counts(cells)
        times_ms = np.zeros_like(counts)
        for unit, per_second in _UNITS:
            is_unit = (counts >= _FIRST_S * per_second) & (counts < _LAST_S * per_second)
            times_ms[is_unit] = counts[is_unit] * 1_000 // per_second
            if is_unit.any():
                self.units.add(unit)
        if not times_ms.all():
            raise ValueError(f"`{shown(cells[0])}` is no time between 2009 and 2100")
        return times_ms

    def _dates(self, cells: Sequence[bytes]) -> Milliseconds:
        plain = _plain_dates(b"".join(cells)) if set(map(len, cells)) == {_PLAIN_LENGTH} else None
        if plain is None or self._with_offset:
            return np.fromiter(map(self._date_ms, cells), np.int64, len(cells))
        self._with_offset = False
        return plain

    def _date_ms(self, cell: bytes) -> int:
        try:
            moment = datetime.fromisoformat(cell.decode("ascii"))
        except ValueError:
            raise ValueError(f"`{shown(cell)}` is no date and time such as 2025-01-31 23:59:00") from None
        has_offset = moment.tzinfo is not None
        if self._with_offset is None:
            self._with_offset = has_offset
        if has_offset != self._with_offset:
            raise ValueError(f"`{shown(cell)}`: times with and without an offset from UTC are mixed in this file")
        time_ms = ((moment if has_offset else moment.replace(tzinfo=UTC)) - _EPOCH) // _MILLISECOND
        if not _FIRST_S * 1_000 <= time_ms < _LAST_S * 1_000:
            raise ValueError(f"`{shown(cell)}` is no time between 2009 and 2100")
        return time_ms


def _counts(cells: Sequence[bytes]) -> NDArray[np.int64]:
    if not b"".join(cells).isdigit() or b"" in cells:
        raise ValueError(f"`{shown(cells[0])}` is no whole number as the times before it")
    try:
        return np.fromiter(map(int, cells), np.int64, len(cells))
    except (OverflowError, ValueError):
        raise ValueError(f"`{shown(cells[0])}` is no time") from None


def _plain_dates(text: bytes) -> Milliseconds | None:
    """Dates written as 2025-01-31 23:59:00, one after the other, all at once; None when any is not quite that."""
    letters = np.frombuffer(text, np.uint8).reshape(-1, _PLAIN_LENGTH)
    if not (letters[:, _MARK_PLACES] == np.frombuffer(b"--::", np.uint8)).all():
        return None
    try:
        moments = np.frombuffer(text, f"S{_PLAIN_LENGTH}").astype(f"U{_PLAIN_LENGTH}").astype("datetime64[ms]")
    except ValueError:
        return None
    times_ms = moments.astype(np.int64)
    return times_ms if ((times_ms >= _FIRST_S * 1_000) & (times_ms < _LAST_S * 1_000)).all() else None
