"""`python -m benchmarks.phone`: the running program as the operator feels it, over the strict Bot API on loopback.

From a tap on Approve to the order at the exchange, and how soon `/status` is answered while a sliced plan runs and the
exchange is slow; both while the bot's long poll is open, as it nearly always is.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from benchmarks.lines import Line, tell
from benchmarks.world import world
from tests.e2e.stage import OPERATOR, PLACE, START_PRICE, Service, Stage
from tests.rigs.telegram.world import Message
from tests.rigs.venue.faults import ANY, slow

TAPS = 12
ASKS = 30
PATIENCE_S = 60.0
VENUE_ANSWERS_AFTER_S = 1.0
# Each move of the price asks, at once, for one market order.
ASKING = {
    "approval_over_quote": "0",
    "poll_seconds": '"0.5"',
    "cooldown_seconds": "0",
    "max_per_hour": "0",
    "delta_band_quote": "50",
    "delta_band_pct": "0",
    "twap_over_quote": "0",
}
SLICED = ASKING | {
    "approval_over_quote": '"off"',
    "twap_over_quote": "100",
    "twap_duration_seconds": "600",
    "twap_interval_seconds": "2",
    "urgent_band_multiple": "0",
}
T = TypeVar("T")


def main() -> int:
    return tell(measure())


def measure() -> list[Line]:
    with world() as stage:
        stage.configure(ASKING)
        with Service(stage, "asking") as service:
            lines = _taps(stage)
            service.stop()
    with world() as stage:
        stage.configure(SLICED)
        with Service(stage, "sliced") as service:
            lines += _status(stage)
            service.stop()
    return lines


def _taps(stage: Stage) -> list[Line]:
    took_ms = []
    for number in range(TAPS):
        proposal = _until(lambda: _open_proposal(stage))
        sent = stage.orders_sent()
        _until_polling(stage)
        tapped_ms = time.time() * 1000
        stage.telegram.press(OPERATOR, proposal, "Approve")
        _until(lambda before=sent: stage.orders_sent() > before)  # type: ignore[misc]
        took_ms.append(stage.venue.requests(PLACE)[sent].at_ms - tapped_ms)
        stage.set_price(START_PRICE if number % 2 else START_PRICE + 60)
    return [
        Line("tap on Approve to order on the wire, median", statistics.median(took_ms), "ms", 100),
        Line("tap on Approve to order on the wire, longest", max(took_ms), "ms"),
    ]


def _open_proposal(stage: Stage) -> Message | None:
    found = stage.telegram.messages(OPERATOR, "Approve this hedge?")
    return found[-1] if found and found[-1].labels else None


def _status(stage: Stage) -> list[Line]:
    """The exchange keeps every answer back, orders' too, while the plan's slices go out."""
    _until(lambda: stage.orders_sent() >= 2)
    stage.venue.faults.add(ANY, slow(VENUE_ANSWERS_AFTER_S), times=100_000)
    time.sleep(2 * VENUE_ANSWERS_AFTER_S)
    sent, took_ms = stage.orders_sent(), []
    for _ in range(ASKS):
        _until_polling(stage)
        answers = len(stage.telegram.messages(OPERATOR, "Updated"))
        asked = time.perf_counter()
        stage.telegram.say(OPERATOR, "/status")
        _until(lambda before=answers: len(stage.telegram.messages(OPERATOR, "Updated")) > before)  # type: ignore[misc]
        took_ms.append((time.perf_counter() - asked) * 1000)
        time.sleep(0.3)
    if stage.orders_sent() == sent:
        raise RuntimeError("no slice was sent meanwhile")
    stage.venue.faults.clear()
    return [
        Line("/status while slices run and the venue is slow", statistics.median(took_ms), "ms", 100),
        Line("the same, longest", max(took_ms), "ms"),
    ]


def _until_polling(stage: Stage) -> None:
    """Until a long poll is open and nothing waits to be fetched."""
    rig = stage.telegram
    _until(lambda: rig.unconfirmed() == 0 and rig.world.updates.polls > len(rig.calls("getUpdates")))


def _until(probe: Callable[[], T | None]) -> T:
    deadline = time.monotonic() + PATIENCE_S
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise TimeoutError("the service did not do what is measured")
        time.sleep(0.002)
    return found


if __name__ == "__main__":
    sys.exit(main())
