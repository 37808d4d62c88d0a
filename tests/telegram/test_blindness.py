"""A Telegram that is away, or hangs: an event of its own, and no matter at all to the hedging."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.probes import telegram_items
from bot.redaction import Redactor
from bot.telegram import Hearing, TelegramFrontEnd, TelegramHealth, TelegramSettings
from bot.telegram_watch import TelegramWatch
from core.clock import ManualClock, SystemClock
from core.events import EventKind
from core.ports import OutboxMessage
from storage.outbox import SqliteOutbox
from storage.store import Store
from tests.bot.samples import T0
from tests.core.pair import Pair, started
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import OPERATOR, QUICK, Running
from tests.telegram.fakes import ScriptedOperator


async def test_an_outage_is_an_event_and_so_is_its_end(store: Store) -> None:
    """After half a minute, with why; once; and how long it was."""
    clock = ManualClock(T0, sleep_advances=True)
    hearing, detail = Hearing.LISTENING, ""
    watch = TelegramWatch(lambda: TelegramHealth(hearing, T0, None, None, detail), store.events, clock)
    for now, why, looks in (
        (Hearing.LISTENING, "", 3),
        (Hearing.BLIND, "a moment", 3),
        (Hearing.LISTENING, "", 3),
        (Hearing.BLIND, "Bad Gateway", 60),
        (Hearing.LISTENING, "", 3),
    ):
        hearing, detail = now, why
        for _ in range(looks):
            await watch.look()
            await clock.sleep(5)
    back, lost = await store.events.recent(hedge=None, limit=10)
    assert (lost.kind, lost.data["detail"]) == (EventKind.TELEGRAM_LOST, "Bad Gateway")
    assert (back.kind, back.data["lasted_s"]) == (EventKind.TELEGRAM_BACK, "300")


@pytest.mark.parametrize("code", [403, 429, 500])
async def test_hearing_alone_is_not_being_well(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running, code: int
) -> None:
    """Polls succeed while no message gets through: the bot was blocked or thrown out of its chat, or must wait."""
    async with running(timings=replace(QUICK, deaf_after_s=2)) as front_end:
        rig.fault("sendMessage", times=None, code=code, retry_after=3 if code == 429 else None)
        await outbox.put(OutboxMessage("alarm", "alarm", False, 0, False, T0))
        health = await rig.eventually(lambda: [h for h in [front_end.health()] if h.hearing is Hearing.MUTE])
        assert "messages wait: " in health[0].detail
        assert telegram_items(health[0])[0].ok is False
        rig.heal()
        await rig.eventually(lambda: rig.messages(OPERATOR, "alarm"))
        await rig.eventually(lambda: front_end.health().hearing is Hearing.LISTENING)


async def test_a_telegram_that_hangs_holds_up_no_hedge(rig: TelegramRig, tmp_path: Path) -> None:
    """Every call hangs. The engine looks, trades and tells as ever; what it tells waits as rows."""
    rig.fault("*", times=None, delay_s=60)
    pair = Pair(tmp_path / "hung.db")
    pair.settings |= {"delta_band_quote": 100, "delta_band_pct": 0}
    async with started(pair) as programme:
        front_end = TelegramFrontEnd(
            TelegramSettings(SecretStr(rig.token), frozenset({OPERATOR}), None, rig.api_url),
            operator=ScriptedOperator(),
            outbox=programme.store.outbox,
            clock=SystemClock(),
            redactor=Redactor(),
            timings=replace(QUICK, connect_timeout_s=1, read_timeout_s=1),
        )
        programme.office.bell.listen(front_end.poke)
        task = asyncio.create_task(front_end.run())
        try:
            await rig.eventually(lambda: front_end.health().hearing is Hearing.BLIND)
            await programme.cycles(3)
            held, waited = await programme.position("eth"), await programme.store.outbox.backlog()
            pair.feed.price = Decimal(1900)
            await programme.cycles(3)
            assert await programme.position("eth") < held < 0
            assert await programme.store.outbox.backlog() > waited > 0
            assert rig.messages(OPERATOR) == []
        finally:
            rig.heal()
            task.cancel()
            await asyncio.wait([task], timeout=30)
        assert task.cancelled()
