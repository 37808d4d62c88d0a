"""`make bench`: the few paths whose pace matters, measured on this machine, beside the limit where one is promised.

`make bench ARGS="--json"` for machines. The code is 1 when a limit is missed; run it on a quiet machine.
The running service is measured too (`python -m benchmarks.service`) where the test chain is set up.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import chain, charts, execution, footprint, phone, replay, service, streams
from benchmarks.lines import Line, tell
from core.amm.amounts import burn_amounts
from core.amm.ticks import sqrt_ratio_at_tick
from core.clock import SystemClock
from core.hedging.kernel import decide
from storage.store import Store
from tests.hedging.givens import facts, memory, policy
from tests.storage.samples import SCOPE, T0, a_plan, a_request

DEMO_HOURS = 6
TEST_CHAIN = Path(__file__).parents[1] / "tests/rigs/chain/node_modules"


def main() -> int:
    """1 when a limit is missed."""
    return tell(_measured(), as_json="--json" in sys.argv[1:])


def _measured() -> Iterator[Line]:
    yield from _alone()
    for room in (streams, charts, execution, replay):
        yield from room.measure()
    if TEST_CHAIN.exists():
        for room in (chain, service, footprint, phone):
            yield from room.measure()


def _alone() -> list[Line]:
    """What needs neither chain nor exchange; the best of three runs, for the machine's own noise only ever adds."""
    return [
        Line("one decision of the kernel", _microseconds(_decisions, 3000), "us", 100),
        Line("one position's amounts from its ticks", _microseconds(_amounts, 3000), "us", 50),
        Line("one order's intent, durable on disk", asyncio.run(_intent_ms()), "ms", 20),
        Line("the demo: cycles a second, fast", _demo_cycles_per_s(), "1/s", least=100),
        Line("from the command line to its help", _start_ms(), "ms", 500),
    ]


def _microseconds(work: Callable[[int], None], times: int) -> float:
    return min(_seconds(lambda: work(times)) for _ in range(3)) / times * 1e6


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _decisions(times: int) -> None:
    given, rules, remembered = facts(), policy(), memory()
    for _ in range(times):
        decide(given, rules, remembered)


def _amounts(times: int) -> None:
    for step in range(times):
        lower, upper = sqrt_ratio_at_tick(-1000 - step), sqrt_ratio_at_tick(1000 + step)
        burn_amounts(sqrt_ratio_at_tick(step % 900), lower, upper, 10**20)


async def _intent_ms() -> float:
    """Includes the file system's own flush."""
    times = 200
    with tempfile.TemporaryDirectory() as folder:
        async with await Store.open(Path(folder) / "bench.db", scope=SCOPE, clock=SystemClock()) as store:
            await store.journal.open_plan(a_plan())
            began = time.perf_counter()
            for number in range(times):
                await store.journal.record_intent(a_request(f"c{number}"), a_plan(), attempt=number + 1, at=T0)
            return (time.perf_counter() - began) / times * 1e3


def _demo_cycles_per_s() -> float:
    command = [
        sys.executable,
        "-m",
        "bot",
        "demo",
        "--fast",
        "--hours",
        str(DEMO_HOURS),
        "--approvals",
        "approve",
        "--json",
    ]
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    took = time.perf_counter() - began
    return float(json.loads(done.stdout)["cycles"]) / took


def _start_ms() -> float:
    command = [sys.executable, "-m", "bot", "--help"]
    return min(_seconds(lambda: subprocess.run(command, capture_output=True, check=True)) for _ in range(3)) * 1e3


if __name__ == "__main__":
    sys.exit(main())
