"""What an operator's words and presses do, over a real store and the real approval desk."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
import structlog

from bot.commands import COMMANDS, Does, menu, parse
from bot.operator import Reply
from bot.rendering.markup import plain
from core.account_ports import Income
from core.clock import SystemClock
from core.events import EventKind
from core.ports import ApprovalState
from storage.store import Store
from tests.bot.conftest import ANNA, BEN, Desk, make_desk
from tests.bot.samples import STATUS, T0, an_approval, an_event


def buttons(reply: Reply) -> dict[str, str]:
    return {button.label: button.data for row in reply.buttons for button in row}


async def engine_answers(desk: Desk, answer: str, *, ok: bool = True) -> None:
    """The engine's side of the queue, once."""
    await desk.engine.woken.wait()
    pending = await desk.store.commands.pending()
    await desk.store.commands.finish(pending[0].command_id, ok=ok, answer=answer, at=desk.clock.now())


# reading


@pytest.mark.parametrize("name", [command.name for command in COMMANDS if command.does is Does.VIEW])
async def test_every_reading_command_answers(desk: Desk, name: str) -> None:
    """Each command that only looks has an answer, and writes no command row."""
    assert (await desk.say(f"/{name}")).text
    assert await desk.queued() == []


async def test_reading_commands_have_no_age(desk: Desk) -> None:
    """A day-old /status is answered with the present."""
    assert "RUNNING" in (await desk.say("/status", age_s=86400)).text


async def test_status_shows_the_funding_of_the_last_day(desk: Desk) -> None:
    """Of its own symbol, to the moment; older rows, fees and other symbols are left out."""
    paid = Income("FUNDING_FEE", 1, "BNBUSDT", Decimal("1.5"), "USDT", T0)
    others = (
        replace(paid, income_id=2, amount=Decimal("-0.25"), at=T0 - timedelta(hours=16)),
        replace(paid, income_id=3, at=T0 - timedelta(hours=25)),
        replace(paid, income_id=4, symbol="ETHUSDT"),
        replace(paid, kind="COMMISSION"),
    )
    await desk.store.income.book([paid, *others], T0)
    assert "last 24 h +1.25 USDT" in plain((await desk.say("/status")).text)


async def test_status_refreshes_in_place(desk: Desk) -> None:
    """The button under the status edits it."""
    reply = await desk.say("/status")
    desk.engine.shown = (replace(STATUS, state="SUSPENDED", reason="halted"),)
    result = await desk.press(buttons(reply)["🔄 Refresh"])
    assert result.edited is not None and "HALTED" in result.edited.text


async def test_history_shows_events_oldest_first(desk: Desk) -> None:
    """As a chat reads: the newest at the bottom."""
    await desk.store.events.append(an_event(EventKind.PAUSED, by="Anna (tg:1)"))
    await desk.store.events.append(an_event(EventKind.RESUMED, by="Anna (tg:1)"))
    text = plain((await desk.say("/history")).text)
    assert text.index("PAUSED") < text.index("resumed")


async def test_health_tells_what_is_too_old(desk: Desk) -> None:
    """A source older than its limit turns the headline."""
    assert "all well" in (await desk.say("/health")).text
    desk.engine.shown = (replace(STATUS, chain_age_s=500.0),)
    headline, first, *_ = plain((await desk.say("/health")).text).splitlines()
    assert headline == "Health: 1 thing needs you: bnb chain"
    assert first == "🚨 bnb chain: 8 min old, limit 45 s"


async def test_an_unknown_word_points_to_help(desk: Desk) -> None:
    """What is not understood does nothing and says how to learn more."""
    assert "/help" in (await desk.say("/moon <b>")).text and await desk.queued() == []


def test_the_menu_and_the_parser_come_from_one_table() -> None:
    """Names fit Telegram's pattern, slash, case and @bot do not matter."""
    assert all(name.isalpha() and name.islower() and len(description) <= 256 for name, description in menu())
    calls = [parse(text) for text in ("/Status", "status", "/status@some_bot")]
    assert {call.command.name for call in calls if call.command} == {"status"}


# commands for the engine


@pytest.fixture
def timely(store: Store, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """On the real clock: two seconds of a manual one may pass before the database has written once."""
    monkeypatch.setattr("bot.operator.ANSWER_WAIT_S", 30)
    return make_desk(store, SystemClock(), "bnb")


async def test_a_command_shows_the_engines_answer(timely: Desk) -> None:
    """The row is written, the engine woken, and its answer shown."""
    reply, _ = await asyncio.gather(timely.say("/pause"), engine_answers(timely, "bnb is paused."))
    assert plain(reply.text) == "✅ bnb is paused." and timely.engine.wakes == [None]


async def test_a_refusal_is_shown_as_one(timely: Desk) -> None:
    """What the engine could not do is marked."""
    reply, _ = await asyncio.gather(timely.say("/follow 7"), engine_answers(timely, "No such position.", ok=False))
    assert plain(reply.text) == "⚠️ No such position."


async def test_a_slow_engine_is_not_waited_for(desk: Desk) -> None:
    """After two seconds the operator hears that it is being worked on; the row stays."""
    before_s = desk.clock.monotonic_s()
    assert "Working on it" in (await desk.say("/halt")).text
    assert desk.clock.monotonic_s() - before_s < 2.5 and await desk.queued() == [("halt", ())]


async def test_a_redelivered_message_acts_once(desk: Desk) -> None:
    """The same update twice is one row."""
    await desk.say("/pause", key="tg:1:77")
    assert "already" in (await desk.say("/pause", key="tg:1:77")).text
    assert await desk.queued() == [("pause", ())]


async def test_an_old_command_is_not_obeyed(desk: Desk) -> None:
    """State-changing commands older than two minutes say so and do nothing."""
    assert "Too old" in (await desk.say("/pause", age_s=121)).text
    assert "Too old" in (await desk.say("/approve a1b2c3d4", age_s=121)).text
    assert await desk.queued() == []


async def test_a_halt_counts_at_any_age(desk: Desk) -> None:
    """A halt sent while the program could not hear it is obeyed when it can."""
    await desk.say("/halt", age_s=86400)
    assert await desk.queued() == [("halt", ())]


async def test_halt_and_pause_act_at_once_on_all(two: Desk) -> None:
    """Reducing risk is never gated: no question, no need to name a hedge."""
    await two.say("/pause")
    await two.say("/halt eth")
    assert await two.queued() == [("pause", ()), ("halt", ("eth",))]


async def test_a_misspelt_halt_halts_everything(two: Desk) -> None:
    """A typo must not keep anything running; the answer says what was done."""
    reply = await two.say("/halt ehh")
    assert "so all are halted" in reply.text and await two.queued() == [("halt", ())]


@pytest.mark.parametrize(
    "text", ["halp", "/hatl", "/hlat", "HAL", "halts", "halt!!", "/halt,eth", "/ halt", "hakt now"]
)
async def test_what_is_nearly_halt_halts_everything(two: Desk, text: str) -> None:
    """In a hurry on a phone: a needless halt is undone by a word, a missed one costs money."""
    reply = await two.say(text)
    assert "Accepted: halt." in reply.text and await two.queued() == [("halt", ())]


async def test_it_says_how_it_was_understood(two: Desk) -> None:
    """A halt that nobody meant is seen at once."""
    assert "I took 'hatl' for /halt." in plain((await two.say("hatl bnb")).text)
    assert await two.queued() == [("halt", ("bnb",))]


@pytest.mark.parametrize("text", ["help", "/health", "shall", "hedge", "stop", "h", "at", "healthy"])
async def test_other_words_do_not_halt(two: Desk, text: str) -> None:
    """Commands keep their names; what is far from it is only not known, and the answer names /halt."""
    reply = await two.say(text)
    assert await two.queued() == [] and (parse(text).command or "/halt" in reply.text)


async def test_a_halt_of_several_halts_everything(two: Desk) -> None:
    """None of those that were named goes on; the answer says what was done."""
    for text in ("/halt bnb eth", "/halt bnb, eth", "/halt all but bnb"):
        assert "so all are halted" in (await two.say(text)).text
    assert await two.queued() == 3 * [("halt", ())]


@pytest.mark.parametrize("text", ["/pause bnb eth", "/resume bnb eth", "/resume all eth", "pause all right"])
async def test_no_order_is_carried_out_in_part(two: Desk, text: str) -> None:
    """Two names are not taken for the first of them."""
    assert "name one hedge" in (await two.say(text)).text and await two.queued() == []


async def test_a_misspelt_name_names_the_hedges(two: Desk) -> None:
    """Any other command for a hedge that does not exist does nothing."""
    assert "there is bnb, eth" in (await two.say("/pause ehh")).text and await two.queued() == []


async def test_accepted_commands_are_audited(desk: Desk) -> None:
    """Who asked for what, where and when stays on record."""
    await desk.say("/pause bnb")
    (entry,) = await desk.store.audit.recent(5)
    assert (entry.actor, entry.source, entry.action, entry.detail) == ("Anna (tg:1)", "test", "pause", "bnb")


# questions


async def test_a_dangerous_command_asks_once_more(desk: Desk) -> None:
    """/flatten writes nothing until its question is answered with yes."""
    question = await desk.say("/flatten")
    assert "Close the whole short of bnb now?" in question.text and await desk.queued() == []
    result = await desk.press(buttons(question)["Yes"])
    assert await desk.queued() == [("flatten", ("bnb",))]
    assert result.edited is not None and result.edited.buttons == ()


async def test_a_yes_to_hedge_is_for_what_was_shown(desk: Desk) -> None:
    """The row carries side and size of the question, whatever the gap is by then."""
    question = await desk.say("/hedge")
    assert "No more than this gap is traded" in question.text
    desk.engine.shown = (replace(STATUS, gap_base=Decimal(-7)),)
    await desk.press(buttons(question)["Yes"])
    assert await desk.queued() == [("hedge", ("bnb", "-0.13570000"))]


async def test_hedge_asks_nothing_while_stopped(desk: Desk) -> None:
    """A yes would be refused anyway."""
    desk.engine.shown = (replace(STATUS, state="SUSPENDED", reason="paused"),)
    reply = await desk.say("/hedge")
    assert "bnb is paused: /resume first" in reply.text and not reply.buttons


@pytest.mark.parametrize(("gap", "words"), [(None, "not known yet"), (Decimal(0), "Nothing is missing")])
async def test_hedge_asks_nothing_without_a_size(desk: Desk, gap: Decimal | None, words: str) -> None:
    """Nobody confirms a figure that is not there."""
    desk.engine.shown = (replace(STATUS, gap_base=gap),)
    reply = await desk.say("/hedge")
    assert words in reply.text and not reply.buttons


async def test_no_means_no(desk: Desk) -> None:
    """A question answered with no is closed; its yes then does nothing."""
    question = await desk.say("/hedge")
    assert (await desk.press(buttons(question)["No"])).toast == "Nothing was done."
    assert "closed" in (await desk.press(buttons(question)["Yes"])).toast and await desk.queued() == []


async def test_a_yes_counts_once(desk: Desk) -> None:
    """A double tap is one command."""
    yes = buttons(await desk.say("/flatten"))["Yes"]
    await asyncio.gather(desk.press(yes), desk.press(yes))
    assert await desk.queued() == [("flatten", ("bnb",))]


async def test_a_yes_counts_from_the_asker_only(desk: Desk) -> None:
    """Another operator's tap neither acts nor closes the question."""
    yes = buttons(await desk.say("/flatten"))["Yes"]
    result = await desk.press(yes, actor=BEN)
    assert "closed" in result.toast and result.edited is None and await desk.queued() == []
    await desk.press(yes)
    assert await desk.queued() == [("flatten", ("bnb",))]


async def test_a_question_expires(desk: Desk) -> None:
    """A yes to what was asked long ago does nothing."""
    yes = buttons(await desk.say("/flatten"))["Yes"]
    await desk.clock.sleep(91)
    assert "closed" in (await desk.press(yes)).toast and await desk.queued() == []


async def test_several_hedges_are_offered_as_buttons(two: Desk) -> None:
    """A bare dangerous command asks which hedge, then whether."""
    which = await two.say("/flatten")
    result = await two.press(buttons(which)["eth"])
    assert result.edited is not None and "short of eth" in result.edited.text
    await two.press(buttons(result.edited)["Yes"])
    assert await two.queued() == [("flatten", ("eth",))]


async def test_resume_asks_only_after_a_halt(desk: Desk) -> None:
    """Leaving a pause is simple, leaving a halt is asked."""
    await desk.say("/resume")
    assert await desk.queued() == [("resume", ())]
    desk.engine.shown = (replace(STATUS, state="SUSPENDED", reason="halted"),)
    assert "Yes" in buttons(await desk.say("/resume")) and len(await desk.queued()) == 1


async def test_resume_asks_whatever_the_last_look_said(desk: Desk) -> None:
    """A halt stands before the first look after a start, beside a slow one, and while /flatten closes."""
    for reason in ("starting", "within_band", "operator_flatten"):
        desk.engine.shown = (replace(STATUS, reason=reason, stopped="halted"),)
        assert "Yes" in buttons(await desk.say("/resume")) and await desk.queued() == []
        assert "HALTED" in (await desk.say("/status")).text


async def test_adopt_takes_a_leg(desk: Desk) -> None:
    """The leg may stand alone while there is one hedge."""
    await desk.press(buttons(await desk.say("/adopt short"))["Yes"])
    assert await desk.queued() == [("adopt", ("bnb", "SHORT"))]


async def test_button_data_is_short_and_opaque(two: Desk) -> None:
    """At most 64 bytes, and no index: a verb and a token."""
    data = [*buttons(await two.say("/flatten")).values(), *buttons(await two.say("/hedge eth")).values()]
    assert all(len(item.encode()) <= 64 for item in data) and len(set(data)) == len(data)


async def test_a_button_of_another_time_is_not_understood(desk: Desk) -> None:
    """Data that this program never made does nothing."""
    for data in ("", "do:", "do:zzz", "view:halt", "approve", "what:1"):
        await desk.press(data)
    assert await desk.queued() == []


# approvals


async def test_an_approval_is_decided_by_its_button(desk: Desk) -> None:
    """The press decides, says so, wakes the engine, and keeps the text without buttons."""
    await desk.approvals.ask(an_approval())
    result = await desk.press("approve:a1b2c3d4")
    stored = await desk.store.approvals.get("a1b2c3d4")
    assert stored is not None and stored.state is ApprovalState.APPROVED and stored.decided_by == "Anna (tg:1)"
    assert result.toast == "Approved: SELL 4.2 BNB. Working on it." and desk.engine.wakes == ["bnb"]
    assert result.edited is not None and "Approved</b> by Anna" in result.edited.text and not result.edited.buttons


async def test_the_second_of_two_hears_who_was_first(desk: Desk) -> None:
    """Only the winner of the compare-and-set is told that it worked."""
    await desk.approvals.ask(an_approval())
    await desk.press("approve:a1b2c3d4")
    result = await desk.press("reject:a1b2c3d4", actor=BEN)
    assert result.toast == "Too late for your answer: approved by Anna at 12:00:00 UTC."


async def test_a_double_tap_decides_once(desk: Desk) -> None:
    """Two presses at the same moment: one success."""
    await desk.approvals.ask(an_approval())
    toasts = [r.toast for r in await asyncio.gather(*(desk.press("approve:a1b2c3d4") for _ in range(2)))]
    assert sorted(toast.startswith("Approved") for toast in toasts) == [False, True]
    assert len(await desk.store.audit.recent(5)) == 1


async def test_the_text_twins_decide_too(desk: Desk) -> None:
    """/reject ID reason does what the button does, and keeps the reason."""
    await desk.approvals.ask(an_approval())
    reply = await desk.say("/reject A1B2C3D4 far too much")
    stored = await desk.store.approvals.get("a1b2c3d4")
    assert stored is not None and (stored.state, stored.note) == (ApprovalState.REJECTED, "far too much")
    assert "Rejected: SELL 4.2 BNB" in reply.text


async def test_a_late_yes_is_refused(desk: Desk) -> None:
    """After the expiry nobody can approve, whether or not the engine has looked."""
    await desk.approvals.ask(an_approval())
    await desk.clock.sleep(301)
    assert "its time was up at 12:05:00" in (await desk.say("/approve a1b2c3d4")).text


async def test_an_unknown_id_says_so(desk: Desk) -> None:
    """A mistyped ID decides nothing."""
    assert "/pending" in (await desk.say("/approve ffff")).text


async def test_a_bare_approve_shows_what_waits(desk: Desk) -> None:
    """Without an ID nothing is guessed: the pending ones are shown with their buttons."""
    await desk.approvals.ask(an_approval())
    reply = await desk.say("/approve")
    assert buttons(reply) == {"Approve": "approve:a1b2c3d4", "Reject": "reject:a1b2c3d4"}
    assert "/approve a1b2c3d4 or /reject a1b2c3d4" in reply.text


async def test_several_pending_ones_have_named_buttons(two: Desk) -> None:
    """With more than one waiting each button carries its ID."""
    await two.approvals.ask(an_approval("aaaa1111"))
    await two.approvals.ask(an_approval("bbbb2222", hedge="eth"))
    assert "Approve bbbb2222" in buttons(await two.say("/pending"))


async def test_toasts_fit(desk: Desk) -> None:
    """A press's answer is at most 200 characters."""
    await desk.approvals.ask(replace(an_approval(), shown={"base_symbol": "B" * 400}))
    result = await desk.press("approve:a1b2c3d4", actor=ANNA)
    assert len(result.toast) <= 200


# the log


async def test_every_command_is_one_line_of_the_log(desk: Desk) -> None:
    """Who, by what way, what, and what came of it: shown, decided, changed, or not understood."""
    with structlog.testing.capture_logs() as logged:
        await desk.approvals.ask(an_approval())
        approval = (await desk.store.approvals.live())[0].approval_id
        await desk.say("/status")
        await desk.say(f"/approve {approval}")
        await desk.say("/set poll_seconds 20")
        await desk.say("/dance")
    lines = [line for line in logged if line["event"] == "command"]
    assert {(line["by"], line["via"]) for line in lines} == {(ANNA.label, "test")}
    assert [line["what"] for line in lines] == ["/status", f"/approve {approval}", "/set poll_seconds 20", "/dance"]
    assert "approved" in lines[1]["answer"].lower() and "I do not know 'dance'" in lines[3]["answer"]
    assert all(line["answer"] and "\n" not in line["answer"] for line in lines)
