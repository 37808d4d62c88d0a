"""`python -m benchmarks.service`: the running program on loopback, with real contracts and a strict exchange.

How much a cycle asks and costs, how soon a swap is hedged, how soon a start decides, and how much memory it holds.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.lines import Line
from benchmarks.world import world
from tests.e2e.stage import BY_ITSELF, PLACE, Service, Stage

CYCLES = 20
SWAPS = 16
MANY = 200
# A hedge is looked at once a second at most, and a second after its order to see it done: this long after an order the
# next look is free.
PUSHED_APART_S = 2.2
STARTS = 5
PATIENCE_S = 30.0
POSITION = "GET /fapi/v3/positionRisk"
# Every look counts, the pool alone moves, and nobody is asked.
SETTINGS = BY_ITSELF | {
    "poll_seconds": "1",
    "cooldown_seconds": "0",
    "max_per_hour": "0",
    "delta_band_quote": "50",
    "delta_band_pct": "0",
    "max_basis_bps": "0",
}


def main() -> int:
    lines = measure()
    print("\n".join(map(str, lines)))
    return 0 if all(line.kept for line in lines) else 1


def measure() -> list[Line]:
    with world() as stage:
        stage.configure(SETTINGS)
        lines = _starts(stage)
        with Service(stage, "steady") as service:
            _until(lambda: "reason='within_band'" in service.output())
            lines += _cycles(stage, service, "")
            lines += _swaps(stage, "", limit_s=1.2, apart_s=1.2)
            lines.append(Line("resident memory of the service", _resident_mb(service), "MB"))
            service.stop()
        stage.configure({"poll_seconds": "15"}, {"LOCAL_WS_URL": stage.chain.ws_url})
        with Service(stage, "pushed") as service:
            _until(lambda: "reason='within_band'" in service.output())
            lines += _swaps(stage, "pushed, ", limit_s=None, apart_s=PUSHED_APART_S)
            service.stop()
        stage.configure({"poll_seconds": "1", "lp_position_ids": str(_many(stage))}, {})
        with Service(stage, "many") as service:
            _until(lambda: "reason='within_band'" in service.output())
            lines += _cycles(stage, service, f"{MANY} positions: ")
            service.stop()
    return lines


def _starts(stage: Stage) -> list[Line]:
    """From the command to the first decision in the log, each time as a fresh process on the same database."""
    took, worked = [], []
    for number in range(STARTS):
        began = time.perf_counter()
        with Service(stage, f"start{number}") as service:
            _until(lambda log=service.log: ": decision " in log.read_text())  # type: ignore[misc]
            took.append(time.perf_counter() - began)
            worked.append(_cpu_s(service))
            service.stop()
    return [
        Line("start to first decision, median", statistics.median(took), "s", 3.0),
        Line("start to first decision, longest", max(took), "s"),
        Line("start to first decision, CPU of it", statistics.median(worked), "s"),
    ]


def _many(stage: Stage) -> list[int]:
    """Ranges all apart, in pools of three fee tiers."""
    chain, (base, quote) = stage.chain, (stage.pool.base, stage.pool.quote)
    pools = [stage.pool] + [chain.create_pool(base, quote, price=2000, fee_pips=fee) for fee in (3000, 10000)]
    return [chain.mint_position(pools[n % 3], 1000 + 3 * n, 2500 + 7 * n, base="0.1", quote=300) for n in range(MANY)]


def _cycles(stage: Stage, service: Service, which: str) -> list[Line]:
    """The exchange's position is read once a cycle: that counts the cycles."""
    _next_cycle(stage)
    stage.proxy.forget()
    first, began_s = len(stage.venue.requests(POSITION)), _cpu_s(service)
    _until(lambda: len(stage.venue.requests(POSITION)) >= first + CYCLES)
    time.sleep(0.3)
    cycles = len(stage.venue.requests(POSITION)) - first
    return [
        Line(f"{which}RPC requests a cycle", round(len(stage.proxy.requests) / cycles, 2), "", 1.0),
        Line(f"{which}CPU a cycle, all of the process", (_cpu_s(service) - began_s) / cycles * 1000, "ms"),
    ]


def _next_cycle(stage: Stage) -> None:
    before = len(stage.venue.requests(POSITION))
    _until(lambda: len(stage.venue.requests(POSITION)) > before)
    time.sleep(0.3)


def _swaps(stage: Stage, which: str, *, limit_s: float | None, apart_s: float) -> list[Line]:
    """From just before a block with a swap is mined to the order at the exchange, at moments that have nothing to do
    with the program's pace. `limit_s` of the 95th percentile; pushed news have one of the median."""
    took = []
    for number in range(SWAPS):
        time.sleep(apart_s + random.random())
        before = stage.orders_sent()
        stage.chain.swap_to_price(stage.pool, 2000 if number % 2 else 2040)
        mined_ms = (time.time() - time.perf_counter() + stage.chain.rpc.mining_since_s) * 1000
        _until(lambda sent=before: stage.orders_sent() > sent)  # type: ignore[misc]
        took.append((stage.venue.requests(PLACE)[before].at_ms - mined_ms) / 1000)
    took.sort()
    return [
        Line(f"{which}mined swap to order, median", statistics.median(took), "s", 0.1 if limit_s is None else None),
        Line(f"{which}mined swap to order, p95", took[round(0.95 * (len(took) - 1))], "s", limit_s),
        Line(f"{which}mined swap to order, longest", took[-1], "s"),
    ]


def _until(probe: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not probe():
        if time.monotonic() > deadline:
            raise TimeoutError("the service did not do what is measured")
        time.sleep(0.005)


def _cpu_s(service: Service) -> float:
    fields = Path(f"/proc/{service.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mb(service: Service) -> float:
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    (line,) = [each for each in status.splitlines() if each.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    sys.exit(main())
