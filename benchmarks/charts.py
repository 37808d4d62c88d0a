"""`python -m benchmarks.charts`: how soon `/chart` is answered, and what drawing costs the hedges beside it.

The demo's market is evaluated every second in the same process and loop, as the service would be.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import structlog

from benchmarks.lines import Line, tell
from bot.assembly import build_engine
from bot.demo.chain import HEDGE
from bot.demo.market import SYMBOL, DemoMarket
from bot.office import open_office
from bot.replies import Reply
from bot.views import Views
from core.account_ports import HeldLiquidity, Snapshot
from core.cancellation import end
from core.clock import SystemClock
from core.engine import Engine
from core.exchange.paper import PaperVenue, terms_of
from core.feeds import ChainFeed
from storage.store import Store

DAY_MINUTES, MONTH_MINUTES = 1440, 43_200
CHARTS, CALM_S, EVERY_S = 5, 15.0, 1.0
HELD = HeldLiquidity(1, True, 18, 6, -201_000, -199_000, 10**18, Decimal(0), Decimal(0))


@dataclass
class Cycles:
    """How late each evaluation ended after its second began."""

    took_s: list[float] = field(default_factory=list)

    async def run(self, engine: Engine) -> None:
        due_s = time.perf_counter()
        while True:
            await engine.cycle()
            self.took_s.append(time.perf_counter() - due_s)
            due_s = max(due_s + EVERY_S, time.perf_counter())
            await asyncio.sleep(due_s - time.perf_counter())


def main() -> int:
    return tell(measure())


def measure() -> list[Line]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    return asyncio.run(_measured())


async def _measured() -> list[Line]:
    async with _service() as (engine, views, store):
        cycles = Cycles()
        evaluating = asyncio.create_task(cycles.run(engine))
        await _record(store, MONTH_MINUTES)
        cycles.took_s.clear()
        await asyncio.sleep(CALM_S)
        calm_s, cycles.took_s = cycles.took_s, []
        day_s = [await _chart_s(views, "24") for _ in range(CHARTS)]
        month_s = [await _chart_s(views, "720") for _ in range(CHARTS)]
        await asyncio.sleep(EVERY_S)
        busy_s = cycles.took_s
        await end(evaluating)
    return [
        Line("/chart of a day answered, median", statistics.median(day_s), "s", 1.5),
        Line("/chart of a day answered, slowest", max(day_s), "s"),
        Line("/chart of a month answered, median", statistics.median(month_s), "s"),
        Line("longest hedge cycle, nothing drawn", max(calm_s) * 1e3, "ms"),
        Line("longest hedge cycle while charts are drawn", max(busy_s) * 1e3, "ms", 250),
        Line("median hedge cycle, nothing drawn", statistics.median(calm_s) * 1e3, "ms"),
        Line("median hedge cycle while charts are drawn", statistics.median(busy_s) * 1e3, "ms"),
    ]


async def _chart_s(views: Views, hours: str) -> float:
    began_s = time.perf_counter()
    reply: Reply = await views.show("chart", (hours,))
    took_s = time.perf_counter() - began_s
    assert reply.attachment is not None, reply.text
    return took_s


async def _record(store: Store, minutes: int) -> None:
    """A month of minutes up to now, in one transaction."""
    now = datetime.now(UTC)
    for number in range(minutes):
        price = Decimal(2000 + 150 * ((number // 97) % 7) + number % 97) / 1
        net = (Decimal(3000) - price) / 250
        short = net.quantize(Decimal("0.1"))
        figures = {"net_base": net, "perp_base": -short, "gap_base": short - net, "residual_base": net - short}
        at = now - timedelta(minutes=minutes - number)
        await store.series.append(_snapshot(at, price, figures))


def _snapshot(at: datetime, price: Decimal, figures: dict[str, Decimal]) -> Snapshot:
    return Snapshot(
        hedge=HEDGE,
        at=at,
        price=price,
        net_base=figures["net_base"],
        perp_base=figures["perp_base"],
        gap_base=figures["gap_base"],
        gap_quote=abs(figures["gap_base"]) * price,
        residual_base=figures["residual_base"],
        mark_price=price,
        lp_base=figures["net_base"],
        lp_quote=Decimal(9000),
        fee_base=Decimal("0.1"),
        fee_quote=Decimal(10),
        symbol=SYMBOL,
        held=(HELD,),
    )


@asynccontextmanager
async def _service() -> AsyncIterator[tuple[Engine, Views, Store]]:
    with tempfile.TemporaryDirectory() as folder:
        clock = SystemClock()
        market = DemoMarket.load(seed=0, clock=clock)
        config = market.config()
        async with await Store.open(Path(folder) / "bench.db", scope="paper:bench", clock=clock) as store:
            venue = PaperVenue(market.feed(), store.paper, clock, terms_of(config.paper))
            await venue.prepare([SYMBOL])
            office = open_office(config, store, clock, UTC)
            engine = await build_engine(
                config,
                chains={HEDGE: ChainFeed(market.lp_positions(), clock)},
                venue=venue,
                store=store,
                office=office,
                clock=clock,
                began=clock.now(),
            )
            yield engine, office.views, store


if __name__ == "__main__":
    sys.exit(main())
