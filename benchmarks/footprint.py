"""`python -m benchmarks.footprint`: what the running program takes of a small machine.

From the command to the first decision, resident memory with one hedge and with ten, processor time while nothing
happens, and growth over simulated days. Figures of a quiet machine: a busy one only delays the start.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from benchmarks.lines import Line, tell
from benchmarks.service import cpu_s, until
from benchmarks.world import world
from bot.demo.path import RECORDED_START
from bot.demo.run import drive, set_stage
from bot.logs import LogSettings, configure_logs
from bot.redaction import Redactor
from bot.settings import DemoOptions
from core.clock import ManualClock
from tests.e2e.stage import BY_ITSELF, Service, Stage, resident_mb
from tests.rigs.venue.exchange import Exchange
from tests.rigs.venue.instruments import default_instruments

STARTS = 5
HEDGES = 10
WATCHED_S = 60.0
DAYS = 8
# The first two fill caches: what the process holds grows by a MB or two, and then no more.
SETTLED_AFTER_DAYS = 2
DAY_H = 24
GROWTH_MB_A_DAY = 0.2
SETTINGS = BY_ITSELF | {"poll_seconds": "15"}
IN_BAND = "reason='within_band'"


def main() -> int:
    return tell(measure())


def measure() -> list[Line]:
    listed = default_instruments()
    like = listed["ETHUSDT"]
    others = {
        f"T{number}USDT": replace(like, symbol=f"T{number}USDT", base=f"T{number}") for number in range(1, HEDGES)
    }
    with world(Exchange(listed | others)) as stage:
        stage.configure(SETTINGS)
        lines = [*_starts(stage), *_idle(stage, 1, most_mb=120, most_cpu_pct=1)]
        _add_hedges(stage, sorted(others))
        lines += _idle(stage, HEDGES, most_mb=160)
    return [*lines, *asyncio.run(_growth())]


def _starts(stage: Stage) -> list[Line]:
    """Each time as a fresh process on the same database."""
    took_s, worked_s = [], []
    for number in range(STARTS):
        began_s = time.perf_counter()
        with Service(stage, f"start{number}") as service:
            until(lambda log=service.log: ": decision " in log.read_text())  # type: ignore[misc]
            took_s.append(time.perf_counter() - began_s)
            worked_s.append(cpu_s(service))
            service.stop()
    return [
        Line("start to first decision, median", statistics.median(took_s), "s", 2.0),
        Line("start to first decision, longest", max(took_s), "s"),
        Line("start to first decision, CPU of it", statistics.median(worked_s), "s"),
    ]


def _idle(stage: Stage, hedges: int, *, most_mb: float, most_cpu_pct: float | None = None) -> list[Line]:
    """On 15 s polls with pushed prices and no news of the pool."""
    which = f"{hedges} hedge{'s' if hedges > 1 else ''}"
    with Service(stage, f"idle{hedges}") as service:
        until(lambda: service.output().count(IN_BAND) >= hedges)
        time.sleep(WATCHED_S / 4)
        began_s, worked_s = time.perf_counter(), cpu_s(service)
        time.sleep(WATCHED_S)
        busy_pct = (cpu_s(service) - worked_s) / (time.perf_counter() - began_s) * 100
        held_mb = resident_mb(service.process.pid)
        service.stop()
    return [
        Line(f"{which}: resident", held_mb, "MB", most_mb),
        Line(f"{which}: CPU while nothing happens", busy_pct, "%", most_cpu_pct),
    ]


def _add_hedges(stage: Stage, symbols: list[str]) -> None:
    """One position of the same pool for each symbol, beside the first hedge."""
    text = stage.configuration.read_text()
    head, _, block = text.partition("[hedges.eth]")
    for symbol in symbols:
        position = stage.chain.mint_position(stage.pool, 1800, 2200, base=1, quote=2000)
        mine = block.replace(f"[{stage.position_id}]", f"[{position}]").replace("ETHUSDT", symbol)
        head += f"[hedges.{symbol[:-4].lower()}]{mine}\n"
    stage.configuration.write_text(f"{head}[hedges.eth]{block}")


async def _growth() -> list[Line]:
    """The engine over the embedded market: what is held at each day's end, and the straight line through the days."""
    options, clock = DemoOptions(speed=None, approvals="approve"), ManualClock(RECORDED_START, sleep_advances=True)
    configure_logs(LogSettings("WARNING"), Redactor())
    held_mb = []
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            stage = await set_stage(stack, options, clock, Path(folder), None)
            for _ in range(DAYS):
                await drive(stage, clock, DAY_H, options)
                held_mb.append(resident_mb("self"))
    settled = range(SETTLED_AFTER_DAYS + 1, DAYS + 1)
    slope_mb = statistics.linear_regression(settled, held_mb[SETTLED_AFTER_DAYS:]).slope
    return [
        *(Line(f"held after simulated day {day}", held, "MB") for day, held in enumerate(held_mb, 1)),
        Line(f"growth a simulated day, days {settled[0]} to {DAYS}", slope_mb, "MB", GROWTH_MB_A_DAY),
    ]


if __name__ == "__main__":
    sys.exit(main())
