"""`python -m benchmarks.database [DAYS]`: what the database of five hedges weighs after a year, and how long it keeps
whom waiting.

Once as the program leaves it (a week is lived, then tidied, and so on), once with all rows kept. `/pnl` and the report
are timed on the tidied one; hedges' intents of orders are timed while a whole untidied quarter is tidied beside them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from benchmarks.lines import Line, tell
from bot.accounts import Accounts
from bot.live_config import LiveConfig
from bot.tidying import REST_S, Tidying
from core.clock import ManualClock, SystemClock
from core.facts import OrderRequest, OrderSide, OrderType
from storage.store import Store
from storage.upkeep import back_up, check_database
from tests.bot.samples import a_config
from tests.storage.lived import SCOPE, Life
from tests.storage.samples import a_plan

DAYS, WEEK, QUARTER = 365, 7, 91
MOST_MB_A_YEAR = 500
MEGABYTE = 1_000_000
WRITES_EVERY_S = 0.02
Result = TypeVar("Result")


def measure(days: int = DAYS) -> list[Line]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder), days))


async def _measure(folder: Path, days: int) -> list[Line]:
    tidied, kept = Life(folder / "tidied.db"), Life(folder / "kept.db")
    await tidied.begin()
    while tidied.days < days:
        tidied.go_on(min(WEEK, days - tidied.days))
        await _tidy(tidied)
    await kept.begin(version=5)
    kept.go_on(days)
    return [
        Line(f"{days} days of five hedges, tidied", _megabytes(tidied.path), "MB", MOST_MB_A_YEAR * days / 365),
        Line("the same with every row kept, before the update", _megabytes(kept.path), "MB"),
        *await _readings(tidied, days),
        *await _update(kept),
        *await _waits(folder),
    ]


async def _tidy(life: Life) -> None:
    clock = ManualClock(life.now, sleep_advances=True)
    async with await Store.open(life.path, scope=SCOPE, clock=clock) as store:
        await Tidying(store.database, clock).turn()


async def _readings(life: Life, days: int) -> list[Line]:
    """On a database that was just opened, the file in the machine's cache."""
    names = [walk.name for walk in life.walks]
    opened_s, store = await _timed(Store.open(life.path, scope=SCOPE, clock=ManualClock(life.now)))
    async with store:
        accounts = Accounts(store.series, store.journal, store.income, LiveConfig(a_config(*names)))
        day_s, _ = await _timed(accounts.statements(names, life.now - timedelta(days=1), life.now))
        month_s, _ = await _timed(accounts.statements(names, life.now - timedelta(days=30), life.now))
        year_s, _ = await _timed(accounts.statements(names, life.now - timedelta(days=days), life.now))
        backup_s, _ = await _timed(back_up(life.path, life.path.with_name("copy.db"), now=life.now))
        check_s, _ = await _timed(check_database(life.path, now=life.now))
    return [
        Line("opening it", opened_s, "s"),
        Line("/pnl of a day, five hedges", day_s, "s"),
        Line("/pnl of 30 days, five hedges", month_s, "s"),
        Line(f"a report of {days} days, five hedges", year_s, "s"),
        Line("db backup", backup_s, "s"),
        Line("db check", check_s, "s"),
    ]


async def _update(life: Life) -> list[Line]:
    updated_s, store = await _timed(Store.open(life.path, scope=SCOPE, clock=ManualClock(life.now)))
    await store.aclose()
    tidied_s, _ = await _timed(_tidy(life))
    empty_mb = _empty_megabytes(life.path)
    smaller_s, store = await _timed(Store.open(life.path, scope=SCOPE, clock=ManualClock(life.now)))
    await store.aclose()
    return [
        Line("updating a file that kept every row, with its copy", updated_s, "s"),
        Line("tidying it for the first time, without the rests", tidied_s, "s"),
        Line("of it empty then", empty_mb, "MB"),
        Line("the next opening, which makes it smaller", smaller_s, "s"),
        Line("its size then", _megabytes(life.path), "MB"),
    ]


async def _waits(folder: Path) -> list[Line]:
    """Intents of orders, each durable, beside nothing and beside the tidying of a quarter on the real clock."""
    life = Life(folder / "waits.db")
    await life.begin()
    life.go_on(QUARTER)
    alone = await _intents(life, lambda store: asyncio.sleep(5), "a")
    tidying = await _intents(life, lambda store: asyncio.wait_for(_tidy_for_real(life, store), 20), "b")
    return [
        Line("an order's intent, alone: median", _percentile(alone, 50), "ms"),
        Line("an order's intent, alone: longest", max(alone), "ms"),
        Line("an order's intent while a quarter is tidied: median", _percentile(tidying, 50), "ms"),
        Line("an order's intent while a quarter is tidied: 99 of 100", _percentile(tidying, 99), "ms"),
        Line("an order's intent while a quarter is tidied: longest", max(tidying), "ms"),
    ]


async def _tidy_for_real(life: Life, store: Store) -> None:
    """As the program does, with the rests shorter so that it happens often."""

    class Hurried(ManualClock):
        async def sleep(self, seconds_s: float) -> None:
            await asyncio.sleep(seconds_s / 10 if seconds_s == REST_S else seconds_s)

    await Tidying(store.database, Hurried(life.now)).turn()


async def _intents(life: Life, beside: Callable[[Store], Awaitable[object]], prefix: str) -> list[float]:
    """Milliseconds each, until `beside` has ended or was ended."""
    took_ms: list[float] = []
    async with await Store.open(life.path, scope=SCOPE, clock=SystemClock()) as store:
        plan = a_plan(f"{prefix}1", hedge=f"{prefix}-bench")
        await store.journal.open_plan(plan)
        other = asyncio.ensure_future(beside(store))
        while not other.done():
            number = f"{prefix}{len(took_ms)}"
            request = OrderRequest(number, plan.symbol, OrderSide.SELL, plan.quantity_base, OrderType.MARKET, False)
            took_s, _ = await _timed(store.journal.record_intent(request, plan, attempt=len(took_ms) + 1, at=life.now))
            took_ms.append(took_s * 1000)
            await asyncio.sleep(WRITES_EVERY_S)
        await asyncio.gather(other, return_exceptions=True)
    return took_ms


async def _timed(work: Awaitable[Result]) -> tuple[float, Result]:
    began = time.perf_counter()
    result = await work
    return time.perf_counter() - began, result


def _percentile(values: list[float], part: int) -> float:
    return sorted(values)[(len(values) - 1) * part // 100]


def _megabytes(path: Path) -> float:
    return path.stat().st_size / MEGABYTE


def _empty_megabytes(path: Path) -> float:
    with closing(sqlite3.connect(path)) as connection:
        (free,), (size,) = (connection.execute(f"PRAGMA {name}").fetchone() for name in ("freelist_count", "page_size"))
    return float(free * size / MEGABYTE)


def main() -> int:
    return tell(measure(int(sys.argv[1]) if len(sys.argv) > 1 else DAYS))


if __name__ == "__main__":
    sys.exit(main())
