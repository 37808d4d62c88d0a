"""A program to be killed: the front end over a database, with a handler that takes its time before it commits.

Arguments: API address, database file, seconds before a command is written down.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from bot.redaction import Redactor
from bot.replies import Actor, PressResult, Reply
from bot.stopping import Stopping
from bot.telegram import TelegramFrontEnd, TelegramSettings, Timings
from core.clock import SystemClock
from storage.store import Store
from tests.rigs.telegram import TOKEN


class SlowWriter:
    def __init__(self, store: Store, delay_s: float) -> None:
        self._store = store
        self._delay_s = delay_s

    async def submit(
        self,
        text: str,
        *,
        actor: Actor,
        source: str,
        update_key: str | None,
        issued_at: datetime,
        in_answer_to: str | None = None,
    ) -> Reply:
        await asyncio.sleep(self._delay_s)
        row = await self._store.commands.put(
            text, (), actor=actor.id, source=source, update_key=update_key, at=issued_at
        )
        return Reply("seen before" if row is None else f"row {row}", html=False)

    async def press(self, data: str, *, actor: Actor, update_key: str | None, at: datetime) -> PressResult:
        verb, _, approval_id = data.partition(":")
        won, _ = await self._store.approvals.decide(
            approval_id, approve=verb == "approve", by=actor.label, note=None, now=at
        )
        return PressResult(verb if won else "too late")


async def main(api_url: str, database: Path, delay_s: float) -> None:
    clock = SystemClock()
    async with await Store.open(database, scope="paper:test", clock=clock) as store:
        await TelegramFrontEnd(
            TelegramSettings(SecretStr(TOKEN), frozenset({42}), api_url=api_url),
            operator=SlowWriter(store, delay_s),
            outbox=store.outbox,
            clock=clock,
            redactor=Redactor(),
            timings=Timings(poll_interval_s=0.02, confirm_wait_s=30, read_timeout_s=120),
        ).run()


if __name__ == "__main__":
    (stopping := Stopping(within_s=60)).heed()
    asyncio.run(stopping.run(main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]))))
