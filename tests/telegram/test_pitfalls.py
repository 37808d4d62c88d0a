"""What python-telegram-bot does in its pitfalls P1 to P17, and what a chat goes through: which test holds each.

A pitfall without a test of its own elsewhere has it here, named after it. A renamed or deleted test shows here.
"""

from __future__ import annotations

import asyncio
import importlib
import signal
import sys
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from telegram.error import RetryAfter

from bot.replies import Button, Reply
from bot.telegram import Hearing, TelegramSettings
from bot.telegram.calls import seconds
from bot.telegram.sending import Sender
from core.clock import SystemClock
from core.ports import OutboxMessage
from storage.outbox import SqliteOutbox
from tests.rigs.telegram import TOKEN, TelegramRig
from tests.telegram.conftest import OPERATOR, QUICK, Running
from tests.telegram.fakes import ScriptedOperator

PITFALLS: Mapping[str, tuple[str, ...]] = {
    "P1 deaf after one 401 or 404": (
        "test_outages.test_a_refused_poll_does_not_leave_the_bot_deaf",
        "test_outages.test_a_token_that_stays_refused_is_tried_again_and_again",
        "test_outages.test_a_stuck_poll_is_found_by_the_clock",
    ),
    "P2 poison update": (
        "test_outages.test_an_update_that_cannot_be_decoded_stops_nothing",
        "test_outages.test_a_poisoned_queue_does_not_spoil_the_stop",
    ),
    "P3 at most once": (
        "test_kill.test_a_command_in_work_at_the_kill_is_carried_out_once_after_the_restart",
        "test_outages.test_an_update_is_confirmed_only_when_its_command_is_written_down",
        "test_outages.test_a_redelivered_update_bears_the_same_key",
    ),
    "P4 what waited": (
        "test_outages.test_pending_commands_are_never_thrown_away",
        "test_downtime.test_old_orders_are_refused_views_are_answered_and_halt_always_counts",
    ),
    "P5 one after the other": (
        "test_conversation.test_halt_does_not_wait_behind_a_slow_command",
        "test_attachments.test_slow_uploads_hold_back_neither_halt_nor_an_alarm",
        "test_attachments.test_a_telegram_that_hangs_while_answering_does_not_keep_commands_from_being_heard",
    ),
    "P6 edited commands": (
        "test_conversation.test_an_edited_command_is_not_run_again",
        "test_strangers.test_nothing_happens",
    ),
    "P7 no start without Telegram": ("test_outages.test_an_api_that_is_down_at_boot_is_waited_for",),
    "P8 hooks that are never called": (
        "test_pitfalls.test_p8_the_programs_signals_are_its_own",
        "test_menus.test_menus_are_set_anew_at_each_start",
        "test_delivery.test_the_last_words_are_said_before_the_end",
    ),
    "P9 back-off and two pollers": (
        "test_outages.test_a_short_outage_is_ridden_out_without_a_rebuild",
        "test_outages.test_a_second_program_on_the_same_token_is_reported",
        "test_outages.test_two_running_programs_conflict_for_real",
    ),
    "P10 timed out, yet delivered": (
        "test_delivery.test_a_lost_answer_means_twice_at_most_and_never_none",
        "test_delivery.test_a_slow_answer_is_an_unknown_outcome_too",
    ),
    "P11 flood": (
        "test_delivery.test_a_flood_wait_is_kept",
        "test_delivery.test_an_alarm_overtakes_a_backlog",
        "test_board.test_an_alarm_does_not_wait_for_a_board_that_is_told_to_pause",
        "test_board.test_the_board_is_quiet_while_messages_wait",
    ),
    "P12 the type of retry_after": ("test_pitfalls.test_p12_a_flood_wait_is_a_span_of_time_and_warns_of_nothing",),
    "P13 not modified, out of sight": (
        "test_delivery.test_an_edit_of_the_same_content_is_done",
        "test_conversation.test_a_double_tap_decides_once",
        "test_conversation.test_a_press_on_a_message_that_is_out_of_sight_does_nothing_and_says_so",
        "test_conversation.test_the_outcome_of_a_press_on_a_message_deleted_meanwhile_comes_as_a_new_one",
        "test_delivery.test_an_edit_whose_message_is_gone_comes_as_a_new_one",
    ),
    "P14 lengths and markup": (
        "test_pieces.test_markup_is_closed_and_opened_again_over_a_cut",
        "test_conversation.test_broken_markup_is_shown_as_plain_text",
        "test_attachments.test_a_text_too_long_for_a_caption_follows_the_picture",
        "test_pitfalls.test_p14_a_toast_ends_where_telegram_ends_it",
        "test_pitfalls.test_p14_names_and_errors_with_angle_brackets_break_no_message",
    ),
    "P15 arbitrary callback data": (
        "test_pitfalls.test_p15_buttons_bear_their_own_words_and_outlive_the_program",
        "test_with_real_desk.test_a_pending_proposal_survives_a_restart",
    ),
    "P16 the library's scheduler": ("test_pitfalls.test_p16_no_second_scheduler_is_loaded",),
    "P17 one token, two bots": (
        "test_pitfalls.test_p17_the_health_names_the_bot_that_listens",
        "test_outages.test_two_running_programs_conflict_for_real",
    ),
}
SCENARIOS: Mapping[str, tuple[str, ...]] = {
    "status, keyboard, press, edit": ("test_conversation.test_status_keyboard_press_edit",),
    "double tap": (
        "test_conversation.test_a_double_tap_decides_once",
        "test_with_real_desk.test_of_two_people_the_first_decides",
    ),
    "late press": (
        "test_conversation.test_a_late_press_counts_though_it_cannot_be_answered",
        "test_with_real_desk.test_a_tap_after_the_expiry_does_nothing",
    ),
    "stranger, group, edited message": (
        "test_strangers.test_nothing_happens",
        "test_strangers.test_a_press_on_what_is_settled_says_so_and_changes_nothing",
        "test_strangers.test_the_same_from_a_listed_person_acts",
    ),
    "API down at boot": ("test_outages.test_an_api_that_is_down_at_boot_is_waited_for",),
    "outage and recovery": (
        "test_outages.test_after_an_outage_alerts_arrive_once_in_order_with_a_word_about_it",
        "test_delivery.test_a_proposal_that_expired_during_an_outage_arrives_once_as_expired",
    ),
    "429": ("test_delivery.test_a_flood_wait_is_kept",),
    "lost reply after delivery": ("test_delivery.test_a_lost_answer_means_twice_at_most_and_never_none",),
    "401 while polling": ("test_outages.test_a_refused_poll_does_not_leave_the_bot_deaf",),
    "poison update, clean stop": (
        "test_outages.test_an_update_that_cannot_be_decoded_stops_nothing",
        "test_outages.test_a_poisoned_queue_does_not_spoil_the_stop",
    ),
    "second poller": ("test_outages.test_two_running_programs_conflict_for_real",),
    "kill -9 and restart": (
        "test_kill.test_a_command_in_work_at_the_kill_is_carried_out_once_after_the_restart",
        "test_endings.test_a_proposal_pressed_while_the_program_was_dead_is_decided_once",
    ),
    "SIGTERM": ("test_endings.test_a_sigterm_ends_it_also_while_telegram_hangs",),
    "no token in any log": (
        "test_outages.test_no_line_of_any_log_holds_the_token",
        "test_redaction",
    ),
    "an independent client": (
        "test_rig_conformance.test_aiogram_walks_from_command_to_keyboard_to_press_to_edit",
        "test_second_client.test_what_the_bot_sends_is_valid_for_an_independent_implementation",
    ),
}


def test_each_of_the_seventeen_pitfalls_is_held() -> None:
    """None is left out."""
    assert [int(name.split()[0].removeprefix("P")) for name in PITFALLS] == list(range(1, 18))


@pytest.mark.parametrize("name", [*PITFALLS, *SCENARIOS])
def test_the_tests_that_hold_it_exist(name: str) -> None:
    """By module and name."""
    for test in {**PITFALLS, **SCENARIOS}[name]:
        module, _, function = test.partition(".")
        loaded = importlib.import_module(f"tests.telegram.{module}")
        assert not function or callable(getattr(loaded, function)), test


async def test_p8_the_programs_signals_are_its_own(rig: TelegramRig, running: Running) -> None:
    """The library installs no handler of its own; the one composition root ends everything."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    async with running() as front_end:
        await rig.eventually(lambda: front_end.health().hearing is Hearing.LISTENING)
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


async def test_p12_a_flood_wait_is_a_span_of_time_and_warns_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever type the library gives, the wait is the same."""
    monkeypatch.delenv("PTB_TIMEDELTA", raising=False)
    sender = Sender(TelegramSettings(SecretStr(TOKEN), frozenset({OPERATOR})), SystemClock(), QUICK)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            wait = RetryAfter(7).retry_after
            assert (wait, seconds(RetryAfter(timedelta(seconds=7)))) == (timedelta(seconds=7), 7.0)
    finally:
        await sender.close()


async def test_p14_a_toast_ends_where_telegram_ends_it(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Two hundred of Telegram's units, or it would be refused and the button would spin."""
    operator.toast = "🟢" * 300
    async with running():
        rig.say(OPERATOR, "/status")
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
        press = rig.press(OPERATOR, message, "✅")
        await rig.eventually(lambda: press.answered)
    assert press.toast == "🟢" * 100


async def test_p14_names_and_errors_with_angle_brackets_break_no_message(
    rig: TelegramRig, outbox: SqliteOutbox, running: Running
) -> None:
    """What comes from outside is escaped, or sent as plain text."""
    rig.world.people[666] = {"id": 666, "is_bot": False, "first_name": "<b>Eve & </i>"}
    now = datetime.now(UTC)
    await outbox.put(OutboxMessage("e", "<Response [500]> & <b>", html=True, priority=1, silent=False, created_at=now))
    async with running():
        rig.say(666, "/halt")
        await rig.eventually(lambda: rig.messages(OPERATOR, "<b>Eve & </i>"))
        await rig.eventually(lambda: rig.messages(OPERATOR, "&"))
    assert len(rig.messages(OPERATOR)) == 2


async def test_p15_buttons_bear_their_own_words_and_outlive_the_program(
    rig: TelegramRig, operator: ScriptedOperator, running: Running
) -> None:
    """Verb and id are on the wire, so that a new life of the program understands them."""
    operator.replies = {"/status": Reply("?", html=False, buttons=((Button("Yes", "do:token"),),))}
    async with running():
        rig.say(OPERATOR, "/status")
        (message,) = await rig.eventually(lambda: rig.messages(OPERATOR))
    assert message.keyboard[0][0].data == "do:token"
    rig.press(OPERATOR, message, "Yes")
    async with running():
        await rig.eventually(lambda: operator.pressed == ["do:token"])


async def test_p16_no_second_scheduler_is_loaded(rig: TelegramRig, running: Running) -> None:
    """Neither the library's job queue nor what it is built on."""
    async with running() as front_end:
        await rig.eventually(lambda: front_end.health().hearing is Hearing.LISTENING)
        assert not [name for name in sys.modules if name.startswith("apscheduler")]
        assert not [task for task in asyncio.all_tasks() if "job_queue" in task.get_name().lower()]


async def test_p17_the_health_names_the_bot_that_listens(rig: TelegramRig, running: Running) -> None:
    """So that two programs on one token, or a wrong token, can be told apart."""
    async with running() as front_end:
        assert front_end.health().bot_name is None
        await rig.eventually(lambda: front_end.health().bot_name == "@lp_hedge_rig_bot")
