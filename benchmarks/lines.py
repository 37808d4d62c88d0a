"""One measured figure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """`limit` None: reported, not promised."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def kept(self) -> bool:
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        promise = "" if self.limit is None else f"(at most {self.limit:g}) {'' if self.kept else 'MISSED'}"
        return f"{self.name:44} {self.value:10.3f} {self.unit:5} {promise}".rstrip()
