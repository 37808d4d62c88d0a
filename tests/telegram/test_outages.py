"""Telegram away, half there, or confused: the front end comes back by itself, and nothing is lost."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from telegram.error import NetworkError

from bot.redaction import Redactor
from bot.telegram import Hearing, TelegramFrontEnd
from bot.telegram.sending import sort_error
from core.ports import OutboxMessage
from storage.outbox import SqliteOutbox
from tests.rigs.secrets import TRAP
from tests.rigs.telegram import TelegramRig
from tests.telegram.conftest import OPERATOR, QUICK, Running
from tests.telegram.fakes import ScriptedOperator


def _alert(key: str) -> OutboxMessage:
    return OutboxMessage(key, f"alert {key}", html=False, priority=0, silent=False, created_at=datetime.now(UTC))


async def _polling(rig: TelegramRig) -> None:
    await rig.eventually(lambda: rig.world.updates.polls > 0)


async def _listening(rig: TelegramRig, front_end: TelegramFrontEnd) -> None:
    await rig.eventually(lambda: front_end.health().hearing is Hearing.LISTENING)


async def test_an_api_that_is_down_at_boot_is_waited_for(
    rig: TelegramRig, outbox: SqliteOutbox, operator: ScriptedOperator, running: Running
) -> None:
    """The program starts without Telegram; commands and alerts of that time arrive when it is back."""
    rig.down()
    async with running() as front_end:
        await outbox.put(_alert("early"))
        rig.say(OPERATOR, "/halt")
        await rig.eventually(lambda: front_end.health().hearing is Hearing.BLIND)
        rig.up()
        await rig.eventually(lambda: rig.messages(OPERATOR, "alert early") and operator.texts() == ["/halt"])
        await _listening(rig, front_end)


async def test_after_an_outage_alerts_arrive_once_in_order_with_a_word_about_it(
    rig: TelegramRig, outbox: SqliteOutbox, operator: ScriptedOperator, running: Running
) -> None:
    """Hedging never waited; the operator is told how long nothing could be said."""
    # Slow enough that no alert fails thrice and gives way to the next, which may then meet a Telegram that is back.
    timings = replace(QUICK, deaf_after_s=2, backoff_first_s=4, backoff_max_s=4)
    async with running(timings=timings) as front_end:
        await _listening(rig, front_end)
        rig.down()
        for key in ("one", "two", "three"):
            await outbox.put(_alert(key))
        rig.say(OPERATOR, "/status")
        await rig.eventually(lambda: front_end.health().hearing is Hearing.BLIND)
        rig.up()
        await rig.eventually(lambda: rig.messages(OPERATOR, "could not be reached"))
        texts = [message.text for message in rig.messages(OPERATOR, "alert")]
        assert texts == ["alert one", "alert two", "alert three"]
        assert operator.texts() == ["/status"]


async def test_a_short_outage_is_ridden_out_without_a_rebuild(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """The library's own retries are left to work while they can."""
    async with running():
        await _polling(rig)
        rig.down()
        await asyncio.sleep(0.2)
        rig.up()
        rig.say(OPERATOR, "/pending")
        await rig.eventually(lambda: operator.texts() == ["/pending"])
        assert len(rig.calls("getMe")) == 1


@pytest.mark.parametrize("code", [401, 404])
async def test_a_refused_poll_does_not_leave_the_bot_deaf(
    rig: TelegramRig, operator: ScriptedOperator, running: Running, code: int
) -> None:
    """One 401 ends the library's polling for ever without a word; a new connection hears what was said meanwhile."""
    async with running() as front_end:
        await _polling(rig)
        rig.fault("getUpdates", code=code)
        await rig.eventually(lambda: len(rig.calls("getMe")) >= 2)
        rig.say(OPERATOR, "/halt")
        await rig.eventually(lambda: operator.texts() == ["/halt"])
        await _listening(rig, front_end)


async def test_a_token_that_stays_refused_is_tried_again_and_again(rig: TelegramRig, running: Running) -> None:
    """A revoked token is a mistake that can be undone while the program runs; the token is not shown."""
    rig.fault("*", times=None, code=401)
    async with running() as front_end:
        await rig.eventually(lambda: len(rig.calls("getMe")) >= 3)
        health = front_end.health()
        assert health.hearing is Hearing.BLIND
        assert rig.token not in health.detail
        rig.heal()
        await _listening(rig, front_end)


async def test_a_stuck_poll_is_found_by_the_clock(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Answers that never come, without any error, are deafness too."""
    async with running(timings=replace(QUICK, read_timeout_s=60, deaf_after_s=1.5)):
        await _polling(rig)
        rig.fault("getUpdates", times=1, delay_s=60)
        await rig.eventually(lambda: len(rig.calls("getMe")) >= 2)
        rig.say(OPERATOR, "/halt")
        await rig.eventually(lambda: operator.texts() == ["/halt"])


async def test_an_update_that_cannot_be_decoded_stops_nothing(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """It is skipped and reported; what came before and after it is handled, and polling stays slow."""
    async with running():
        await _polling(rig)
        with rig.world.changed:
            rig.say(OPERATOR, "/pending")
            poison = rig.push_raw("message", {"message_id": 5, "text": "no chat and no date"})
            rig.say(OPERATOR, "/health")
        await rig.eventually(lambda: rig.messages(OPERATOR, f"Update {poison}"))
        await rig.eventually(lambda: sorted(operator.texts()) == ["/health", "/pending"])
        await rig.eventually(lambda: rig.unconfirmed() == 0)
        assert len(rig.calls("getUpdates")) < 20


async def test_a_poisoned_queue_does_not_spoil_the_stop(rig: TelegramRig, running: Running) -> None:
    """Stopping is clean although the last thing that arrived made no sense (the fixture times it)."""
    async with running():
        await _polling(rig)
        rig.push_raw("callback_query", {"id": "1"})
        await rig.eventually(lambda: rig.unconfirmed() == 0)


async def test_a_second_program_on_the_same_token_is_reported(rig: TelegramRig, running: Running) -> None:
    """Both see conflicts, endlessly; the operator learns it, and it passes when the other stops."""
    async with running() as front_end:
        await _polling(rig)
        rig.fault("getUpdates", times=3, code=409)
        await rig.eventually(lambda: front_end.health().hearing is Hearing.CONFLICT)
        await rig.eventually(lambda: rig.messages(OPERATOR, "Another program"))
        await _listening(rig, front_end)


async def test_two_running_programs_conflict_for_real(rig: TelegramRig, running: Running) -> None:
    """The same as above, with two real pollers."""
    async with running() as one, running() as two:
        await rig.eventually(lambda: Hearing.CONFLICT in (one.health().hearing, two.health().hearing))


async def test_an_update_is_confirmed_only_when_its_command_is_written_down(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """A crash in the middle of a handler leaves the update with Telegram, which delivers it again."""
    operator.slow = {"/halt": 0.6}
    async with running(timings=replace(QUICK, confirm_wait_s=5)):
        await _polling(rig)
        rig.say(OPERATOR, "/halt")
        await asyncio.sleep(0.4)
        assert (rig.unconfirmed(), operator.heard) == (1, [])
        await rig.eventually(lambda: rig.unconfirmed() == 0)
        assert operator.texts() == ["/halt"]


async def test_a_redelivered_update_bears_the_same_key(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """The key, by which a command acts once, is made of the bot and the update."""
    async with running():
        await _polling(rig)
        rig.say(OPERATOR, "/halt")
        with rig.world.changed:
            update = rig.world.updates.pending()[0]
        await rig.eventually(lambda: rig.unconfirmed() == 0)
    with rig.world.changed:
        rig.world.updates.repeat(update)
    async with running():
        await rig.eventually(lambda: len(operator.heard) == 2)
    assert operator.heard[0].update_key == operator.heard[1].update_key == f"tg:123456789:{update['update_id']}"


async def test_pending_commands_are_never_thrown_away(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """What was said while the program was down is heard at the start, with the time at which it was said."""
    said = rig.say(OPERATOR, "/halt", age_s=7200)
    async with running():
        await rig.eventually(lambda: operator.texts() == ["/halt"])
    assert operator.heard[0].at.timestamp() == said.date
    assert time.time() - said.date > 7000
    assert rig.world.updates.dropped == 0


async def test_no_line_of_any_log_holds_the_token(
    rig: TelegramRig, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    """Not at the most talkative level, with refusals, rebuilds and tracebacks of the libraries."""
    caplog.set_level(logging.DEBUG)
    redactor = Redactor()
    caplog.handler.addFilter(redactor)
    with TRAP.behind(redactor):
        await _provoke_everything(rig, running)
    assert "[secret]" in caplog.text
    assert "loopback-rig-token" not in caplog.text


async def _provoke_everything(rig: TelegramRig, running: Running) -> None:
    async with running():
        await _polling(rig)
        rig.say(OPERATOR, "/version")
        await rig.eventually(lambda: rig.messages(OPERATOR, "error"))
        rig.fault("*", times=4, code=401)
        rig.fault("getMe", code=500)
        await rig.eventually(lambda: len(rig.calls("getMe")) >= 3)


def test_an_outage_is_told_without_the_librarys_class_names() -> None:
    """What Telegram itself answered is kept."""
    assert "httpx" not in str(sort_error(NetworkError("httpx.ConnectError: All connection attempts failed")))
    assert str(sort_error(NetworkError("Bad Gateway"))) == "Telegram could not be reached: Bad Gateway."
