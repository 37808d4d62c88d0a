"""What is seen of a soak from outside: how far each hedge is off, what the process takes, when it was down."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from tests.soak.stage import Exit, Leg, Program, SoakStage

TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Gap:
    """`gap_quote`: what the chain's own contract says is missing from the short, unsigned."""

    at: datetime
    hedge: str
    gap_quote: Decimal
    band_quote: Decimal

    @property
    def is_over(self) -> bool:
        return self.gap_quote > self.band_quote * Decimal("1.05")


@dataclass(frozen=True, slots=True)
class Weight:
    """Of one process at a moment: resident memory, and processor time since its start."""

    at: datetime
    pid: int
    resident_mb: float
    cpu_s: float


@dataclass(slots=True)
class Down:
    """The program was ended, and started again at `until`."""

    frm: datetime
    how: str
    until: datetime | None = None


@dataclass(slots=True)
class Records:
    gaps: list[Gap] = field(default_factory=list)
    weights: list[Weight] = field(default_factory=list)
    downs: list[Down] = field(default_factory=list)
    exits: list[Exit] = field(default_factory=list)
    quiet: int = 0
    broken: list[str] = field(default_factory=list)

    def look_at(self, stage: SoakStage, leg: Leg, band_pct: Decimal, band_quote: Decimal) -> Gap:
        """By the contract's own word and the exchange's own books."""
        pay = leg.chain.expected_collect(leg.position_id)
        lp_base, lp_quote = _amounts(leg, pay.total)
        price = leg.path.at(stage.elapsed_s())
        short = -stage.exchange.net_position(leg.symbol)
        band = max(band_quote, band_pct * (lp_base * price + lp_quote) / 100)
        gap = Gap(stage.clock.now(), leg.name, abs(lp_base - short) * price, band)
        self.gaps.append(gap)
        return gap

    def weigh(self, stage: SoakStage, program: Program) -> None:
        if (pid := program.pid) is None:
            return
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return
        resident_kb = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))
        cpu_s = (int(fields[11]) + int(fields[12])) / TICKS
        self.weights.append(Weight(stage.clock.now(), pid, resident_kb / 1024, cpu_s))


def _amounts(leg: Leg, raw: tuple[int, int]) -> tuple[Decimal, Decimal]:
    """(BASE, QUOTE)"""
    ordered = raw if leg.pool.order.base_is_token0 else raw[::-1]
    return (
        Decimal(ordered[0]).scaleb(-leg.pool.base.decimals),
        Decimal(ordered[1]).scaleb(-leg.pool.quote.decimals),
    )


@contextmanager
def reading(database: Path) -> Iterator[sqlite3.Connection]:
    """As another process that changes nothing."""
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)
    connection.row_factory = sqlite3.Row
    try:
        yield connection
    finally:
        connection.close()
