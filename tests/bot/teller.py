"""Tells of one event after the other until it kills itself as it begins to write the message of the nth:
`teller DATABASE N`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from core.clock import SystemClock
from core.events import Event, EventKind
from storage.store import Store
from tests.bot.conftest import make_desk


async def main(path: Path, last: int) -> None:
    clock = SystemClock()
    async with await Store.open(path, scope="paper:test", clock=clock) as store:
        desk = make_desk(store, clock, "bnb")
        left = iter(range(last - 1, -1, -1))

        def look(statement: str) -> None:
            if statement.startswith("INSERT INTO outbox") and next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        writer = store.database._writer
        assert writer is not None
        await writer.set_trace_callback(look)
        for number in range(1_000_000):
            await desk.notifier.append(Event(EventKind.HALTED, "bnb", clock.now(), {"by": f"N{number} (tg:1)"}))
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
