"""What `/health` asks beside what the views read themselves: small looks that wait for nothing."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bot.loop_lag import LoopLag
from bot.measures import chain_limit_s, venue_limit_s
from bot.rendering.health import HealthItem, age_item
from bot.rendering.numbers import span
from core.config import HedgeConfig
from core.status import HedgeStatus
from core.supervision import TaskLife
from core.venue_watch import VenueWatch
from storage.files import beside

if TYPE_CHECKING:
    from bot.telegram.frontend import TelegramHealth

LAG_LIMIT_S = 1.0
MEGABYTE = 1_000_000
# Each checkpoint empties it: one that grows so far is held back by a reader that does not let go.
WAL_LIMIT_BYTES = 64 * MEGABYTE
PROC_STATM = Path("/proc/self/statm")


def freshness_items(statuses: Sequence[HedgeStatus], hedges: Mapping[str, HedgeConfig]) -> list[HealthItem]:
    """How old what each hedge last read of its chain and of the exchange is."""
    items: list[HealthItem] = []
    for status in statuses:
        if (hedge := hedges.get(status.name)) is not None:
            items.append(age_item(f"{status.name} chain", status.chain_age_s, chain_limit_s(hedge)))
            items.append(age_item(f"{status.name} exchange", status.venue_age_s, venue_limit_s(hedge)))
    return items


def task_items(lives: Sequence[TaskLife], shared: str, *, vital: Collection[str] = ()) -> list[HealthItem]:
    """One each for those that work in turns or are in trouble; those that just run share one, of that name.
    `vital`: the tasks that are."""
    just_run = [life for life in lives if _just_runs(life)]
    items = [
        HealthItem(life.task, _life_ok(life), _life_words(life), life.task in vital)
        for life in lives
        if not _just_runs(life)
    ]
    return [*items, _shared_item(shared, just_run)] if just_run else items


def _just_runs(life: TaskLife) -> bool:
    return life.is_well and life.allowed_s is None


def _shared_item(name: str, lives: Sequence[TaskLife]) -> HealthItem:
    return HealthItem(name, True, ", ".join(f"{life.task} {span(life.runs_for_s)}" for life in lives))


def _life_ok(life: TaskLife) -> bool | None:
    """Neither well nor ill before its first turn, while that is not overdue."""
    return None if life.is_well and life.allowed_s is not None and life.turn_age_s is None else life.is_well


def _life_words(life: TaskLife) -> str:
    if life.trouble is not None:
        return life.trouble
    if life.turn_age_s is None:
        return f"no turn completed yet, started {span(life.runs_for_s)} ago"
    return f"last turn {span(life.turn_age_s)} ago, allowed {span(life.allowed_s)}"


def lag_items(lag: LoopLag) -> list[HealthItem]:
    """Neither well nor ill before it was measured."""
    worst_s = lag.worst_s()
    if worst_s is None:
        return [HealthItem("event loop", None, "not measured yet")]
    return [
        HealthItem("event loop", worst_s <= LAG_LIMIT_S, f"at most {worst_s * 1000:.0f} ms late in the last minute")
    ]


def stream_items(watch: VenueWatch) -> list[HealthItem]:
    """One for each stream of the exchange, also while it has never told anything."""
    return [
        HealthItem(f"exchange {name} news", trouble is None, f"{trouble}; asking goes on" if trouble else "arriving")
        for name, trouble in watch.troubles.items()
    ]


def telegram_items(health: TelegramHealth) -> list[HealthItem]:
    """Neither well nor ill while it starts."""
    ok = {"listening": True, "starting": None}.get(health.hearing.value, False)
    who = f" as {health.bot_name}" if health.bot_name else ""
    polled = f", last poll {span(health.last_poll_age_s)} ago" if health.last_poll_age_s is not None else ""
    why = f"; {health.detail}" if health.detail else ""
    return [HealthItem("Telegram", ok, f"{health.hearing.value}{who}{polled}{why}")]


def database_items(path: Path) -> list[HealthItem]:
    """A log over its limit is ill: what was written does not get into the file."""
    size, log_size = _size(path), _size(beside(path, "-wal"))
    if size is None:
        return [HealthItem("database", False, "its file is gone")]
    words = f"{_megabytes(size)} and a log of {_megabytes(log_size or 0)}"
    return [HealthItem("database", (log_size or 0) <= WAL_LIMIT_BYTES, words)]


def memory_items() -> list[HealthItem]:
    """Nothing where the system does not tell."""
    try:
        pages = int(PROC_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return []
    return [HealthItem("memory", True, _megabytes(pages * os.sysconf("SC_PAGE_SIZE")))]


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _megabytes(size: int) -> str:
    return f"{size / MEGABYTE:.1f} MB"
