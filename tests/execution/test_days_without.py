"""A whole day without a node, without the exchange: waited out, told at its pace,
and hedged once when it is over. On a time of its own, so that the day takes seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import aiosqlite
import pytest

from bot.operator import Actor
from core.errors import Transient
from core.events import EventKind
from core.supervision import TaskLife
from tests.execution.stage import Stage
from tests.execution.world import HEDGE
from tests.rigs.venue import faults
from tests.rigs.venue.faults import ANY

DAY_S, EVERY_S = 86_400, 300.0
FOR_EVER = 10_000_000
ANNA = Actor("tg:1", "Anna")
CLOSE = Decimal("0.003")
Switch = Callable[[Stage, bool], None]


def test_an_exchange_that_never_answered_lets_nothing_count_as_alive(stage: Stage) -> None:
    """Asked in vain for ten minutes: no turn was completed, so there is no heartbeat and no health; then there is."""
    exchange(stage, True)
    stage.start(prepared=False)
    engine = stage.world.engine

    async def engine_runs(for_s: float) -> TaskLife:
        running = asyncio.ensure_future(engine.run())
        await stage.clock.pass_time(for_s)
        (life,) = [each for each in engine.lives() if each.task == HEDGE]
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        return life

    life = stage.run(engine_runs(600))
    assert (life.turn_age_s, life.is_well, HEDGE in engine.stalled(60)) == (None, False, True)
    exchange(stage, False)
    life = stage.run(engine_runs(120))
    assert (life.turn_age_s is not None, life.is_well, HEDGE in engine.stalled(60)) == (True, True, False)
    assert stage.witness.broken == []


def node(stage: Stage, is_gone: bool) -> None:
    stage.setting.pool.blind = is_gone


def exchange(stage: Stage, is_gone: bool) -> None:
    if is_gone:
        stage.server.faults.add(ANY, faults.drop(), times=FOR_EVER)
    else:
        stage.server.faults.clear()


@pytest.mark.parametrize(("service", "reason"), [(node, "stale_chain"), (exchange, "stale_venue")])
def test_a_day_without_a_service(hedged: Stage, service: Switch, reason: str) -> None:
    """Nothing is sent, the reason shows; an alert an hour at most and one word when it is over; then one hedge."""
    service(hedged, True)
    hedged.cycles(5)
    sent, rung = len(hedged.setting.sent()), rings(hedged)
    for _ in range(int(DAY_S / EVERY_S)):
        hedged.cycles(1, every_s=EVERY_S)
        hedged.run(hedged.world.office.notifier.tick(hedged.world.engine.statuses()))
    status = hedged.world.status
    assert (status.state, status.reason, len(hedged.setting.sent())) == ("SUSPENDED", reason, sent)
    assert 12 <= rings(hedged) - rung <= 30
    hedged.setting.set_price(1950)
    service(hedged, False)
    hedged.until(lambda: abs(hedged.gap_base) < CLOSE, within_s=120)
    hedged.until_hedged()
    assert len(hedged.setting.sent()) == sent + 1
    assert hedged.told(EventKind.RECOVERED)[-1:] == [reason]
    hedged.is_settled()


def test_a_disk_that_became_read_only(hedged: Stage) -> None:
    """What cannot be written down is not sent, and nobody is halted for it; once it can be it is hedged, once."""
    writer, sent = hedged.world.store.database._writer, len(hedged.setting.sent())
    assert writer is not None
    hedged.run(_execute(writer, "PRAGMA query_only = ON"))
    hedged.setting.set_price(1900)
    for _ in range(20):
        with pytest.raises(Transient, match="cannot be used now"):
            hedged.cycles(1)
    assert len(hedged.setting.sent()) == sent
    hedged.failed = False
    hedged.run(_execute(writer, "PRAGMA query_only = OFF"))
    hedged.until(lambda: abs(hedged.gap_base) < CLOSE, within_s=60)
    assert len(hedged.setting.sent()) == sent + 1 and not hedged.told(EventKind.HALTED)
    hedged.is_settled()


def test_a_halt_that_the_disk_does_not_take_halts(hedged: Stage) -> None:
    """It counts at once and is written down when there is room; every other command says that nothing was done."""
    writer = hedged.world.store.database._writer
    assert writer is not None
    hedged.run(_execute(writer, "PRAGMA query_only = ON"))
    paused, halted = say(hedged, "/pause"), say(hedged, "/halt")
    assert paused.startswith("Nothing was done: the database")
    assert "Halted: eth. Not written down yet, so a restart would not know of it: the database" in halted
    assert hedged.world.status.stopped == "halted"
    hedged.run(_execute(writer, "PRAGMA query_only = OFF"))
    hedged.setting.set_price(1900)
    sent = len(hedged.setting.sent())
    hedged.cycles(20)
    assert (len(hedged.setting.sent()), hedged.told(EventKind.HALTED)) == (sent, ["halted"])
    hedged.kill()
    hedged.start()
    hedged.cycles(20)
    assert (len(hedged.setting.sent()), hedged.world.status.reason) == (sent, "halted")


def test_a_halt_that_the_disk_does_not_take_outlives_what_waited_before_it(hedged: Stage) -> None:
    """A /resume of before it does not lift it, one of after it does."""
    writer = hedged.world.store.database._writer
    assert writer is not None
    hedged.run(hedged.world.command("resume"))
    hedged.run(_execute(writer, "PRAGMA query_only = ON"))
    say(hedged, "/halt")
    hedged.run(_execute(writer, "PRAGMA query_only = OFF"))
    hedged.cycles(3)
    assert hedged.world.status.reason == "halted"
    hedged.run(hedged.world.command("resume"))
    hedged.cycles(3)
    assert hedged.world.status.state == "READY"


def test_a_halt_before_the_exchange_answers_is_kept_though_the_disk_does_not_take_it(stage: Stage) -> None:
    """The hedge that begins once both are back is halted."""
    exchange(stage, True)
    stage.start(prepared=False)
    stage.cycles(3)
    writer = stage.world.store.database._writer
    assert writer is not None
    stage.run(_execute(writer, "PRAGMA query_only = ON"))
    assert "Not written down yet" in say(stage, "/halt")
    exchange(stage, False)
    with pytest.raises(Transient):
        stage.cycles(1)
    stage.failed = False
    stage.run(_execute(writer, "PRAGMA query_only = OFF"))
    stage.run(stage.world.engine._runners[HEDGE].evaluate())  # before the halt is tried again
    stage.cycles(20)
    assert (stage.setting.sent(), stage.world.status.reason) == ([], "halted")
    assert stage.told(EventKind.HALTED) == ["halted"]


def say(stage: Stage, text: str) -> str:
    """The answer, of the chat."""
    now = stage.clock.now()
    operator = stage.world.office.operator
    reply = operator.submit(text, actor=ANNA, source="telegram", update_key=None, issued_at=now)
    return stage.run(reply).text


async def _execute(connection: aiosqlite.Connection, sql: str) -> None:
    await (await connection.execute(sql)).close()


def rings(stage: Stage) -> int:
    """Messages with a sound about the hedge."""
    rows = stage.run(stage.world.store.database.rows("SELECT key FROM outbox WHERE silent = 0"))
    return sum(f":{HEDGE}:" in row["key"] for row in rows)
