"""`python -m benchmarks.service`: the running program on loopback, with real contracts and a strict exchange.

How much a cycle asks and costs, and how soon a swap is hedged.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.lines import Line, tell
from benchmarks.world import world
from tests.e2e.stage import BY_ITSELF, PLACE, Service, Stage

CYCLES = 20
SWAPS = 16
MANY = 200
# A hedge is looked at once a second at most, and a second after its order to see it done: this long after an order the
# next look is free.
PUSHED_APART_S = 2.2
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
    return tell(measure())


def measure() -> list[Line]:
    with world() as stage:
        stage.configure(SETTINGS)
        with Service(stage, "steady") as service:
            until(lambda: "reason='within_band'" in service.output())
            lines = _cycles(stage, service, "")
            lines += _swaps(stage, "", limit_s=1.2, apart_s=1.2)
            service.stop()
        stage.configure({"poll_seconds": "15"}, {"LOCAL_WS_URL": stage.chain.ws_url})
        with Service(stage, "pushed") as service:
            until(lambda: "reason='within_band'" in service.output())
            lines += _swaps(stage, "pushed, ", limit_s=None, apart_s=PUSHED_APART_S)
            service.stop()
        stage.configure({"poll_seconds": "1", "lp_position_ids": str(_many(stage))}, {})
        with Service(stage, "many") as service:
            until(lambda: "reason='within_band'" in service.output())
            lines += _cycles(stage, service, f"{MANY} positions: ")
            service.stop()
    return lines


def _many(stage: Stage) -> list[int]:
    """Ranges all apart, in pools of three fee tiers."""
    chain, (base, quote) = stage.chain, (stage.pool.base, stage.pool.quote)
    pools = [stage.pool] + [chain.create_pool(base, quote, price=2000, fee_pips=fee) for fee in (3000, 10000)]
    return [chain.mint_position(pools[n % 3], 1000 + 3 * n, 2500 + 7 * n, base="0.1", quote=300) for n in range(MANY)]


def _cycles(stage: Stage, service: Service, which: str) -> list[Line]:
    """The exchange's position is read once a cycle: that counts the cycles."""
    _next_cycle(stage)
    stage.proxy.forget()
    first, began_s = len(stage.venue.requests(POSITION)), cpu_s(service)
    until(lambda: len(stage.venue.requests(POSITION)) >= first + CYCLES)
    time.sleep(0.3)
    cycles = len(stage.venue.requests(POSITION)) - first
    return [
        Line(f"{which}RPC requests a cycle", round(len(stage.proxy.requests) / cycles, 2), "", 1.0),
        Line(f"{which}CPU a cycle, all of the process", (cpu_s(service) - began_s) / cycles * 1000, "ms"),
    ]


def _next_cycle(stage: Stage) -> None:
    before = len(stage.venue.requests(POSITION))
    until(lambda: len(stage.venue.requests(POSITION)) > before)
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
        until(lambda sent=before: stage.orders_sent() > sent)  # type: ignore[misc]
        took.append((stage.venue.requests(PLACE)[before].at_ms - mined_ms) / 1000)
    took.sort()
    return [
        Line(f"{which}mined swap to order, median", statistics.median(took), "s", 0.1 if limit_s is None else None),
        Line(f"{which}mined swap to order, p95", took[round(0.95 * (len(took) - 1))], "s", limit_s),
        Line(f"{which}mined swap to order, longest", took[-1], "s"),
    ]


def until(probe: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not probe():
        if time.monotonic() > deadline:
            raise TimeoutError("the service did not do what is measured")
        time.sleep(0.005)


def cpu_s(service: Service) -> float:
    fields = Path(f"/proc/{service.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    sys.exit(main())
