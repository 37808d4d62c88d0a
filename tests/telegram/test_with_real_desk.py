"""The operator's real service, approval desk, notifier and database behind the chat."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta

import pytest

from core.clock import SystemClock
from core.ports import Approval, ApprovalState
from storage.store import Store
from tests.bot.conftest import Desk, make_desk
from tests.bot.samples import an_approval
from tests.rigs.telegram import Message, TelegramRig
from tests.telegram.conftest import OPERATOR, SECOND, Running

BOTH = frozenset({OPERATOR, SECOND})


@pytest.fixture
def desk(store: Store, rig: TelegramRig) -> Desk:
    rig.add_chat(SECOND)
    return make_desk(store, SystemClock(), "bnb")


def _proposal(desk: Desk, *, for_s: float = 300) -> Approval:
    now = desk.clock.now()
    return replace(an_approval(), created_at=now, expires_at=now + timedelta(seconds=for_s))


async def _asked(rig: TelegramRig, chat_id: int) -> Message:
    found = await rig.eventually(lambda: [m for m in rig.messages(chat_id) if m.labels == ["Approve", "Reject"]])
    return found[-1]


async def _state(desk: Desk) -> ApprovalState | None:
    approval = await desk.store.approvals.get("a1b2c3d4")
    return approval.state if approval else None


async def test_a_proposal_is_approved_by_one_tap(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """Loud, with its two buttons, to each operator; the decision shows in every copy and the facts stay readable."""
    async with running(operators=BOTH, service=desk.operator):
        assert await desk.approvals.ask(_proposal(desk))
        mine, theirs = await _asked(rig, OPERATOR), await _asked(rig, SECOND)
        assert not mine.silent
        press = rig.press(OPERATOR, mine, "Approve")
        await rig.eventually(lambda: press.answered and not mine.labels and not theirs.labels)
    assert await _state(desk) is ApprovalState.APPROVED
    for copy in (mine, theirs):
        assert "Approved by User42" in copy.text
        assert "BNBUSDT" in copy.text


async def test_of_two_people_the_first_decides(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """The second hears what was decided, and nothing is decided twice."""
    async with running(operators=BOTH, service=desk.operator):
        await desk.approvals.ask(_proposal(desk))
        mine, theirs = await _asked(rig, OPERATOR), await _asked(rig, SECOND)
        taps = [rig.press(OPERATOR, mine, "Approve"), rig.press(SECOND, theirs, "Reject")]
        await rig.eventually(lambda: all(tap.answered for tap in taps))
        decided = await _state(desk)
        late = rig.press(OPERATOR, mine, "Reject", stale=True)
        await rig.eventually(lambda: late.answered)
    assert decided in (ApprovalState.APPROVED, ApprovalState.REJECTED)
    assert await _state(desk) is decided
    assert taps[0].toast != taps[1].toast


async def test_a_tap_after_the_expiry_does_nothing(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """Telegram tells no press time; the proposal's own hour counts."""
    async with running(service=desk.operator):
        await desk.approvals.ask(_proposal(desk, for_s=0.5))
        message = await _asked(rig, OPERATOR)
        await desk.clock.sleep(0.5)
        press = rig.press(OPERATOR, message, "Approve")
        await rig.eventually(lambda: press.answered)
    assert await _state(desk) is not ApprovalState.APPROVED


async def test_a_pending_proposal_survives_a_restart(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """Pressed while the program was down, decided when it is back."""
    async with running(service=desk.operator):
        await desk.approvals.ask(_proposal(desk))
        message = await _asked(rig, OPERATOR)
    rig.press(OPERATOR, message, "Reject")
    async with running(service=desk.operator):
        await rig.eventually(lambda: not message.labels)
    assert await _state(desk) is ApprovalState.REJECTED


async def test_old_orders_are_not_obeyed_but_a_halt_is(rig: TelegramRig, desk: Desk, running: Running) -> None:
    """What was said hours ago while the program was down."""
    for text in ("/flatten", "/resume", "/halt"):
        rig.say(OPERATOR, text, age_s=7200)
    async with running(service=desk.operator):
        await rig.eventually(lambda: len(rig.messages(OPERATOR, "Too old")) == 2)
        await rig.eventually(lambda: rig.messages(OPERATOR, "Accepted: halt"))
    assert await desk.queued() == [("halt", ())]


async def test_a_dangerous_command_is_confirmed_by_its_asker_only(
    rig: TelegramRig, desk: Desk, running: Running
) -> None:
    """In a shared chat another operator's Yes is not the asker's."""
    group = -1001
    rig.add_chat(group)
    async with running(operators=BOTH, chat_id=group, service=desk.operator):
        rig.say(OPERATOR, "/flatten", chat_id=group)
        question = (await rig.eventually(lambda: [m for m in rig.messages(group) if m.labels]))[0]
        other = rig.press(SECOND, question, "Yes")
        await rig.eventually(lambda: other.answered)
        assert await desk.queued() == []
        mine = rig.press(OPERATOR, question, "Yes")
        await rig.eventually(lambda: mine.answered)
    assert await desk.queued() == [("flatten", ("bnb",))]


@pytest.mark.parametrize(
    "text", ["/status", "/positions", "/pending", "/history", "/config bnb", "/health", "/help", "/logs"]
)
async def test_every_view_is_markup_that_telegram_takes(
    rig: TelegramRig, desk: Desk, running: Running, text: str
) -> None:
    """Nothing falls back to plain text."""
    desk.logs.handle(logging.makeLogRecord({"msg": "a <b>line</i> & more"}))
    async with running(service=desk.operator):
        rig.say(OPERATOR, text)
        await rig.eventually(lambda: rig.messages(OPERATOR))
    assert [call.status for call in rig.calls("sendMessage")] == [200]
