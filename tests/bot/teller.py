"""Tells of one event after the other until it is killed: `teller DATABASE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from core.clock import SystemClock
from core.events import Event, EventKind
from storage.store import Store
from tests.bot.conftest import make_desk


async def main(path: Path) -> None:
    clock = SystemClock()
    async with await Store.open(path, scope="paper:test", clock=clock) as store:
        desk = make_desk(store, clock, "bnb")
        for number in range(1_000_000):
            await desk.notifier.append(Event(EventKind.HALTED, "bnb", clock.now(), {"by": f"N{number} (tg:1)"}))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
