"""A program to be killed: the real service and front end over a database, presenting what waits as it starts.

Arguments: API address, database file, "ask" to propose something first or "go on".
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr

from bot.redaction import Redactor
from bot.telegram import TelegramFrontEnd, TelegramSettings, Timings
from core.clock import SystemClock
from storage.store import Store
from tests.bot.conftest import make_desk
from tests.bot.samples import an_approval
from tests.rigs.telegram import TOKEN


async def main(api_url: str, database: Path, what: str) -> None:
    clock = SystemClock()
    async with await Store.open(database, scope="paper:test", clock=clock) as store:
        desk = make_desk(store, clock, "bnb")
        if what == "ask":
            now = clock.now()
            await desk.approvals.ask(replace(an_approval(), created_at=now, expires_at=now + timedelta(minutes=5)))
        await desk.notifier.present_pending()
        await TelegramFrontEnd(
            TelegramSettings(SecretStr(TOKEN), frozenset({42, 43}), api_url=api_url),
            operator=desk.operator,
            outbox=store.outbox,
            clock=clock,
            redactor=Redactor(),
            timings=Timings(poll_interval_s=0.02, outbox_poll_s=0.05, pace_s=0),
        ).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
