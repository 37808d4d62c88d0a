"""One measured figure."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """`limit`: at most; `least`: at least. Neither: reported, not promised."""

    name: str
    value: float
    unit: str
    limit: float | None = None
    least: float | None = None

    @property
    def kept(self) -> bool:
        within = self.limit is None or self.value <= self.limit
        return within and (self.least is None or self.value >= self.least)

    def __str__(self) -> str:
        asked = [f"at most {self.limit:g}"] if self.limit is not None else []
        asked += [f"at least {self.least:g}"] if self.least is not None else []
        promise = f"({', '.join(asked)}) {'' if self.kept else 'MISSED'}" if asked else ""
        return f"{self.name:58} {self.value:10.3f} {self.unit:5} {promise}".rstrip()


def tell(lines: Iterable[Line], *, as_json: bool = False) -> int:
    """Prints each, as soon as it is measured unless JSON is wanted; the exit code: 1 when a limit is missed."""
    told = []
    for line in lines:
        told.append(line)
        if not as_json:
            print(line, flush=True)
    if as_json:
        print(json.dumps([asdict(line) | {"kept": line.kept} for line in told], indent=2))
    return 0 if all(line.kept for line in told) else 1
