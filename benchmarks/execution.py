"""`python -m benchmarks.execution`: from decision to wire, from a told fill to the disk, and what ten hedges cost.

The engine is a process of its own before the strict exchange on loopback; both stamp the clock that they share.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from aiohttp import web

from benchmarks.lines import Line, tell
from tests.rigs.venue import PLACE, Exchange, VenueServer, VenueThread
from tests.rigs.venue.instruments import default_instruments
from tests.rigs.venue.shapes import Json

HEDGES = 10
ORDERS = 40
PATIENCE_S = 120.0
SETTLE_S, FOR_S = 8.0, 20.0
TICK_S = 0.1


class StampedVenue(VenueServer):
    """Knows when each order arrived and when each fill was told."""

    def __init__(self, exchange: Exchange) -> None:
        super().__init__(exchange)
        self.arrived: list[float] = []
        self.told: dict[str, float] = {}
        tell = self.hub._send_private

        def stamped(event: Json) -> None:
            order = event.get("o")
            if isinstance(order, dict) and order.get("x") == "TRADE":
                self.told.setdefault(str(order["c"]), time.monotonic())
            tell(event)

        self.hub._send_private = stamped  # type: ignore[method-assign]

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        if f"{request.method} {request.path}" == PLACE:
            self.arrived.append(time.monotonic())
        return await super()._serve(request)


def main() -> int:
    return tell(measure())


def measure() -> list[Line]:
    return [*_orders(), *_ten_hedges()]


def _orders() -> list[Line]:
    with _engine(1, "swings") as (venue, engine, lines):
        deadline = time.monotonic() + PATIENCE_S
        while len(venue.arrived) < ORDERS and time.monotonic() < deadline and engine.poll() is None:
            time.sleep(0.1)
        time.sleep(0.5)
    decided = [float(words[1]) for words in lines if words[0] == "decided"]
    booked = {words[1]: float(words[2]) for words in lines if words[0] == "booked"}
    to_wire = [arrived - max(at for at in decided if at < arrived) for arrived in venue.arrived]
    to_disk = [booked[client_id] - told for client_id, told in venue.told.items() if client_id in booked]
    return [
        Line("decision to its order on the wire, median", statistics.median(to_wire) * 1e3, "ms", 5),
        Line("decision to its order on the wire, p95", _p95(to_wire) * 1e3, "ms"),
        Line("fill told to fill in the journal, median", statistics.median(to_disk) * 1e3, "ms", 10),
        Line("fill told to fill in the journal, p95", _p95(to_disk) * 1e3, "ms"),
    ]


def _ten_hedges() -> list[Line]:
    calm = "ten hedges, ten price updates a second each"
    wild = "the same, each looked at every second"
    return [*_moved(calm, step=Decimal("0.1")), *_moved(wild, step=Decimal(4))]


def _moved(name: str, *, step: Decimal) -> list[Line]:
    with _engine(HEDGES, "calm") as (venue, engine, _), _moving(venue, step):
        time.sleep(SETTLE_S)
        asked, used_s, began_s = len(venue.journal), _processor_s(engine.pid), time.monotonic()
        time.sleep(FOR_S)
        used_s, took_s = _processor_s(engine.pid) - used_s, time.monotonic() - began_s
        asked = len(venue.journal) - asked
    return [
        Line(name, used_s / took_s * 100, "% CPU", 15),
        Line("  its requests a minute", asked / took_s * 60, ""),
    ]


@contextmanager
def _engine(hedges: int, how: str) -> Iterator[tuple[StampedVenue, subprocess.Popen[str], list[list[str]]]]:
    eth = default_instruments()["ETHUSDT"]
    symbols = [f"E{number:02}USDT" for number in range(hedges)]
    exchange = Exchange({symbol: replace(eth, symbol=symbol) for symbol in symbols})
    exchange.set_balance(Decimal(1_000_000))
    venue, lines = StampedVenue(exchange), list[list[str]]()
    with tempfile.TemporaryDirectory() as folder, VenueThread(venue):
        database = str(Path(folder) / "lp_hedge.db")
        command = [sys.executable, "-m", "benchmarks.execution_child", venue.url, venue.stream_url, database]
        engine = subprocess.Popen([*command, str(hedges), how], stdout=subprocess.PIPE, text=True)
        reader = threading.Thread(target=_gather, args=(engine, lines), daemon=True)
        reader.start()
        try:
            yield venue, engine, lines
        finally:
            engine.kill()
            engine.wait()
            reader.join(5)


def _gather(engine: subprocess.Popen[str], lines: list[list[str]]) -> None:
    assert engine.stdout is not None
    lines.extend(words for line in engine.stdout if (words := line.split()) and words[0] in ("decided", "booked"))


@contextmanager
def _moving(venue: VenueServer, step: Decimal) -> Iterator[None]:
    """Every market moves by up to six steps, ten times a second: news, but nothing to trade on."""
    ended = threading.Event()

    def move() -> None:
        number = 0
        while not ended.wait(TICK_S):
            number += 1
            for symbol in venue.exchange.instruments:
                venue.exchange.set_price(symbol, 2000 + number % 7 * step)

    mover = threading.Thread(target=move, daemon=True)
    mover.start()
    try:
        yield
    finally:
        ended.set()
        mover.join(5)


def _processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


if __name__ == "__main__":
    sys.exit(main())
