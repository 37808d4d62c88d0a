"""The front end in the test's own loop, against the rig in a thread and a real database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.redaction import Redactor
from bot.replies import Reply
from bot.telegram import Operator, TelegramFrontEnd, TelegramSettings, Timings
from core.clock import SystemClock
from storage.outbox import SqliteOutbox
from storage.store import Store
from tests.rigs.telegram import TelegramRig
from tests.telegram.fakes import ScriptedOperator

OPERATOR, SECOND, STRANGER, GROUP = 42, 43, 666, -1001
QUICK = Timings(
    poll_timeout_s=1,
    poll_interval_s=0.02,
    confirm_wait_s=0.3,
    connect_timeout_s=10,
    read_timeout_s=10,
    deaf_after_s=10.0,
    watch_every_s=0.05,
    backoff_first_s=0.1,
    backoff_max_s=0.3,
    outbox_poll_s=0.05,
    pace_s=0,
    patience_s=1.5,
    unreachable_retry_s=0.3,
    board_every_s=0.1,
    board_at_most_every_s=0.05,
    teardown_s=1,
    farewell_s=10,
    last_look_s=10,
)
Running = Callable[..., AbstractAsyncContextManager[TelegramFrontEnd]]


@pytest.fixture
def rig() -> Iterator[TelegramRig]:
    with TelegramRig() as rig:
        rig.add_chat(OPERATOR)
        yield rig


@pytest.fixture
def operator() -> ScriptedOperator:
    return ScriptedOperator()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path / "t.db", scope="paper:test", clock=SystemClock()) as store:
        yield store


@pytest.fixture
def outbox(store: Store) -> SqliteOutbox:
    return store.outbox


@pytest.fixture
def running(rig: TelegramRig, operator: ScriptedOperator, outbox: SqliteOutbox) -> Running:
    """Runs a front end for the length of a block, which ends with a clean and quick stop."""

    @asynccontextmanager
    async def run(
        *,
        operators: frozenset[int] = frozenset({OPERATOR}),
        chat_id: int | None = None,
        board: Callable[[], Reply | None] | None = None,
        service: Operator = operator,
        timings: Timings = QUICK,
    ) -> AsyncIterator[TelegramFrontEnd]:
        settings = TelegramSettings(SecretStr(rig.token), operators, chat_id, rig.api_url)
        front_end = TelegramFrontEnd(
            settings,
            operator=service,
            outbox=outbox,
            clock=SystemClock(),
            redactor=Redactor(),
            board=board,
            timings=timings,
        )
        task = asyncio.create_task(front_end.run())
        try:
            yield front_end
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asyncio.wait_for(task, 20)

    return run
